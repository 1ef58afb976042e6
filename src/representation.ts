import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib';
import { CODINGS, type Coding } from './codings.ts';
import type { Document } from './document.ts';
import { httpDate, type Instant } from './instant.ts';
import type { Validators } from './preconditions.ts';

/** A document as it can be answered with: its validators, and its bytes in each coding once they were asked for. */
export interface Representations extends Validators {
  readonly document: Document;
  readonly etag: (coding: Coding) => string;
  readonly bytes: (coding: Coding) => Promise<Buffer>;
  /** The bytes in that coding where they are made already. */
  readonly bytesAtHand: (coding: Coding) => Buffer | undefined;
  /** Bytes that all codings made so far, or being made, take at most. */
  readonly size: () => number;
}

const compress: Record<Exclude<Coding, 'identity'>, (bytes: Buffer) => Promise<Buffer>> = {
  br: (bytes) =>
    promisify(brotliCompress)(bytes, {
      params: {
        [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
        [constants.BROTLI_PARAM_QUALITY]: 6,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      },
    }),
  zstd: (bytes) => promisify(zstdCompress)(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 6 } }),
  gzip: (bytes) => promisify(gzip)(bytes, { level: 6 }),
};

/** The document's representations: bytes, tags and date belong together and are made together, each once. */
export function represent(document: Document): Representations {
  const digest = createHash('sha256').update(document.bytes).digest('base64url').slice(0, 22);
  // A strong tag names one sequence of bytes, so each coding has its own (RFC 9110 §8.8.3.3).
  const etag = (coding: Coding) => (coding === 'identity' ? `"${digest}"` : `"${digest}-${coding}"`);
  const made = new Map<Coding, Buffer>([['identity', document.bytes]]);
  const making = new Map<Coding, Promise<Buffer>>();

  async function make(coding: Exclude<Coding, 'identity'>): Promise<Buffer> {
    try {
      const bytes = await compress[coding](document.bytes);
      made.set(coding, bytes);
      return bytes;
    } finally {
      making.delete(coding);
    }
  }

  return {
    document,
    etag,
    etags: new Set(CODINGS.map(etag)),
    lastModified: secondOf(document.changedAt),
    bytesAtHand: (coding) => made.get(coding),
    // Three compressed codings are each a third of the document or more; small ones have headers to count.
    size: () => Math.ceil(document.bytes.length * 2.5) + 1024,
    bytes(coding) {
      const known = made.get(coding);
      if (known !== undefined || coding === 'identity') return Promise.resolve(known ?? document.bytes);
      const begun = making.get(coding) ?? make(coding);
      making.set(coding, begun);
      return begun;
    },
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
 * Cache-Control of a document for everybody, in whole seconds (RFC 9111 §5.2.2, RFC 5861). Neither max-age nor
 * stale-while-revalidate reaches past the next change that is known already, such as the end of an embargo; what is
 * shown while the service is down (stale-if-error) may be older.
 */
export function cacheControl(maxAge: number, now: Instant, nextChangeAt: Instant | undefined): string {
  const left =
    nextChangeAt === undefined ? Number.POSITIVE_INFINITY : Math.max(0, Math.floor((nextChangeAt - now) / 1000));
  const fresh = Math.min(maxAge, left);
  const stale = Math.min(STALE_WHILE_REVALIDATE, left - fresh);
  return `public, max-age=${fresh}, stale-while-revalidate=${stale}, stale-if-error=${STALE_IF_ERROR}`;
}

/** Until when headers made now stay as they are: Last-Modified reaches its second, a coming change shortens max-age. */
export function holdsUntil(
  { lastModified, document }: Representations,
  { maxAge, now }: { readonly maxAge: number; readonly now: Instant },
): Instant {
  if (now < lastModified) return Math.floor(now / 1000) * 1000 + 1000;
  const shortens = (document.nextChangeAt ?? Number.POSITIVE_INFINITY) - (maxAge + STALE_WHILE_REVALIDATE) * 1000;
  return now < shortens ? shortens : now + 1; // from then on they count down
}
