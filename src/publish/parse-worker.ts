/** A thread that parses records; see parse-pool.ts. */
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { Newsroom } from '../article/article.ts';
import type { ArticleText } from '../article/stored.ts';
import { type ErrorCode, type Problem, PublisherError } from '../errors.ts';
import type { NamedKey } from '../feed/feeds.ts';
import { jsonString } from '../lib/json.ts';
import { parsedOrRefused } from './parse-record.ts';
import type { ParsedRecord } from './parsed-record.ts';

export interface Task {
  readonly number: number;
  readonly records: readonly ({ readonly record: unknown } | Range)[];
  /** The JSON of all records that are handed over unread, which are ranges of it. */
  readonly json: Uint8Array;
}

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A refusal as it can be sent between threads. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly problems: readonly Problem[];
}

/**
 * A candidate without its record, which who asked has, with its article's text as a range of all texts, and with the
 * places of its feeds among all that the thread has told of: a few hundred are all that most articles are in.
 */
export interface ParsedRecordParts extends Omit<ParsedRecord, 'article' | 'record' | 'feeds'> {
  readonly article: Omit<ArticleText, 'text'>;
  readonly text: Range;
  readonly feeds: readonly number[];
}

export type Result = ParsedRecordParts | { readonly refusal: Refusal };

export interface Results {
  /** What was told of before counts no more. */
  readonly beginsAnew: boolean;
  /** Feeds that the thread has not told of before. */
  readonly newFeeds: readonly NamedKey[];
  readonly results: readonly Result[];
}

export interface Parsed {
  readonly number: number;
  /** JSON of `Results`, which is written and read in less time than Node takes to copy them. */
  readonly results: string;
  /** The JSON of all articles. */
  readonly texts: Uint8Array;
}

// How fast the thread goes that keeps what is parsed is how fast an import is: this one gives way to it. Only Linux has
// priorities of threads.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

const newsroom = workerData as Newsroom;

/** Feeds that both sides remember at most: the thread of a service lives as long as it does, and names come from outside. */
const MOST_FEEDS = 50_000;
const feedPlaces = new Map<string, number>();

/** Where a feed stands among those that were told of, now that this one is. */
function placeOf(feed: NamedKey, newFeeds: NamedKey[]): number {
  const spelling = `${feed.key} ${feed.name}`; // a key has no spaces
  const known = feedPlaces.get(spelling);
  if (known !== undefined) return known;
  newFeeds.push(feed);
  feedPlaces.set(spelling, feedPlaces.size);
  return feedPlaces.size - 1;
}

parentPort?.on('message', ({ number, records, json }: Task) => {
  const texts = collectTexts(json.length + (json.length >> 2));
  const newFeeds: NamedKey[] = [];
  const beginsAnew = feedPlaces.size >= MOST_FEEDS;
  if (beginsAnew) feedPlaces.clear();
  const results = records.map((raw): Result => {
    const unparsed = 'record' in raw ? raw : { json: json.subarray(raw.start, raw.end) };
    const result = parsedOrRefused(unparsed, newsroom);
    if (result instanceof PublisherError) {
      const { code, message, problems } = result;
      return { refusal: { code, message, problems } };
    }
    const { article, record: _, feeds, ...rest } = result;
    const { text, ...dates } = article;
    const places = feeds.map((feed) => placeOf(feed, newFeeds));
    return { ...rest, article: dates, text: texts.add(jsonString(text)), feeds: places };
  });
  const collected = texts.bytes();
  const all: Results = { beginsAnew, newFeeds, results };
  const parsed: Parsed = { number, results: JSON.stringify(all), texts: collected };
  parentPort?.postMessage(parsed, [collected.buffer]);
});

/**
 * Puts texts one behind the other as UTF-8, each as soon as it is made: what lives until a task is done is moved about by
 * the collector of garbage, and between threads bytes are handed over where texts are copied.
 *
 * @param size bytes that will do for most
 */
function collectTexts(size: number) {
  const encoder = new TextEncoder();
  let bytes = new Uint8Array(size);
  let end = 0;
  return {
    add(text: string): Range {
      const start = end;
      let { read, written } = encoder.encodeInto(text, bytes.subarray(start));
      if (read < text.length) {
        const larger = new Uint8Array(2 * bytes.length + 3 * text.length);
        larger.set(bytes.subarray(0, start));
        bytes = larger;
        ({ read, written } = encoder.encodeInto(text, bytes.subarray(start)));
      }
      end = start + written;
      return { start, end };
    },
    bytes: () => new Uint8Array(bytes.buffer.transfer(end)),
  };
}
