import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { chooseCoding } from '../codings.ts';
import { PublisherError } from '../errors.ts';
import { FORMATS, feedPath, MEDIA_TYPES } from '../feeds.ts';
import type { Instant } from '../instant.ts';
import { preconditions } from '../preconditions.ts';
import { cacheControl, lastModifiedHeader, type Representations } from '../representation.ts';

/** What every answer says: any web page may read it, and nobody may guess its type. */
const FOR_ALL = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'ETag, Link, Content-Length, Retry-After',
  'X-Content-Type-Options': 'nosniff',
} as const;

const FOR_NEWSROOM = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' } as const;

type Headers = Record<string, string | number>;

interface DocumentAnswer {
  readonly representations: Representations;
  readonly now: Instant;
  /** Seconds. */
  readonly maxAge: number;
  readonly feedsUrl: string;
}

/**
 * Answers GET or HEAD with a document: the one writer of validators and caching headers.
 *
 * @throws PublisherError `not_acceptable`, `precondition_failed`
 */
export async function respondWithDocument(
  request: IncomingMessage,
  response: ServerResponse,
  { representations, now, maxAge, feedsUrl }: DocumentAnswer,
): Promise<void> {
  const coding = chooseCoding(header(request, 'accept-encoding'));
  if (coding === undefined) {
    throw new PublisherError('not_acceptable', 'None of the content codings the request accepts is offered.', {
      hint: 'Offered are br, zstd, gzip and identity.',
    });
  }
  const decision = preconditions(request.headers, representations);
  if (decision === 'failed') {
    throw new PublisherError('precondition_failed', 'The feed is not the one that the request expects.');
  }
  const { document } = representations;
  const headers: Headers = {
    ...FOR_ALL,
    'Cache-Control': cacheControl(maxAge, now, document.nextChangeAt),
    ETag: representations.etag(coding),
    'Last-Modified': lastModifiedHeader(representations, now),
    Link: links(document.feed.key, document.format, feedsUrl),
    Vary: 'Accept-Encoding',
  };
  // RFC 9110 §15.4.5: what a 200 would say, but nothing of the content that does not come.
  if (decision === 'not-modified') return write(response, 304, headers);
  const bytes = await representations.bytes(coding);
  headers['Content-Type'] = `${MEDIA_TYPES[document.format]}; charset=utf-8`;
  headers['Content-Length'] = bytes.length;
  if (coding !== 'identity') headers['Content-Encoding'] = coding;
  write(response, 200, headers, request.method === 'HEAD' ? undefined : bytes);
}

/** The feed itself and its other formats (RFC 8288). */
function links(key: string, format: (typeof FORMATS)[number], feedsUrl: string): string {
  return FORMATS.map((other) => {
    const relation = other === format ? 'self' : 'alternate';
    return { relation, link: `<${feedsUrl}${feedPath(key, other)}>; rel="${relation}"; type="${MEDIA_TYPES[other]}"` };
  })
    .sort((a, b) => b.relation.localeCompare(a.relation))
    .map(({ link }) => link)
    .join(', ');
}

/** Sends a client to another address for good (RFC 9110 §15.4.9). */
export function respondWithRedirect(response: ServerResponse, location: string): void {
  write(response, 308, {
    ...FOR_ALL,
    Location: location,
    'Cache-Control': 'public, max-age=86400',
    'Content-Length': 0,
  });
}

/** Says which methods an address knows, and to a browser's preflight that it may send conditions (Fetch §3.3). */
export function respondWithMethods(response: ServerResponse, methods: readonly string[]): void {
  write(response, 204, {
    ...FOR_ALL,
    Allow: methods.join(', '),
    'Access-Control-Allow-Methods': methods.join(', '),
    'Access-Control-Allow-Headers': 'If-None-Match, If-Modified-Since, A-IM',
    'Access-Control-Max-Age': 86_400,
  });
}

export function nothingAt(path: string): PublisherError {
  return new PublisherError('not_found', `There is nothing at ${path}.`, {
    hint: 'Feeds are at /feeds/latest.rss, /feeds/latest.atom and /feeds/latest.json.',
  });
}

/** Says what is wrong, as RFC 9457 problem details. */
export function respondWithError(
  request: IncomingMessage,
  response: ServerResponse,
  error: PublisherError,
  headers: Headers = {},
): void {
  const problem = {
    title: error.message,
    status: error.status,
    code: error.code,
    ...(error.hint === undefined ? {} : { detail: error.hint }),
    ...(error.problems.length === 0 ? {} : { problems: error.problems }),
  };
  const body = Buffer.from(`${JSON.stringify(problem)}\n`);
  write(
    response,
    error.status,
    {
      ...FOR_ALL,
      // A feed that does not exist may be published the next moment; one that is gone stays gone.
      'Cache-Control': error.status === 410 ? 'public, max-age=86400' : 'no-store',
      'Content-Type': 'application/problem+json; charset=utf-8',
      'Content-Length': body.length,
      ...(error.code === 'not_acceptable' ? { Vary: 'Accept-Encoding' } : {}),
      ...headers,
    },
    request.method === 'HEAD' ? undefined : body,
  );
}

/** Answers the newsroom's side: for this client alone, and never kept. */
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

/** Begins an answer of one JSON object a line, which is written while the request is still coming. */
export function beginLines(response: ServerResponse): (lines: readonly unknown[]) => Promise<void> {
  response.writeHead(200, { ...FOR_NEWSROOM, 'Content-Type': 'application/x-ndjson; charset=utf-8' });
  return async (lines) => {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    if (!response.write(text) && !response.destroyed) await once(response, 'drain');
  };
}

function write(response: ServerResponse, status: number, headers: Headers, body?: Buffer): void {
  response.writeHead(status, headers);
  response.end(body);
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
