import type { Adjustment } from '../article/adjustments.ts';
import { type Problem, PublisherError } from '../errors.ts';
import type { Origin } from '../lib/fair-queue.ts';
import { type JsonText, withoutByteOrderMark } from '../lib/json.ts';
import { composed } from '../lib/text.ts';
import type { Put } from '../store/store.ts';

/** A record on its way from the request, file or feed that brought it to the parser. */
export interface UnparsedRecord {
  /** The record as it came. The store keeps this text, unless the parser has to complete or compact it. */
  readonly json: JsonText;
  /** The id in the address, file or feed that brought the record. A record without an id gets it; another id is refused. */
  readonly id?: string;
  /** RFC 3339. The date of a record that names none. */
  readonly publishedAt?: string;
  /**
   * Whether the store keeps the record as `JSON.stringify` writes it: a client that escapes every letter beyond ASCII would
   * triple the size of the store. An import keeps the text as it came, which is faster.
   */
  readonly isCompacted?: boolean;
  /** The client that sent the record, and its connection: the threads that parse records serve clients in turn. */
  readonly origin?: Origin;
}

/** The text that the store keeps of a record that the parser does not rewrite. */
export function asReceived({ json }: Pick<UnparsedRecord, 'json'>): JsonText {
  return typeof json === 'string' ? json : withoutByteOrderMark(json);
}

/** A parsed record: its article in the form for the store, and the feeds that the article's own fields name. */
export interface ParsedRecord
  extends Pick<Put, 'article' | 'record' | 'textChecksums' | 'feeds' | 'hasDerivedPublicId' | 'isErased'> {
  /** What the parser removed or changed; missing where it changed nothing. */
  readonly adjustments?: readonly Adjustment[];
  /** What the author may want to know of a record that is published nevertheless; missing where there is nothing. */
  readonly warnings?: readonly Problem[];
}

/** The id of a record before it is parsed; empty where the record has none. A whole number stands for its digits. */
export function idOf(record: unknown): string {
  const id = typeof record === 'object' && record !== null ? Reflect.get(record, 'id') : undefined;
  return Number.isSafeInteger(id) ? String(id) : typeof id === 'string' ? composed(id) : '';
}

/**
 * The value of another format, such as a feed or YAML, as a record.
 *
 * @throws PublisherError `invalid_article` where JSON cannot express the value: YAML can contain itself
 */
export function unparsedRecord(value: unknown): UnparsedRecord {
  return { json: toJson(value) };
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value, infinityAsText) ?? 'null';
  } catch {
    const problems = [{ field: '', rule: 'must not contain itself' }];
    throw new PublisherError('invalid_article', 'The article cannot be published.', { problems });
  }
}

/** `JSON.stringify` would write null, which the parser takes for a missing field. The parser refuses the text. */
function infinityAsText(_field: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
