import { createHash, hash } from 'node:crypto';
import { setImmediate as pendingEvents } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { httpDate, type Instant } from '../lib/instant.ts';
import { CODINGS, type Coding } from './content-codings.ts';
import { missingEntries, opaqueTag } from './delta.ts';
import { type Document, partialDocument } from './document.ts';
import { createEncodedBody, type EncodedBody } from './encoded-body.ts';
import type { Validators } from './preconditions.ts';

/** What an answer without content says of a document, whose bytes need not be in memory. */
export interface DocumentTags extends Validators {
  readonly document: Pick<Document, 'format' | 'page' | 'isPassing' | 'partner'> & {
    readonly feed: Pick<Document['feed'], 'key'>;
  };
  readonly etag: (coding: Coding) => string;
  readonly etags: ReadonlyMap<string, Coding>;
  /** Bytes of the document without a coding. */
  readonly length: number;
}

/** All representations of a document: its bytes in every coding, their validators, and its deltas. */
export interface Representations extends DocumentTags {
  readonly document: Document;
  /** The part that the tags of all codings have in common. */
  readonly tag: string;
  readonly body: EncodedBody;
  /** The document without the entries that a client with this If-None-Match has. Undefined if that is unknown. */
  readonly delta: (ifNoneMatch: string | undefined) => EncodedBody | undefined;
  /** Bytes in memory, of all codings and deltas that are made. */
  readonly size: () => number;
}

/** The deltas that a document keeps: nearly all readers lack the newest story, or the newest few. */
const MAX_DELTAS = 32;
/** A name that no delta has. */
const NO_DELTA = '';
/** Characters of the longest If-None-Match that is kept: one tag of ours is shorter. */
const LONGEST_TAG = 300;
/** Bytes that the tags, dates and headers of a document take in memory. */
const OVERHEAD = 4096;

/** Bytes that are digested at once: a few milliseconds' work. */
const DIGESTED = 4 * 1024 * 1024;

type Digested = Pick<Document, 'bytes' | 'termsInHeaders'>;

/** The digest of a document, without a long block of the event loop for a document of many megabytes. */
export async function digestOf(document: Digested): Promise<string> {
  const { bytes, termsInHeaders } = document;
  if (bytes.length <= DIGESTED) return digestAtOnce(document);
  const digest = createHash('sha256');
  for (let start = 0; start < bytes.length; start += DIGESTED) {
    digest.update(bytes.subarray(start, start + DIGESTED));
    await pendingEvents();
  }
  if (termsInHeaders !== undefined) digest.update(termsInHeaders);
  return digest.digest('base64url');
}

function digestAtOnce({ bytes, termsInHeaders }: Digested): string {
  if (termsInHeaders === undefined) return hash('sha256', bytes, 'base64url');
  return createHash('sha256').update(bytes).update(termsInHeaders).digest('base64url');
}

/**
 * The representations of a document. Tags and date are made here, together with the bytes they belong to.
 *
 * @param onGrow called when the representations take more memory: `size` has changed
 * @param digest that of `digestOf`
 */
export function represent(
  document: Document,
  onGrow: () => void = () => {},
  digest: string = digestAtOnce(document),
): Representations {
  const tag = opaqueTag(digest.slice(0, 16), document.entries);
  const body = createEncodedBody(document.bytes, onGrow);
  // Both caches are made with the first delta: most documents never have one.
  let deltas: LRUCache<string, EncodedBody> | undefined;
  /** The name of the delta for an If-None-Match. To compute it costs as much as the rest of an answer. */
  let deltaNames: LRUCache<string, string> | undefined;

  function delta(ifNoneMatch: string | undefined): EncodedBody | undefined {
    if (ifNoneMatch === undefined) return undefined;
    const found = deltas?.get(deltaNames?.get(ifNoneMatch) ?? NO_DELTA);
    if (found !== undefined) return found;
    const missing = missingEntries(ifNoneMatch, document);
    if (missing === undefined) return undefined;
    deltas ??= new LRUCache({
      max: MAX_DELTAS,
      maxSize: document.bytes.length + 1, // a client that invents tags must not evict other documents
      sizeCalculation: ({ identity }) => identity.length + 1,
    });
    const name = `delta ${missing.map(({ start }) => start).join(' ')}`;
    deltaNames ??= new LRUCache({ max: MAX_DELTAS });
    if (ifNoneMatch.length <= LONGEST_TAG) deltaNames.set(ifNoneMatch, name);
    const known = deltas.get(name);
    if (known !== undefined) return known;
    const made = createEncodedBody(partialDocument(document, missing), onGrow);
    deltas.set(name, made);
    onGrow();
    return made;
  }

  return {
    document,
    tag,
    etag: (coding) => etagOf(tag, coding),
    etags: etagsOf(tag),
    length: document.bytes.length,
    lastModified: secondOf(document.changedAt),
    body,
    delta,
    size: () => [...(deltas?.values() ?? [])].reduce((sum, each) => sum + each.size(), body.size() + OVERHEAD),
  };
}

/** The tag of a document in a coding. A strong tag names one sequence of bytes (RFC 9110 §8.8.3.3). */
export function etagOf(tag: string, coding: Coding): string {
  return coding === 'identity' ? `"${tag}"` : `"${tag}-${coding}"`;
}

/** The tags of a document in all codings. */
export function etagsOf(tag: string): ReadonlyMap<string, Coding> {
  return new Map(CODINGS.map((coding) => [etagOf(tag, coding), coding]));
}

/**
 * The second of a change, rounded up. If two changes in one second had the same date, a client that compares only dates
 * would miss the later one (RFC 9110 §8.8.2.2).
 */
export function secondOf(changedAt: Instant): Instant {
  return Math.ceil(changedAt / 1000) * 1000;
}

/** The value of Last-Modified now: never later than the Date of the response (RFC 9110 §8.8.2.1). */
export function lastModifiedHeader({ lastModified }: Validators, now: Instant): string {
  return httpDate(Math.min(lastModified, Math.floor(now / 1000) * 1000));
}

const STALE_WHILE_REVALIDATE = 1;
const STALE_IF_ERROR = 86_400;

/**
 * Cache-Control of a document (RFC 9111 §5.2.2, RFC 5861). Copies expire on a grid, at the next wall-clock multiple of
 * maxAge. A time that depended on the feed's next change would announce the end of an embargo. Only while the service is
 * down (stale-if-error) may a cache serve an older document.
 *
 * @param maxAge in seconds
 */
export function cacheControl(maxAge: number, now: Instant, sharing: 'public' | 'private' = 'public'): string {
  const sinceMultiple = maxAge === 0 ? 0 : Math.floor(now / 1000) % maxAge;
  const fresh = maxAge - sinceMultiple; // rounded up, because the current second counts as whole
  return `${sharing}, max-age=${fresh}, stale-while-revalidate=${STALE_WHILE_REVALIDATE}, stale-if-error=${STALE_IF_ERROR}`;
}
