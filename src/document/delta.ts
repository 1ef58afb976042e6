import type { Document, EntrySpan } from './document.ts';

/** Entries that a tag can name and stay within 255 characters, the most that some readers' databases keep. */
const MOST_NAMED = 56;
/**
 * Entries of a document that has deltas. Those a tag cannot name are sent every time: with more of them than named ones,
 * a delta would be most of the document.
 */
export const MOST_WITH_DELTAS = 2 * MOST_NAMED;

/** What a document's entity tags are made of: a digest of its bytes, and the names of its newest entries. */
export function opaqueTag(digest: string, entries: readonly EntrySpan[]): string {
  if (entries.length === 0 || entries.length > MOST_WITH_DELTAS) return digest;
  const named = entries.slice(0, MOST_NAMED);
  return `${digest}.${named.map(({ tag }) => tag).join('')}`;
}

/** One tag as `represent` makes them, weak ones too: caches that compress make them weak. */
const OWN_TAG = /^\s*(?:W\/)?"[\w-]{16}\.((?:[\w-]{4})*)(?:-(?:br|zstd|gzip))?"\s*$/;

/**
 * The entries that a client may lack which has the document of that tag: those the tag does not name. Whichever replica
 * gave it, and however long ago, because the tag itself says what the client has. Undefined where it is no such tag, or
 * nothing of the document is known to the client.
 *
 * Of entries whose names are the same in four characters, one in sixteen millions, each is sent.
 */
export function missingEntries(
  ifNoneMatch: string | undefined,
  { entries }: Document,
): readonly EntrySpan[] | undefined {
  const names = OWN_TAG.exec(ifNoneMatch ?? '')?.[1]?.match(/.{4}/g);
  if (names === undefined || names === null || entries.length > MOST_WITH_DELTAS) return undefined;
  const known = new Set(names);
  const met = new Set<string>();
  for (const { tag } of entries) {
    if (met.has(tag)) known.delete(tag);
    met.add(tag);
  }
  const missing = entries.filter(({ tag }) => !known.has(tag));
  return missing.length < entries.length || entries.length === 0 ? missing : undefined;
}

/** `feed` with no weight, or one above 0 (RFC 9110 §12.4.2). What is no weight makes the part one to ignore. */
const ACCEPTED = /^\s*feed\s*(?:;\s*q=(?:1(?:\.0*)?|0\.0*[1-9]\d*)\s*)?$/i;

/** Whether a request accepts the instance manipulation `feed` (RFC 3229 §10.5.3; `feed` is registered with it). */
export function acceptsDelta(aIm: string | undefined): boolean {
  return aIm?.split(',').some((part) => ACCEPTED.test(part)) ?? false;
}
