import { rm } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Request, Response } from 'express';
import { PublisherError } from '../errors.ts';
import { CONNECTION_NAME, connectionName, nameConnection } from './connection-names.ts';
import { connectionOptions } from './head.ts';
import { request as ask, createServer } from './node-http.ts';
import { cutOff, dropRest } from './respond.ts';

/** Headers of the connection, not of the message (RFC 9110 §7.6.1). */
const HOP_BY_HOP: readonly string[] = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** This process answers Expect, frames the body that it sends, and names the connection. */
const NOT_FORWARDED: readonly string[] = [...HOP_BY_HOP, 'content-length', 'expect', CONNECTION_NAME.toLowerCase()];

/** Bytes of a request's head. More than a client may send: the headers of the connection are added to it. */
const MAX_HEAD = 32 * 1024;

/**
 * Streams changes to the writer process, and its answers back.
 *
 * @param onWriterAway called when the writer does not answer: once, until it answers again
 */
export function forward(
  socketPath: string,
  onWriterAway: (cause: Error) => void,
): (request: Request<{ path: string[] }>, response: Response) => Promise<void> {
  let isAway = false;
  return async (request, response) => {
    if (response.destroyed) return; // the client left while its key was checked
    const { method, originalUrl: path } = request;
    // One connection for each request: the writer never closes one under a request, and never confuses two.
    const asked = ask({ socketPath, method, path, headers: headersFor(request), agent: false });
    response.once('close', () => asked.destroy());
    await new Promise<void>((done, refused) => {
      asked.once('response', (answer) => {
        isAway = false;
        passOn(answer, request, response);
      });
      asked.on('error', (cause) => {
        request.unpipe(asked);
        if (response.headersSent || response.destroyed) return;
        if (!isAway) onWriterAway(cause);
        isAway = true;
        refused(writerAway(request));
      });
      asked.once('close', done);
      request.pipe(asked);
    });
  };
}

function passOn(answer: IncomingMessage, request: IncomingMessage, response: ServerResponse): void {
  const isLast = answer.headers.connection === 'close'; // the writer does not wait for the rest of the body
  response.writeHead(answer.statusCode ?? 502, [
    ...fieldsWithout(HOP_BY_HOP, answer),
    ...(isLast ? ['Connection', 'close'] : []),
  ]);
  answer.pipe(response, { end: false });
  answer.once('end', () => {
    request.unpipe();
    if (isLast || request.complete) response.end();
    else dropRest(request, () => response.end());
  });
  answer.once('error', () => cutOff(response));
}

/**
 * The request's headers, with framing of our own: what a client writes never decides where the writer sees the end of a
 * request. The connection is kept alive, because this side has to close it: an answer is lost if the writer closes it while
 * bytes are still on their way.
 */
function headersFor(request: IncomingMessage): string[] {
  const { 'content-length': length = '0', 'transfer-encoding': coding } = request.headers;
  const framing = coding === undefined ? ['Content-Length', length] : ['Transfer-Encoding', 'chunked'];
  const name = connectionName(request.socket);
  return [...fieldsWithout(NOT_FORWARDED, request), ...framing, CONNECTION_NAME, name, 'Connection', 'keep-alive'];
}

/** A message's headers without these and without those that its Connection names: `wrongHead` refused all that matter. */
function fieldsWithout(left: readonly string[], { rawHeaders, headers }: IncomingMessage): string[] {
  const out = new Set([...left, ...connectionOptions(headers)]);
  return rawHeaders.flatMap((name, index) =>
    index % 2 === 0 && !out.has(name.toLowerCase()) ? [name, rawHeaders[index + 1] ?? ''] : [],
  );
}

function writerAway({ method, headers }: IncomingMessage): PublisherError {
  const isConditional = headers['if-match'] !== undefined || headers['if-none-match'] !== undefined;
  return new PublisherError('store_unavailable', 'The process that writes changes is restarting.', {
    hint: hintFor(method, isConditional),
  });
}

function hintFor(method: string | undefined, isConditional: boolean): string {
  if (method === 'GET' || method === 'HEAD') return 'Send the request again.';
  return isConditional
    ? 'Send the change again. A 412 then means that the first attempt may have succeeded: GET the article to see.'
    : 'Send the change again. If the first attempt succeeded, nothing changes twice.';
}

/** Bytes of a socket's path that every system allows: Linux 107, others 103. */
const MAX_SOCKET_PATH = 103;

/**
 * Serves the changes that other processes forward, at a socket in the file system.
 *
 * @throws PublisherError `address_unavailable`
 */
export async function serveForwarded(
  socketPath: string,
  listener: RequestListener,
): Promise<{ close: () => Promise<void> }> {
  const seen = new WeakSet<Socket>();
  // The process that forwards a request has checked its Host.
  const options = { requestTimeout: 0, maxHeaderSize: MAX_HEAD, requireHostHeader: false };
  const server = createServer(options, (request, response) => {
    if (seen.has(request.socket)) return; // `forward` sends one request on a connection: these bytes are none of ours
    seen.add(request.socket);
    nameConnection(request);
    listener(request, response);
  });
  await rm(socketPath, { force: true }); // a killed writer leaves it behind
  await new Promise<void>((done, refused) => {
    server.once('error', (cause) => refused(unusable(socketPath, cause)));
    // Exclusive: a cluster would share it between processes.
    server.listen({ path: socketPath, exclusive: true }, done);
  });
  return {
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections(); // the readers have exited
      }),
  };
}

function unusable(socketPath: string, cause: Error): PublisherError {
  const hint =
    Buffer.byteLength(socketPath) > MAX_SOCKET_PATH
      ? `A socket’s path has at most ${MAX_SOCKET_PATH} bytes: set TMPDIR to a folder with a shorter name.`
      : `Check that the folder for temporary files can be written, or set another with TMPDIR. The system reports: ${cause.message}.`;
  return new PublisherError('address_unavailable', `The service cannot listen on the socket ${socketPath}.`, {
    hint,
    cause,
  });
}
