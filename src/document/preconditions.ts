import { type Instant, parseHttpDate } from '../lib/instant.ts';

/** What is known of the representation a request would get. */
export interface Validators {
  /** The entity tags of the document in every coding, each with its quotes. */
  readonly etags: Pick<ReadonlySet<string>, 'has'>;
  /** When the document last changed, in whole seconds. */
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
 * Decides a GET or HEAD by its preconditions, in the order of RFC 9110 §13.2.2.
 *
 * A tag counts in whichever coding it names the current document, because a client that changes its Accept-Encoding
 * still holds the same document.
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

/** An entity tag (RFC 9110 §8.8.3), with the `W/` of a weak one. Tags may hold commas, so a list is not split at them. */
const ENTITY_TAG = /(?:W\/)?"[\x21\x23-\x7E\x80-\xFF]*"/g;

/** The tags of a list as strong ones, by which weak comparison is equality. */
export function strongTags(list: string): string[] {
  return (list.match(ENTITY_TAG) ?? []).map(strong);
}

function strong(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}

function matches(header: string, known: (tag: string) => boolean): boolean {
  // Nearly every client sends the one tag it has.
  return known(header) || header.trim() === '*' || (header.match(ENTITY_TAG) ?? []).some(known);
}
