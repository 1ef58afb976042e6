/** The messages between a parse pool and its threads. */
import type { ArticleText } from '../article/stored.ts';
import { type ErrorCode, type Problem, PublisherError } from '../errors.ts';
import type { NamedKey } from '../feed/feeds.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { asReceived, type ParsedRecord, type UnparsedRecord } from './unparsed-record.ts';

/** A part of a message's bytes. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Records to parse. Their JSON is one array of bytes, which moves to the thread without a copy. */
export interface ParseTask {
  readonly number: number;
  readonly records: readonly (Omit<UnparsedRecord, 'json' | 'origin'> & ByteRange)[];
  readonly json: Uint8Array<ArrayBuffer>;
}

/** The results of a task, in the order of its records. */
export interface ParseReply {
  readonly number: number;
  /** JSON of `ReplyResults`: to write and parse JSON takes less time than Node's copy of the objects. */
  readonly results: string;
  /** The JSON of all articles, and of the records that the parser rewrote. */
  readonly texts: Uint8Array<ArrayBuffer>;
}

export interface ReplyResults {
  /** Whether both sides clear their table of feeds before they add `newFeeds`. */
  readonly clearsFeeds: boolean;
  /** Feeds to add to the table. */
  readonly newFeeds: readonly NamedKey[];
  readonly results: readonly (RecordReply | RefusalReply)[];
}

/** A parsed record with its texts as ranges of the reply's bytes. Most articles are in a few hundred feeds altogether. */
export interface RecordReply
  extends Pick<ParsedRecord, 'textChecksums' | 'hasDerivedPublicId' | 'isErased' | 'adjustments' | 'warnings'> {
  readonly article: Omit<ArticleText, 'text'>;
  readonly text: ByteRange;
  /** Missing where the store keeps the record as it was received. */
  readonly record?: ByteRange;
  /** Indexes in the table of feeds. */
  readonly feeds: readonly number[];
}

/** An error in a form that can be sent between threads. */
export interface RefusalReply {
  readonly refusal: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly problems: readonly Problem[];
    readonly article?: string | undefined;
  };
}

/** Packs records into a task. */
export function packTask(number: number, records: readonly UnparsedRecord[]): ParseTask {
  const size = records.reduce((sum, { json }) => sum + byteLength(json), 0);
  const bytes = Buffer.from(new ArrayBuffer(size));
  let end = 0;
  const ranges = records.map(({ json, id, publishedAt, isCompacted }) => {
    const start = end;
    if (typeof json === 'string') end += bytes.write(json, start);
    else {
      bytes.set(json, start);
      end += json.length;
    }
    return omitUndefined({ id, publishedAt, isCompacted, start, end });
  });
  return { number, records: ranges, json: bytes };
}

function byteLength(json: UnparsedRecord['json']): number {
  return typeof json === 'string' ? Buffer.byteLength(json) : json.length;
}

/**
 * Unpacks the results of a task.
 *
 * @param records the task's records
 * @param feeds the table of feeds, with the new ones
 */
export function unpackResults(
  { results }: ReplyResults,
  { texts }: Pick<ParseReply, 'texts'>,
  { records, feeds }: { readonly records: readonly UnparsedRecord[]; readonly feeds: readonly NamedKey[] },
): (ParsedRecord | PublisherError)[] {
  return records.map((unparsed, index) => {
    const result = results[index];
    if (result === undefined) throw new Error('a parse thread returned fewer results than it received records');
    if ('refusal' in result) {
      const { code, message, ...details } = result.refusal;
      return new PublisherError(code, message, details);
    }
    const { article, text, record, feeds: indexes, ...rest } = result;
    return {
      ...rest,
      record: record === undefined ? asReceived(unparsed) : texts.subarray(record.start, record.end),
      article: { ...article, text: texts.subarray(text.start, text.end) },
      feeds: indexes.flatMap((each) => feeds[each] ?? []),
    };
  });
}
