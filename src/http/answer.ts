import type { IncomingHttpHeaders } from 'node:http';
import type { DocumentCache } from '../document/cache.ts';
import { bestCoding, type Coding, chooseCoding } from '../document/content-codings.ts';
import { acceptsDelta } from '../document/delta.ts';
import type { Document } from '../document/document.ts';
import { type EncodedBody, mayCompress } from '../document/encoded-body.ts';
import { preconditions, strongTags } from '../document/preconditions.ts';
import {
  cacheControl,
  type DocumentTags,
  lastModifiedHeader,
  type Representations,
} from '../document/representation.ts';
import { PublisherError } from '../errors.ts';
import { archivePath, FORMATS, type Format, feedPath, MEDIA_TYPES } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { termsHeaders, termsLink } from '../terms/statements.ts';
import type { Terms } from '../terms/terms.ts';
import type { CdnHeaders } from './cdn-headers.ts';
import { FOR_ALL, FOR_PARTNERS } from './headers.ts';

/** An answer for a document. Its headers are one flat list of names and values. */
export interface Answer {
  readonly status: 200 | 226 | 304;
  readonly coding: Coding;
  readonly headers: string[];
  /** Undefined for HEAD and for a 304. */
  readonly body?: Buffer;
  readonly document: DocumentTags['document'];
  /** Bytes of the document without a coding. */
  readonly length: number;
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
  readonly terms?: Terms | undefined;
  /** Missing where no cache in front is purged by tags. */
  readonly cdn?: CdnHeaders | undefined;
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
 * favourite coding is not ready, the answer uses the best coding that is. The compression begins for the second client with
 * that favourite.
 *
 * @throws PublisherError `not_acceptable`, `precondition_failed`
 */
export function answerTo(
  question: Question,
  representations: Representations,
  context: AnswerContext,
): Answer | Pending {
  const { method, headers } = question;
  const { document, length } = representations;
  const wish = wishOf(question, representations, context);
  const { accepted, favourite, wantsDelta } = wish;
  const decision = preconditions(headers, representations);
  if (decision === 'failed') {
    throw new PublisherError('precondition_failed', 'The feed has changed: the request expects another version of it.');
  }
  if (decision === 'not-modified') {
    const coding = heldCoding(headers['if-none-match'], representations, wish);
    const kind = kindOf(document, wantsDelta, context);
    const { unchanged } = headersOf(kind, representations, coding, context);
    return { status: 304, coding, headers: unchanged, document, length, uncoded: length };
  }
  const delta = wantsDelta && method === 'GET' ? representations.delta(headers['if-none-match']) : undefined;
  const kind = delta === undefined ? kindOf(document, wantsDelta, context) : 'delta';
  const content = delta ?? representations.body;
  const status = delta === undefined ? 200 : 226;
  const answerIn = (coding: Coding, body: Buffer): Answer => {
    const made = headersOf(kind, representations, coding, context, content).full(body.length);
    const uncoded = content.identity.length;
    if (method === 'HEAD') return { status, coding, headers: made, document, length, uncoded };
    return { status, coding, headers: made, body, document, length, uncoded };
  };
  const coding = readyCoding(content, favourite, accepted);
  if (coding !== undefined) return answerIn(coding, content.getIfReady(coding) ?? content.identity);
  // Of `content`, not of a new delta: this one may be evicted before its bytes are compressed.
  return { pending: async () => answerIn(favourite, await content.bytes(favourite)) };
}

/**
 * The answer from what is in memory: the document, or its tags if the client's copy is current. Undefined if the document has to
 * be made first.
 *
 * @param name of `documentName`
 * @throws PublisherError `not_acceptable`, `precondition_failed`
 */
export function answerIfReady(
  question: Question,
  { getIfReady, tagsIfReady }: Pick<DocumentCache, 'getIfReady' | 'tagsIfReady'>,
  name: string,
  context: AnswerContext,
): Answer | Pending | undefined {
  const representations = getIfReady(name);
  if (representations !== undefined) return answerTo(question, representations, context);
  const tags = tagsIfReady(name);
  return tags && answerUnchanged(question, tags, context);
}

/** The 304 to a client whose copy is current, from the tags alone. Undefined where the answer needs the document. */
function answerUnchanged(question: Question, tags: DocumentTags, context: AnswerContext): Answer | undefined {
  const { headers } = question;
  const { document, length } = tags;
  const wish = wishOf(question, tags, context);
  if (preconditions(headers, tags) !== 'not-modified') return undefined;
  const coding = heldCoding(headers['if-none-match'], tags, wish);
  const unchanged = unchangedHeaders(kindOf(document, wish.wantsDelta, context), tags, coding, context);
  return { status: 304, coding, headers: unchanged, document, length, uncoded: length };
}

/** In which form a client would like a document. */
interface Wish {
  /** Its Accept-Encoding header. */
  readonly accepted: string;
  readonly favourite: Coding;
  readonly wantsDelta: boolean;
}

/** @throws PublisherError `not_acceptable` */
function wishOf({ headers }: Question, { document }: DocumentTags, { isRaw }: AnswerContext): Wish {
  const accepted = joined(headers['accept-encoding']);
  const favourite = codingFor(accepted);
  const wantsDelta = hasDeltas(document) && isRaw !== true && acceptsDelta(joined(headers['a-im']));
  return { accepted: accepted ?? '', favourite, wantsDelta };
}

function kindOf({ partner }: DocumentTags['document'], wantsDelta: boolean, { isRaw }: AnswerContext): Kind {
  if (isRaw === true) return 'raw';
  if (wantsDelta) return 'private';
  return partner === undefined ? 'public' : 'partner';
}

/**
 * The coding of the client's copy, whose tag a 304 has to carry: a cache freshens the copy with that tag (RFC 9111
 * §4.3.4). Of several copies, the one in the best coding that the client accepts.
 */
function heldCoding(ifNoneMatch: string | undefined, { etags }: DocumentTags, { favourite, accepted }: Wish): Coding {
  if (ifNoneMatch === undefined || etags.get(ifNoneMatch) === favourite) return favourite;
  const held = new Set(strongTags(ifNoneMatch).map((tag) => etags.get(tag)));
  return bestCoding(accepted, (coding) => held.has(coding)) ?? favourite;
}

/** The coding to answer with now; undefined where the answer should wait for the favourite one. */
function readyCoding(content: EncodedBody, favourite: Coding, accepted: string): Coding | undefined {
  if (content.getIfReady(favourite) !== undefined) return favourite;
  if (content.identity.length <= WORTH_WAITING) return undefined;
  const best = bestCoding(accepted, (coding) => content.getIfReady(coding) !== undefined);
  // A client that is alone with its wish would pay for a compression that nobody gets: it has its answer by then. And
  // clients can request more deltas than the service could ever compress.
  if (best !== undefined && content.wasWanted(favourite) && mayCompress()) content.bytes(favourite).catch(() => {}); // a request that needs it reports the error
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
 * feed as plain text; `partner` is a document of a partner.
 */
type Kind = 'public' | 'private' | 'delta' | 'raw' | 'partner';

const made = {
  public: new WeakMap<EncodedBody, Map<Coding, MadeHeaders>>(),
  private: new WeakMap<EncodedBody, Map<Coding, MadeHeaders>>(),
  delta: new WeakMap<EncodedBody, Map<Coding, MadeHeaders>>(),
  raw: new WeakMap<EncodedBody, Map<Coding, MadeHeaders>>(),
  partner: new WeakMap<EncodedBody, Map<Coding, MadeHeaders>>(),
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
  context: AnswerContext,
): MadeHeaders {
  const { document } = representations;
  const unchanged = unchangedHeaders(kind, representations, coding, context);
  let whole: string[] | undefined;
  return {
    second: secondOf(context.now),
    unchanged,
    full(length) {
      whole ??= [
        ...unchanged,
        ...flat({
          ...(kind === 'delta' ? { IM: 'feed' } : {}),
          Link: links(document, context),
          // Here and not in a 304: they are about the content (RFC 9110 §8.1, §15.4.5). New terms make new tags.
          ...(kind === 'partner' ? {} : termsHeaders(context)), // the terms of a partner are those of its contract
          'Content-Type': `${kind === 'raw' ? 'text/plain' : mediaType(document)}; charset=utf-8`,
          ...(document.policy === undefined ? {} : { 'Content-Security-Policy': document.policy }),
          'Content-Length': String(length),
          ...(coding === 'identity' ? {} : { 'Content-Encoding': coding }),
        }),
      ];
      return whole;
    },
  };
}

/** The headers of a 304: those of the 200, except the ones of the content (RFC 9110 §15.4.5). */
function unchangedHeaders(
  kind: Kind,
  tags: DocumentTags,
  coding: Coding,
  { now, maxAge, cdn }: AnswerContext,
): string[] {
  const { document } = tags;
  return flat({
    ...(kind === 'partner' ? FOR_PARTNERS : FOR_ALL),
    'Cache-Control': document.isPassing === true ? 'no-cache' : cachingOf(kind, maxAge, now),
    ETag: tags.etag(coding),
    // libcurl treats a body whose date is not newer as unchanged, and newsboat would miss entries.
    ...(kind === 'delta' ? {} : { 'Last-Modified': lastModifiedHeader(tags, now) }),
    // A cache that adds its own tag to a reader's A-IM would give the reader a delta of another document.
    Vary: varyOf(kind, document),
    // No cache may keep the others.
    ...(kind === 'public' && document.isPassing !== true
      ? cdn?.ofDocument(document.feed.key, document.format)
      : undefined),
  });
}

function cachingOf(kind: Kind, maxAge: number, now: Instant): string {
  switch (kind) {
    case 'public':
      return cacheControl(maxAge, now);
    case 'private':
    case 'raw': // a cache that leaves the query out of its key would give readers a feed of the wrong type
      return cacheControl(maxAge, now, 'private');
    case 'partner': // a story that is withdrawn has to reach the next request
      return 'private, no-cache';
    case 'delta': // a cache that does not know 226 would give one client's delta to another (RFC 9111 §3)
      return 'no-store';
  }
}

function varyOf(kind: Kind, document: DocumentTags['document']): string {
  if (kind === 'partner') return 'Accept-Encoding, Authorization';
  return hasDeltas(document) && kind !== 'raw' ? 'Accept-Encoding, A-IM' : 'Accept-Encoding';
}

function mediaType({ format, partner }: Pick<Document, 'format' | 'partner'>): string {
  if (partner !== undefined) return partner.mediaType;
  return format === 'html' ? 'text/html' : MEDIA_TYPES[format];
}

function secondOf(now: Instant): number {
  return Math.floor(now / 1000);
}

function flat(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flat();
}

/** Readers that know deltas ask for current documents with them. Pages for people, pages of archives and documents of partners have none. */
function hasDeltas({ format, page, partner }: DocumentTags['document']): boolean {
  return format !== 'html' && page === undefined && partner === undefined;
}

/** The document itself, its other formats (RFC 8288) and its terms; of a page for people, the feed in every format. */
function links(document: Document, context: AnswerContext): string {
  const { feed, format, page, partner } = document;
  const { key } = feed;
  if (partner !== undefined) return `<${partner.self}>; rel="self"; type="${partner.mediaType}"`;
  const others = FORMATS.filter((other) => other !== format);
  const link = (path: string, relation: string, type: Format) =>
    `<${context.feedsUrl}${path}>; rel="${relation}"; type="${MEDIA_TYPES[type]}"`;
  const formats = (format === 'html' ? others : [format, ...others]).map((other) => {
    const path = page === undefined ? feedPath(key, other) : archivePath(key, page, other);
    return link(path, other === format ? 'self' : 'alternate', other);
  });
  const current = page === undefined || format === 'html' ? [] : [link(feedPath(key, format), 'current', format)];
  const terms = termsLink(context);
  return [...formats, ...current, ...(terms === undefined ? [] : [terms])].join(', ');
}
