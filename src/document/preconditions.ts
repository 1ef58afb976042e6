import { type Instant, parseHttpDate } from '../lib/instant.ts';

/** The validators of a document (RFC 9110 §8.8), in all content codings. */
export interface Validators {
  /** The entity tags of the document in every coding, with quotes. */
  readonly etags: Pick<ReadonlySet<string>, 'has'>;
  /** When the document last changed: always a full second, as HTTP dates are. */
  readonly lastModified: Instant;
}

export interface ConditionalHeaders {
  readonly 'if-match'?: string | undefined;
  readonly 'if-none-match'?: string | undefined;
  readonly 'if-modified-since'?: string | undefined;
  readonly 'if-unmodified-since'?: string | undefined;
}

export type Decision = 'proceed' | 'not-modified' | 'failed';

/**
 * Evaluates the preconditions of a GET or HEAD in the order of RFC 9110 §13.2.2.
 *
 * The tag of any coding matches: a client that has changed its Accept-Encoding still has the current document.
 */
export function preconditions(headers: ConditionalHeaders, { etags, lastModified }: Validators): Decision {
  const ifMatch = headers['if-match'];
  const ifNoneMatch = headers['if-none-match'];
  if (ifMatch !== undefined) {
    // Strong comparison: a weak tag never matches (RFC 9110 §13.1.1).
    if (!matches(ifMatch, (tag) => etags.has(tag))) return 'failed';
  } else {
    const unmodifiedSince = parseHttpDate(headers['if-unmodified-since']);
    if (unmodifiedSince !== undefined && lastModified > unmodifiedSince) return 'failed';
  }
  if (ifNoneMatch !== undefined) {
    return matches(ifNoneMatch, (tag) => etags.has(strong(tag))) ? 'not-modified' : 'proceed';
  }
  const modifiedSince = parseHttpDate(headers['if-modified-since']);
  return modifiedSince !== undefined && lastModified <= modifiedSince ? 'not-modified' : 'proceed';
}

/**
 * An entity tag (RFC 9110 §8.8.3), with the `W/` of a weak one. Commas can be part of a tag: never split a list at
 * them.
 */
const ENTITY_TAG = /(?:W\/)?"[\x21\x23-\x7E\x80-\xFF]*"/g;

/** The entity tags of a list without `W/`: two tags match weakly if they are then equal (RFC 9110 §8.8.3.2). */
export function strongTags(list: string): string[] {
  return (list.match(ENTITY_TAG) ?? []).map(strong);
}

function strong(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}

function matches(header: string, isKnown: (tag: string) => boolean): boolean {
  // The header first, because nearly every client sends the one tag that it has.
  return isKnown(header) || header.trim() === '*' || (header.match(ENTITY_TAG) ?? []).some(isKnown);
}
