import type { Document, EntrySpan } from './document.ts';

/** Entries that an entity tag can name within 255 characters: the databases of some readers hold no more. */
const MAX_NAMED = 56;
/**
 * The most entries of a document that has deltas. Every delta contains the entries that the tag cannot name: if they
 * were more than the named ones, a delta would be most of the document.
 */
export const MOST_WITH_DELTAS = 2 * MAX_NAMED;

/** The common part of a document's entity tags: the digest of its bytes and the names of its newest entries. */
export function opaqueTag(digest: string, entries: readonly EntrySpan[]): string {
  if (entries.length === 0 || entries.length > MOST_WITH_DELTAS) return digest;
  const named = entries.slice(0, MAX_NAMED);
  return `${digest}.${named.map(({ tag }) => tag).join('')}`;
}

/** An entity tag that `represent` made, or its weak form: caches that compress a document make its tag weak. */
const OWN_TAG = /^\s*(?:W\/)?"[\w-]{16}\.((?:[\w-]{4})*)(?:-(?:br|zstd|gzip))?"\s*$/;

/**
 * The entries that a client with this entity tag may lack: those that the tag does not name. The tag itself tells which
 * entries the client has, so it may come from any replica and be of any age. Undefined if the header is not such a tag,
 * or names no entry of the document.
 *
 * Two entries have the same name once in sixteen million times. Then both are sent.
 */
export function missingEntries(
  ifNoneMatch: string | undefined,
  { entries }: Document,
): readonly EntrySpan[] | undefined {
  const names = OWN_TAG.exec(ifNoneMatch ?? '')?.[1]?.match(/.{4}/g);
  if (names === undefined || names === null || entries.length > MOST_WITH_DELTAS) return undefined;
  const known = new Set(names);
  const seen = new Set<string>();
  for (const { tag } of entries) {
    if (seen.has(tag)) known.delete(tag);
    seen.add(tag);
  }
  const missing = entries.filter(({ tag }) => !known.has(tag));
  return missing.length < entries.length || entries.length === 0 ? missing : undefined;
}

/** `feed` without a weight or with one above 0 (RFC 9110 §12.4.2). A part with an invalid weight is ignored. */
const ACCEPTED = /^\s*feed\s*(?:;\s*q=(?:1(?:\.0*)?|0\.0*[1-9]\d*)\s*)?$/i;

/** Whether an A-IM header accepts the instance manipulation `feed` (RFC 3229 §10.5.3 and its IANA registry). */
export function acceptsDelta(aIm: string | undefined): boolean {
  return aIm?.split(',').some((part) => ACCEPTED.test(part)) ?? false;
}
