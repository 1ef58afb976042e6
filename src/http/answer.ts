import type { IncomingHttpHeaders } from 'node:http';
import { bestCoding, type Coding, chooseCoding } from '../document/content-codings.ts';
import { acceptsDelta } from '../document/delta.ts';
import type { Document } from '../document/document.ts';
import { type EncodedBody, mayCompress } from '../document/encoded-body.ts';
import { preconditions, strongTags } from '../document/preconditions.ts';
import { cacheControl, lastModifiedHeader, type Representations } from '../document/representation.ts';
import { PublisherError } from '../errors.ts';
import { type DocumentFormat, FORMATS, feedPath, MEDIA_TYPES } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { FOR_ALL } from './headers.ts';

/** An answer for a document. Its headers are one flat list of names and values. */
export interface Answer {
  readonly status: 200 | 226 | 304;
  readonly coding: Coding;
  readonly headers: string[];
  /** Undefined for HEAD and for a 304. */
  readonly body?: Buffer;
  readonly document: Document;
  /** Bytes of the content before its coding: of the document, or of a delta. */
  readonly uncoded: number;
}

/** The answer follows when its bytes are compressed. */
interface Pending {
  readonly pending: () => Promise<Answer>;
}

export interface AnswerContext {
  readonly now: Instant;
  /** Seconds. */
  readonly maxAge: number;
  readonly feedsUrl: string;
  /** The document is shown as it is: as plain text, and without deltas. */
  readonly isRaw?: boolean;
}

interface Question {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** Bytes. Compressing fewer takes less than a millisecond, and the answer waits for it. */
const WORTH_WAITING = 32 * 1024;

/**
 * The answer to GET or HEAD of a document: the one place that decides validators and caching headers. If the client's
 * favourite coding is not ready, its compression begins, and the answer uses the best coding that is.
 *
 * @throws PublisherError `not_acceptable`, `precondition_failed`
 */
export function answerTo(
  question: Question,
  representations: Representations,
  context: AnswerContext,
): Answer | Pending {
  const { method, headers } = question;
  const { document } = representations;
  const accepted = joined(headers['accept-encoding']);
  const favourite = codingFor(accepted);
  const decision = preconditions(headers, representations);
  if (decision === 'failed') {
    throw new PublisherError('precondition_failed', 'The feed has changed: the request expects another version of it.');
  }
  const hasDeltas = document.format !== 'html' && context.isRaw !== true;
  const wantsDelta = hasDeltas && acceptsDelta(joined(headers['a-im']));
  const delta =
    wantsDelta && method === 'GET' && decision === 'proceed'
      ? representations.delta(headers['if-none-match'])
      : undefined;
  const kind = delta !== undefined ? 'delta' : context.isRaw ? 'raw' : wantsDelta ? 'private' : 'public';
  if (decision === 'not-modified') {
    const coding = heldCoding(headers['if-none-match'], representations, favourite, accepted ?? '');
    const { unchanged } = headersOf(kind, representations, coding, context);
    return { status: 304, coding, headers: unchanged, document, uncoded: document.bytes.length };
  }
  const content = delta ?? representations.body;
  const status = delta === undefined ? 200 : 226;
  const answerIn = (coding: Coding, body: Buffer): Answer => {
    const made = headersOf(kind, representations, coding, context, content).full(body.length);
    const uncoded = content.identity.length;
    if (method === 'HEAD') return { status, coding, headers: made, document, uncoded };
    return { status, coding, headers: made, body, document, uncoded };
  };
  const coding = readyCoding(content, favourite, accepted ?? '');
  if (coding !== undefined) return answerIn(coding, content.getIfReady(coding) ?? content.identity);
  // Of `content`, not of a new delta: this one may be evicted before its bytes are compressed.
  return { pending: async () => answerIn(favourite, await content.bytes(favourite)) };
}

/**
 * The coding of the client's copy, whose tag a 304 has to carry: a cache freshens the copy with that tag (RFC 9111
 * §4.3.4). Of several copies, the one in the best coding that the client accepts.
 */
function heldCoding(
  ifNoneMatch: string | undefined,
  { etags }: Representations,
  favourite: Coding,
  accepted: string,
): Coding {
  if (ifNoneMatch === undefined || etags.get(ifNoneMatch) === favourite) return favourite;
  const held = new Set(strongTags(ifNoneMatch).map((tag) => etags.get(tag)));
  return bestCoding(accepted, (coding) => held.has(coding)) ?? favourite;
}

/** The coding to answer with now; undefined where the answer should wait for the favourite one. */
function readyCoding(content: EncodedBody, favourite: Coding, accepted: string): Coding | undefined {
  if (content.getIfReady(favourite) !== undefined) return favourite;
  if (content.identity.length <= WORTH_WAITING) return undefined;
  const best = bestCoding(accepted, (coding) => content.getIfReady(coding) !== undefined);
  // Clients can request more deltas than the service could ever compress.
  if (best !== undefined && mayCompress()) content.bytes(favourite).catch(() => {}); // a request that needs it reports the error
  return best;
}

/** The lines of a repeated header as one (RFC 9110 §5.3). */
function joined(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}

/** @throws PublisherError `not_acceptable` */
function codingFor(accepted: string | undefined): Coding {
  const coding = chooseCoding(accepted);
  if (coding !== undefined) return coding;
  throw new PublisherError(
    'not_acceptable',
    'The service offers none of the content codings that the request accepts.',
    {
      hint: 'Accept br, zstd, gzip or identity.',
    },
  );
}

/** The headers of a document in a coding, made once a second. */
interface MadeHeaders {
  /** The second since 1970 that they belong to: Last-Modified and max-age depend on it. */
  readonly second: number;
  readonly unchanged: string[];
  readonly full: (length: number) => string[];
}

/**
 * `public` answers are for every client; `private` ones for a client that accepts deltas; `delta` is such a delta; `raw` is a
 * feed as plain text.
 */
type Kind = 'public' | 'private' | 'delta' | 'raw';

const made = {
  public: new WeakMap<EncodedBody, Map<Coding, MadeHeaders>>(),
  private: new WeakMap<EncodedBody, Map<Coding, MadeHeaders>>(),
  delta: new WeakMap<EncodedBody, Map<Coding, MadeHeaders>>(),
  raw: new WeakMap<EncodedBody, Map<Coding, MadeHeaders>>(),
};

function headersOf(
  kind: Kind,
  representations: Representations,
  coding: Coding,
  context: AnswerContext,
  content = representations.body,
): MadeHeaders {
  let codings = made[kind].get(content);
  if (codings === undefined) {
    codings = new Map();
    made[kind].set(content, codings);
  }
  const known = codings.get(coding);
  if (known?.second === secondOf(context.now)) return known;
  const headers = makeHeaders(kind, representations, coding, context);
  codings.set(coding, headers);
  return headers;
}

function makeHeaders(
  kind: Kind,
  representations: Representations,
  coding: Coding,
  { now, maxAge, feedsUrl }: AnswerContext,
): MadeHeaders {
  const { document } = representations;
  // RFC 9110 §15.4.5: a 304 has the headers of the 200, except those of the content.
  const unchanged = flat({
    ...FOR_ALL,
    'Cache-Control': document.isPassing === true ? 'no-cache' : cachingOf(kind, maxAge, now),
    ETag: representations.etag(coding),
    // libcurl treats a body whose date is not newer as unchanged, and newsboat would miss entries.
    ...(kind === 'delta' ? {} : { 'Last-Modified': lastModifiedHeader(representations, now) }),
    // A cache that adds its own tag to a reader's A-IM would give the reader a delta of another document.
    Vary: document.format === 'html' || kind === 'raw' ? 'Accept-Encoding' : 'Accept-Encoding, A-IM',
  });
  let whole: string[] | undefined;
  return {
    second: secondOf(now),
    unchanged,
    full(length) {
      whole ??= [
        ...unchanged,
        ...flat({
          ...(kind === 'delta' ? { IM: 'feed' } : {}),
          Link: links(document.feed.key, document.format, feedsUrl),
          'Content-Type': `${kind === 'raw' ? 'text/plain' : mediaType(document.format)}; charset=utf-8`,
          ...(document.policy === undefined ? {} : { 'Content-Security-Policy': document.policy }),
          'Content-Length': String(length),
          ...(coding === 'identity' ? {} : { 'Content-Encoding': coding }),
        }),
      ];
      return whole;
    },
  };
}

function cachingOf(kind: Kind, maxAge: number, now: Instant): string {
  switch (kind) {
    case 'public':
      return cacheControl(maxAge, now);
    case 'private':
    case 'raw': // a cache that leaves the query out of its key would give readers a feed of the wrong type
      return cacheControl(maxAge, now, 'private');
    case 'delta': // a cache that does not know 226 would give one client's delta to another (RFC 9111 §3)
      return 'no-store';
  }
}

function mediaType(format: DocumentFormat): string {
  return format === 'html' ? 'text/html' : MEDIA_TYPES[format];
}

function secondOf(now: Instant): number {
  return Math.floor(now / 1000);
}

function flat(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flat();
}

/** The feed itself and its other formats (RFC 8288); of a page, the feed in every format. */
function links(key: string, format: DocumentFormat, feedsUrl: string): string {
  const others = FORMATS.filter((other) => other !== format);
  return (format === 'html' ? others : [format, ...others])
    .map((other) => {
      const relation = other === format ? 'self' : 'alternate';
      return `<${feedsUrl}${feedPath(key, other)}>; rel="${relation}"; type="${MEDIA_TYPES[other]}"`;
    })
    .join(', ');
}
