import type { FeedKey } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import {
  DURATIONS,
  FEED_NUMBERS,
  FEED_WIDTH,
  HOUR,
  HOURS_KEPT,
  type HourCounts,
  MAX_DECLARATIONS,
  MAX_FEEDS,
  OTHER_FEEDS,
  TOTALS,
  TOTALS_WIDTH,
} from '../store/traffic-store.ts';
import { createDeclarations } from './declared-subscribers.ts';

/** An answer for a document: a feed in a format, or a page. */
export interface DocumentAnswer {
  readonly status: 200 | 226 | 304;
  /** Bytes of the whole document without a coding. */
  readonly length: number;
  /** Bytes of the content before its coding: of the document, or of a delta. */
  readonly uncoded: number;
  /** The content that was sent; undefined for HEAD and for a 304. */
  readonly body?: Uint8Array;
}

interface Asked {
  readonly method?: string | undefined;
  readonly headers: { readonly 'user-agent'?: string | undefined };
}

/** Where the kinds of answers are in `TOTALS`. */
const [WHOLE, DELTA, UNCHANGED, OTHER, CLIENT_ERRORS, SERVER_ERRORS] = [0, 1, 2, 3, 4, 5];
const [SENT, SAVED_UNCHANGED, SAVED_DELTA, SAVED_CODING] = [6, 7, 8, 9];
/** In `FEED_NUMBERS`. */
const [REQUESTS, FEED_UNCHANGED, FEED_DELTA] = [0, 1, 2];

interface Limits {
  readonly feeds: number;
  readonly declarations: number;
}

/** Counts that grow. */
interface GrowingCounts extends HourCounts {
  readonly feeds: Map<FeedKey, Float64Array>;
  readonly subscribers: Map<FeedKey, Map<string, number>>;
  readonly limits: Limits;
  /** How many pairs `subscribers` has. */
  declarations: number;
}

const OF_AN_HOUR: Limits = { feeds: MAX_FEEDS, declarations: MAX_DECLARATIONS };
/** For the sum of hours that each keep to their limits. */
const NO_LIMITS: Limits = { feeds: Number.POSITIVE_INFINITY, declarations: Number.POSITIVE_INFINITY };

/** What this process has counted and not yet saved. */
export interface TrafficCounts {
  /** Counts an answer that is for no document. */
  readonly answered: (status: number, milliseconds: number) => void;
  /**
   * Counts an answer for a document. It is on the fast path, so it allocates nothing for a feed that it knows.
   *
   * @param feed the feed that the document is of; undefined for pages of all feeds
   */
  readonly documentAnswered: (answer: DocumentAnswer, request: Asked, milliseconds: number, feed?: FeedKey) => void;
  /** Returns what was counted since the last call, and begins anew. */
  readonly take: () => readonly HourCounts[];
  /** Takes back counts that could not be saved. */
  readonly giveBack: (hours: readonly HourCounts[]) => void;
  /** What is not saved yet. */
  readonly pending: () => readonly HourCounts[];
}

function emptyCounts(hour: number, limits: Limits): GrowingCounts {
  const totals = new Float64Array(TOTALS_WIDTH);
  return { hour, totals, feeds: new Map(), subscribers: new Map(), limits, declarations: 0 };
}

/** The counts of several processes or hours, added up one after the other. */
export interface CountsSum {
  readonly sum: HourCounts;
  readonly add: (counts: HourCounts) => void;
}

export function createSum(): CountsSum {
  const sum = emptyCounts(0, NO_LIMITS);
  return { sum, add: (counts) => addCounts(sum, counts) };
}

/** Counts the traffic of one process, by the hour. */
export function createTrafficCounts(now: () => Instant): TrafficCounts {
  const declarationOf = createDeclarations();
  let hours = new Map<number, GrowingCounts>();
  let current = emptyCounts(0, OF_AN_HOUR);
  let begin = 0;
  let end = 0;

  function hourNow(): GrowingCounts {
    const at = now();
    if (at < begin || at >= end) beginHour(Math.floor(at / HOUR));
    return current;
  }

  /** The clock may have been set back to an hour that has counts. */
  function beginHour(hour: number): void {
    current = hours.get(hour) ?? emptyCounts(hour, OF_AN_HOUR);
    hours.set(hour, current);
    begin = hour * HOUR;
    end = begin + HOUR;
    const oldest = Math.min(...hours.keys().filter((each) => each !== hour));
    if (hours.size > HOURS_KEPT) hours.delete(oldest);
  }

  return {
    answered(status, milliseconds) {
      countAnswer(hourNow().totals, status, durationIndex(milliseconds));
    },
    documentAnswered(answer, { method, headers }, milliseconds, feed) {
      const hour = hourNow();
      const { status } = answer;
      const duration = durationIndex(milliseconds);
      countAnswer(hour.totals, status, duration);
      countBytes(hour.totals, answer, method);
      if (feed === undefined) return;
      const counts = feedCounts(hour, feed);
      increase(counts, REQUESTS, 1);
      if (status === 304) increase(counts, FEED_UNCHANGED, 1);
      else if (status === 226) increase(counts, FEED_DELTA, 1);
      increase(counts, FEED_NUMBERS.length + duration, 1);
      const agent = headers['user-agent'];
      const declared = agent === undefined ? undefined : declarationOf(agent);
      if (declared !== undefined) declare(hour, feed, declared.service, declared.subscribers);
    },
    take() {
      const taken = [...hours.values()];
      hours = new Map();
      end = 0; // the next answer begins an hour
      return taken;
    },
    giveBack(taken) {
      for (const counts of taken) {
        const known = hours.get(counts.hour) ?? emptyCounts(counts.hour, OF_AN_HOUR);
        addCounts(known, counts);
        hours.set(counts.hour, known);
      }
      end = 0;
    },
    pending: () => [...hours.values()],
  };
}

function countAnswer(totals: Float64Array, status: number, duration: number): void {
  increase(totals, kindOf(status), 1);
  increase(totals, TOTALS.length + duration, 1);
}

function countBytes(totals: Float64Array, { status, length, uncoded, body }: DocumentAnswer, method?: string): void {
  if (status === 304) {
    if (method === 'GET') increase(totals, SAVED_UNCHANGED, length);
    return;
  }
  if (body === undefined) return; // HEAD
  increase(totals, SENT, body.length);
  increase(totals, SAVED_DELTA, length - uncoded);
  increase(totals, SAVED_CODING, uncoded - body.length);
}

function increase(counts: Float64Array, index: number, by: number): void {
  counts[index] = (counts[index] ?? 0) + by;
}

function kindOf(status: number): number {
  if (status === 200 || status === 206) return WHOLE;
  if (status === 304) return UNCHANGED;
  if (status === 226) return DELTA;
  if (status < 400) return OTHER;
  return status < 500 ? CLIENT_ERRORS : SERVER_ERRORS;
}

/** The first bound that holds a duration, by binary search. */
function durationIndex(milliseconds: number): number {
  let from = 0;
  let to = DURATIONS.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (milliseconds <= (DURATIONS[middle] ?? 0)) to = middle;
    else from = middle + 1;
  }
  return from;
}

function feedCounts({ feeds, limits }: GrowingCounts, feed: FeedKey): Float64Array {
  const known = feeds.get(feed);
  if (known !== undefined) return known;
  const key = feeds.size < limits.feeds ? feed : OTHER_FEEDS;
  const counts = feeds.get(key) ?? new Float64Array(FEED_WIDTH);
  feeds.set(key, counts);
  return counts;
}

function declare(hour: GrowingCounts, feed: FeedKey, service: string, subscribers: number): void {
  const ofFeed = hour.subscribers.get(feed);
  const known = ofFeed?.get(service);
  if (known !== undefined) {
    if (subscribers > known) ofFeed?.set(service, subscribers);
    return;
  }
  if (hour.declarations >= hour.limits.declarations) return;
  hour.declarations += 1;
  if (ofFeed === undefined) hour.subscribers.set(feed, new Map([[service, subscribers]]));
  else ofFeed.set(service, subscribers);
}

function addCounts(to: GrowingCounts, { totals, feeds, subscribers }: HourCounts): void {
  addNumbers(to.totals, totals);
  for (const [feed, numbers] of feeds) addNumbers(feedCounts(to, feed), numbers);
  for (const [feed, services] of subscribers) {
    for (const [service, number] of services) declare(to, feed, service, number);
  }
}

export function addNumbers(to: Float64Array, numbers: Float64Array): void {
  for (let index = 0; index < to.length; index += 1) increase(to, index, numbers[index] ?? 0);
}

/** The bound within which that share of the durations is; undefined without any. */
export function percentile(durations: Float64Array, share: number): number | undefined {
  const count = durations.reduce((sum, each) => sum + each, 0);
  if (count === 0) return undefined;
  let below = 0;
  const index = durations.findIndex((each) => {
    below += each;
    return below >= count * share;
  });
  return DURATIONS[index] ?? DURATIONS.at(-1);
}
