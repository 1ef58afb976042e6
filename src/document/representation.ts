import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { httpDate, type Instant } from '../lib/instant.ts';
import { CODINGS, type Coding } from './content-codings.ts';
import { missingEntries, opaqueTag } from './delta.ts';
import { type Document, partialDocument } from './document.ts';
import { createEncodedBody, type EncodedBody } from './encoded-body.ts';
import type { Validators } from './preconditions.ts';

/** A document as it can be answered with: its validators, its bytes, and what is new in it to those who have another. */
export interface Representations extends Validators {
  readonly document: Document;
  readonly etag: (coding: Coding) => string;
  readonly etags: ReadonlyMap<string, Coding>;
  readonly whole: EncodedBody;
  /** The document without the entries that the client of that If-None-Match has; undefined where that is not known. */
  readonly delta: (ifNoneMatch: string | undefined) => EncodedBody | undefined;
  /** Bytes of all that is made. */
  readonly size: () => number;
}

/** Deltas that are kept: readers lack the last story, or the last few. */
const MOST_DELTAS = 32;
/** The name of no delta. */
const NO_DELTA = '';
/** Characters of If-None-Match with one tag of ours; a longer one says the same in more words. */
const LONGEST_TAG = 300;
/** Bytes that a document's tags, dates and headers take besides. */
const OVERHEAD = 4096;

/**
 * The document's representations: bytes, tags and date belong together and are made together, each once.
 *
 * @param grown told when they take more memory
 */
export function represent(document: Document, grown: () => void = () => {}): Representations {
  const tag = opaqueTag(hash('sha256', document.bytes, 'base64url').slice(0, 16), document.entries);
  // A strong tag names one sequence of bytes, so each coding has its own (RFC 9110 §8.8.3.3).
  const etag = (coding: Coding) => (coding === 'identity' ? `"${tag}"` : `"${tag}-${coding}"`);
  const whole = createEncodedBody(document.bytes, grown);
  /** Made when the first one is: most documents never have any. */
  let deltas: LRUCache<string, EncodedBody> | undefined;
  /** What is missing of those that ask most, who all have the document of before: to find it out takes as long as the rest. */
  let missingTo: LRUCache<string, string> | undefined;

  function delta(ifNoneMatch: string | undefined): EncodedBody | undefined {
    if (ifNoneMatch === undefined) return undefined;
    const found = deltas?.get(missingTo?.get(ifNoneMatch) ?? NO_DELTA);
    if (found !== undefined) return found;
    const missing = missingEntries(ifNoneMatch, document);
    if (missing === undefined) return undefined;
    deltas ??= new LRUCache({
      max: MOST_DELTAS,
      maxSize: document.bytes.length + 1, // clients that make up tags must not push other documents out
      sizeCalculation: ({ identity }) => identity.length + 1,
    });
    const name = `delta ${missing.map(({ start }) => start).join(' ')}`;
    missingTo ??= new LRUCache({ max: MOST_DELTAS });
    if (ifNoneMatch.length <= LONGEST_TAG) missingTo.set(ifNoneMatch, name);
    const known = deltas.get(name);
    if (known !== undefined) return known;
    const made = createEncodedBody(partialDocument(document, missing), grown);
    deltas.set(name, made);
    grown();
    return made;
  }

  return {
    document,
    etag,
    etags: new Map(CODINGS.map((coding) => [etag(coding), coding])),
    lastModified: secondOf(document.changedAt),
    whole,
    delta,
    size: () => [...(deltas?.values() ?? [])].reduce((sum, each) => sum + each.size(), whole.size() + OVERHEAD),
  };
}

/**
 * The second by which the document had changed. Rounded up: a change later within the second of an earlier one must
 * not share its date, or a client that knows only dates would never hear of it (RFC 9110 §8.8.2.2).
 */
function secondOf(changedAt: Instant): Instant {
  return Math.ceil(changedAt / 1000) * 1000;
}

/** Last-Modified as it may be said now: never later than the message's own date (RFC 9110 §8.8.2.1). */
export function lastModifiedHeader({ lastModified }: Validators, now: Instant): string {
  return httpDate(Math.min(lastModified, Math.floor(now / 1000) * 1000));
}

const STALE_WHILE_REVALIDATE = 60;
const STALE_IF_ERROR = 86_400;

/**
 * Cache-Control of a document, in whole seconds (RFC 9111 §5.2.2, RFC 5861). Neither max-age nor
 * stale-while-revalidate reaches past the next change that is known already, such as the end of an embargo; what is
 * shown while the service is down (stale-if-error) may be older.
 */
export function cacheControl(
  maxAge: number,
  now: Instant,
  nextChangeAt: Instant | undefined,
  sharing: 'public' | 'private' = 'public',
): string {
  const left =
    nextChangeAt === undefined ? Number.POSITIVE_INFINITY : Math.max(0, Math.floor((nextChangeAt - now) / 1000));
  const fresh = Math.min(maxAge, left);
  const stale = Math.min(STALE_WHILE_REVALIDATE, left - fresh);
  return `${sharing}, max-age=${fresh}, stale-while-revalidate=${stale}, stale-if-error=${STALE_IF_ERROR}`;
}

/** Until when headers made now stay as they are: Last-Modified reaches its second, a coming change shortens max-age. */
export function holdsUntil(
  { lastModified, document: { nextChangeAt } }: Representations,
  { maxAge, now }: { readonly maxAge: number; readonly now: Instant },
): Instant {
  const moves = now < lastModified ? Math.floor(now / 1000) * 1000 + 1000 : Number.POSITIVE_INFINITY;
  if (nextChangeAt === undefined) return moves;
  // They count whole seconds down to the change, and stay as they are in the millisecond that ends one.
  const left = Math.min(maxAge + STALE_WHILE_REVALIDATE, Math.floor((nextChangeAt - now) / 1000));
  return Math.min(moves, nextChangeAt - left * 1000 + 1);
}
