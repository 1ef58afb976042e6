import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Coding } from '../document/content-codings.ts';
import { PublisherError } from '../errors.ts';
import type { FeedKey } from '../feed/feeds.ts';
import { httpDate } from '../lib/instant.ts';
import { withoutKeys } from '../lib/redaction.ts';
import type { Answer } from './answer.ts';
import { untag } from './cdn-headers.ts';
import { isAllowed } from './cors.ts';
import { FOR_ALL, FOR_NEWSROOM, FOR_PARTNERS } from './headers.ts';
import { STATUS_CODES } from './node-http.ts';
import { isPartner, redactedPath } from './partner-target.ts';
import { isApi } from './target.ts';

type Headers = Record<string, string | number>;
type Addressed = Pick<IncomingMessage, 'url'>;

/** The content of an answer. */
export interface Content {
  readonly bytes: number;
  readonly coding: Coding;
  /** The answer, where it is for a document. */
  readonly answer?: Answer;
  /** The feed that the document is of; missing for pages of all feeds. */
  readonly feed?: FeedKey | undefined;
}

/** For the counters: Node keeps no copy of headers that are written as a list. */
const contents = new WeakMap<ServerResponse, Content>();

/** The content of an answer, if `noteContent` recorded it. */
export function contentOf(response: ServerResponse): Content | undefined {
  return contents.get(response);
}

/** Records content of an answer, in addition to what it had before. */
function noteContent(response: ServerResponse, bytes: number, coding: Coding = 'identity'): void {
  contents.set(response, { bytes: bytes + (contents.get(response)?.bytes ?? 0), coding });
}

/** Records an answer for a document: of a feed, or of all feeds. */
export function noteAnswer(response: ServerResponse, answer: Answer, feed?: FeedKey): void {
  contents.set(response, { bytes: answer.body?.length ?? 0, coding: answer.coding, answer, feed });
}

/** Writes the answer for a document. */
export function respondWithDocument(
  response: ServerResponse,
  { status, headers, body }: Pick<Answer, 'status' | 'headers' | 'body'>,
): void {
  untag(response); // the headers have those that the answer may have
  // Node keeps its Date for up to a second, and Last-Modified must not be later (RFC 9110 §8.8.2.1).
  response.writeHead(status, [...headers, 'Date', httpDate(Date.now())]);
  response.end(body);
}

/**
 * For answers that hold for good. A query may have decided them, as in `/?feed=rss2`: a shared cache that leaves the query out
 * of its key would give them to all readers of the page.
 */
function forADay({ url = '' }: Addressed): string {
  return `${url.includes('?') ? 'private' : 'public'}, max-age=86400`;
}

/** Redirects permanently (RFC 9110 §15.4.9). */
export function respondWithRedirect(response: ServerResponse, location: string): void {
  write(response, 308, {
    ...FOR_ALL,
    Location: location,
    'Cache-Control': forADay(response.req),
    'Content-Length': 0,
  });
}

/** Redirects for now (RFC 9110 §15.4.8): the address will have a document of its own. */
export function respondWithTemporaryRedirect(response: ServerResponse, location: string): void {
  untag(response);
  write(response, 307, { ...FOR_ALL, Location: location, 'Cache-Control': 'no-store', 'Content-Length': 0 });
}

/** Leads a browser from a feed to its page (RFC 9110 §15.4.4). No cache may keep it: all other clients get the feed. */
export function respondWithSeeOther(response: ServerResponse, location: string): void {
  untag(response);
  write(response, 303, {
    ...FOR_ALL,
    Location: location,
    'Cache-Control': 'no-store',
    Vary: 'Sec-Fetch-Dest',
    'Content-Length': 0,
  });
}

/** Answers OPTIONS, and a browser's preflight: web pages may send conditions, and ask for deltas (Fetch §3.3). */
export function respondWithMethods(
  request: IncomingMessage,
  response: ServerResponse,
  methods: readonly string[],
): void {
  const Allow = methods.join(', ');
  if (isApi(request.url)) {
    const permission = isAllowed(response) ? { 'Access-Control-Allow-Methods': Allow } : {};
    write(response, 204, { ...FOR_NEWSROOM, Allow, ...permission });
    return;
  }
  if (isPartner(request.url)) {
    write(response, 204, { ...FOR_PARTNERS, 'Cache-Control': 'private, no-store', Allow });
    return;
  }
  write(response, 204, {
    ...FOR_ALL,
    Allow,
    'Access-Control-Allow-Methods': Allow,
    'Access-Control-Allow-Headers': 'A-IM, If-None-Match, If-Modified-Since',
    'Access-Control-Max-Age': 86_400,
  });
}

/** @param nearest the address that the path probably means */
export function nothingAt(path: string, nearest?: string): PublisherError {
  const hint =
    nearest === undefined
      ? 'Feeds are at /feeds/latest.rss, /feeds/latest.atom and /feeds/latest.json.'
      : `Did you mean ${nearest}?`;
  return new PublisherError('not_found', `There is nothing at ${redactedPath(path)}.`, { hint });
}

/** Answers with problem details (RFC 9457). */
export function respondWithError(
  request: IncomingMessage,
  response: ServerResponse,
  error: PublisherError,
  headers: Headers = {},
): void {
  if (error.status !== 410) untag(response); // no cache may keep the others
  const body = problemOf(error);
  const common = isApi(request.url) ? FOR_NEWSROOM : isPartner(request.url) ? FOR_PARTNERS : FOR_ALL;
  response.writeHead(error.status, { ...common, ...headersOf(request, error, body.length), ...headers });
  if (request.method !== 'HEAD') {
    noteContent(response, body.length);
    response.write(body);
  }
  // The service does not wait for a body that comes too slowly.
  if (error.code === 'request_timeout' || request.complete || request.destroyed) response.end();
  else dropRest(request, () => response.end());
}

/**
 * The same for bytes that are not a request, and so have no response. The caller closes the connection behind it.
 *
 * @returns the bytes to send, and how many of them are content
 */
export function rawError(error: PublisherError): { readonly message: Buffer; readonly bytes: number } {
  const body = problemOf(error);
  const headers = {
    Date: httpDate(Date.now()),
    Connection: 'close',
    ...FOR_ALL,
    ...headersOf({}, error, body.length),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ''}\r\n${lines.join('')}\r\n`;
  return { message: Buffer.concat([Buffer.from(head), body]), bytes: body.length };
}

function problemOf(error: PublisherError): Buffer {
  const problem = {
    title: error.message,
    status: error.status,
    code: error.code,
    ...(error.hint === undefined ? {} : { detail: error.hint }),
    ...(error.problems.length === 0 ? {} : { problems: error.problems }),
  };
  return Buffer.from(`${withoutKeys(JSON.stringify(problem))}\n`);
}

function headersOf(request: Addressed, error: PublisherError, length: number): Headers {
  return {
    // A feed that does not exist may appear the next moment; a feed that is gone stays gone.
    'Cache-Control': cachingOf(request, error),
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Content-Length': length,
    ...(error.code === 'not_acceptable' ? { Vary: 'Accept-Encoding' } : {}),
    ...(error.retryAfter === undefined ? {} : retryLater(error.retryAfter)),
  };
}

function cachingOf(request: Addressed, error: PublisherError): string {
  if (isPartner(request.url)) return 'private, no-store';
  return error.status === 410 ? forADay(request) : 'no-store';
}

/**
 * Closes the connection: a thousand clients that ask again at once on open connections keep the event loop reading from
 * them for seconds, and nothing else gets a turn (libuv goes on while more than 1,024 connections are readable).
 */
function retryLater(seconds: number): Headers {
  return { 'Retry-After': seconds, Connection: 'close' };
}

/** Milliseconds for which the service reads and drops the rest of a refused body. */
export const LEFTOVER = 5000;

/** A client that still sends may see no answer if the connection is closed under it (RFC 9112 §9.6). */
export function dropRest(request: IncomingMessage, then: () => void): void {
  const timer = setTimeout(then, LEFTOVER).unref();
  request.once('close', () => clearTimeout(timer));
  request.once('end', then).resume();
}

/** Answers with bytes that are the same for everybody. HEAD and a 304 have none. */
export function respondWithBytes(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body, coding }: { status: number; headers: Headers; body?: Buffer; coding?: Coding },
): void {
  const length = body === undefined ? {} : { 'Content-Length': body.length };
  const content = request.method === 'HEAD' ? undefined : body;
  noteContent(response, content?.length ?? 0, coding);
  response.writeHead(status, { ...headers, ...length });
  response.end(content);
}

/**
 * The same, with all headers in one flat list of names and values, which many answers share.
 *
 * @param headers among them the length of the body
 */
export function respondWithPrepared(
  request: IncomingMessage,
  response: ServerResponse,
  { headers, body, coding }: { readonly headers: readonly string[]; readonly body: Buffer; readonly coding: Coding },
): void {
  const content = request.method === 'HEAD' ? undefined : body;
  noteContent(response, content?.length ?? 0, coding);
  response.writeHead(200, [...headers]);
  response.end(content);
}

/** Answers a person with a page about an error. */
export function respondWithErrorPage(
  request: IncomingMessage,
  response: ServerResponse,
  { error, text, policy }: { error: PublisherError; text: string; policy: string },
): void {
  if (error.status !== 410) untag(response);
  const body = Buffer.from(text);
  const { 'Content-Type': _, ...headers } = headersOf(request, error, body.length);
  const type = { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': policy, Vary: 'Accept' };
  respondWithBytes(request, response, { status: error.status, headers: { ...FOR_ALL, ...headers, ...type }, body });
}

/** Answers the newsroom's API. No cache may keep it. */
export function respondWithJson(
  request: IncomingMessage,
  response: ServerResponse,
  { status = 200, body, headers = {} }: { status?: number; body: unknown; headers?: Headers },
): void {
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
  write(
    response,
    status,
    {
      ...FOR_NEWSROOM,
      'Content-Type': 'application/json; charset=utf-8',
      'Content-Length': bytes.length,
      ...headers,
    },
    request.method === 'HEAD' ? undefined : bytes,
  );
}

/** Answers the operator. No cache may keep it. */
export function respondWithText(
  request: IncomingMessage,
  response: ServerResponse,
  { type, text }: { type: string; text: string },
): void {
  const body = Buffer.from(text);
  const headers = { ...FOR_NEWSROOM, 'Content-Type': type, 'Content-Length': body.length };
  write(response, 200, headers, request.method === 'HEAD' ? undefined : body);
}

/** Begins an NDJSON answer, whose lines are written while the request's body still comes. */
export function beginLines(response: ServerResponse): (lines: readonly unknown[]) => Promise<void> {
  response.writeHead(200, { ...FOR_NEWSROOM, 'Content-Type': 'application/x-ndjson; charset=utf-8' });
  return async (lines) => {
    const text = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    noteContent(response, text.length);
    if (response.write(text) || response.destroyed) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        response.off('drain', done).off('close', done);
        resolve();
      };
      response.on('drain', done).on('close', done); // a client that left never drains
    });
  };
}

function write(response: ServerResponse, status: number, headers: Headers, body?: Buffer): void {
  noteContent(response, body?.length ?? 0);
  response.writeHead(status, headers);
  response.end(body);
}

/**
 * Breaks an answer off, so that its client sees that it is not complete. Not at once: bytes that were written before
 * reach the connection at the end of this round of the event loop.
 */
export function cutOff(response: ServerResponse): void {
  setImmediate(() => response.socket?.destroySoon());
}
