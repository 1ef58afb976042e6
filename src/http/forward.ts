import { rm } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Request, Response } from 'express';
import { PublisherError } from '../errors.ts';
import { request as ask, createServer } from './node-http.ts';
import { cutOff, dropRest } from './respond.ts';

/** Headers that are about one connection, not about the message (RFC 9110 §7.6.1); 100 Continue was said already. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Bytes of a request's head. More than a client may send: on its way it grows by what is said of the connection. */
const MAX_HEAD = 32 * 1024;

/**
 * Hands changes over to the process that writes: the request as it comes, and its answer back as that comes.
 *
 * @param tellAway told that the writer does not answer: once, until it does again
 */
export function forward(
  socketPath: string,
  tellAway: (cause: Error) => void,
): (request: Request<{ path: string[] }>, response: Response) => Promise<void> {
  let isAway = false;
  return async (request, response) => {
    if (response.destroyed) return; // its client left while its key was looked for
    const { method, originalUrl: path } = request;
    // A connection for each: none that the writer closes at the same moment, and its address is the request's.
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
        if (!isAway) tellAway(cause);
        isAway = true;
        refused(writerAway(request));
      });
      asked.once('close', done);
      request.pipe(asked);
    });
  };
}

function passOn(answer: IncomingMessage, request: IncomingMessage, response: ServerResponse): void {
  const isLast = answer.headers.connection === 'close'; // as to who is too slow, and not waited for
  response.writeHead(answer.statusCode ?? 502, [...endToEnd(answer), ...(isLast ? ['Connection', 'close'] : [])]);
  answer.pipe(response, { end: false });
  answer.once('end', () => {
    request.unpipe();
    if (isLast || request.complete) response.end();
    else dropRest(request, () => response.end());
  });
  answer.once('error', () => cutOff(response)); // as it was here
}

/**
 * The request's headers; how its body ends is said anew. The connection is kept, because it is this side that has to end
 * it: an answer is lost where the other does while something is still on its way there.
 */
function headersFor(request: IncomingMessage): string[] {
  const framing = request.headers['transfer-encoding'] === undefined ? [] : ['Transfer-Encoding', 'chunked'];
  return [...endToEnd(request), ...framing, 'Connection', 'keep-alive'];
}

/** A message's headers, as they came, without those of its connection. */
function endToEnd({ rawHeaders, headers }: IncomingMessage): string[] {
  const named = (headers.connection ?? '').toLowerCase().split(/[ \t]*,[ \t]*/);
  const stay = new Set([...OF_THE_CONNECTION, ...named]);
  return rawHeaders.flatMap((name, index) =>
    index % 2 === 0 && !stay.has(name.toLowerCase()) ? [name, rawHeaders[index + 1] ?? ''] : [],
  );
}

function writerAway({ headers }: IncomingMessage): PublisherError {
  const isConditional = headers['if-match'] !== undefined || headers['if-none-match'] !== undefined;
  return new PublisherError('store_unavailable', 'The process that keeps changes is being started again.', {
    hint: isConditional
      ? 'Send the change again: a 412 then means that it may have been kept already; GET the article to see.'
      : 'Send the change again: where it was kept already, that is no other change.',
  });
}

/** Bytes of a socket's path that every system allows: Linux 107, others 103. */
const SURE_PATH = 103;

/**
 * Takes the changes that other processes hand over at a socket in the file system.
 *
 * @throws PublisherError `address_unavailable`
 */
export async function serveForwarded(
  socketPath: string,
  listener: RequestListener,
): Promise<{ close: () => Promise<void> }> {
  // Whether a request must name its host was seen where it came in.
  const server = createServer({ requestTimeout: 0, maxHeaderSize: MAX_HEAD, requireHostHeader: false }, listener);
  await rm(socketPath, { force: true }); // what a writer that was killed has left
  await new Promise<void>((done, refused) => {
    server.once('error', (cause) => refused(unusable(socketPath, cause)));
    // Exclusive: this process's own, not one that a cluster shares.
    server.listen({ path: socketPath, exclusive: true }, done);
  });
  return {
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections(); // those who asked are gone
      }),
  };
}

function unusable(socketPath: string, cause: Error): PublisherError {
  const hint =
    Buffer.byteLength(socketPath) > SURE_PATH
      ? 'A socket’s path is a hundred bytes long at most: set TMPDIR to a folder with a shorter name.'
      : cause.message;
  return new PublisherError('address_unavailable', `The socket ${socketPath} cannot be listened on.`, { hint, cause });
}
