import type { FeedKey } from '../feed/feeds.ts';

/** Milliseconds. */
export const HOUR = 3_600_000;
/** Hours that are kept: the one that is not over yet, and those before it. */
export const HOURS_KEPT = 24;

/**
 * Upper bounds of the histogram of durations, milliseconds. A reported duration is one of them, so they are round. No bound
 * is more than 40 % above the one before it.
 */
export const DURATIONS: readonly number[] = [0.1, 1, 10, 100, 1000, 10_000].flatMap((decade) =>
  [1, 1.3, 1.8, 2.4, 3.2, 4.2, 5.6, 7.5].map((step) => Number((decade * step).toPrecision(2))),
);

/** The numbers of an hour, by their places; durations follow. */
export const TOTALS = [
  'whole',
  'delta',
  'unchanged',
  'other',
  'clientErrors',
  'serverErrors',
  'bytesSent',
  'bytesUnchanged',
  'bytesDelta',
  'bytesCoding',
] as const;
/** The numbers of a feed in an hour, by their places; durations follow. */
export const FEED_NUMBERS = ['requests', 'unchanged', 'delta'] as const;

/** One element for each bound, and one for all above. */
const DURATION_PLACES = DURATIONS.length + 1;
export const TOTALS_WIDTH = TOTALS.length + DURATION_PLACES;
export const FEED_WIDTH = FEED_NUMBERS.length + DURATION_PLACES;

/** In the place of a feed's key: all feeds beyond the limit together. */
export const OTHER_FEEDS: FeedKey = '';
/** Feeds that are counted apart in an hour. */
export const MAX_FEEDS = 1000;
/** Pairs of a service and a feed with declared subscribers in an hour. Of more, none is kept. */
export const MAX_DECLARATIONS = 2000;

/** What was counted in an hour: by one process, or by all. */
export interface HourCounts {
  /** Hours since 1970. */
  readonly hour: number;
  readonly totals: Float64Array;
  readonly feeds: ReadonlyMap<FeedKey, Float64Array>;
  /** By feed and service, the highest number of subscribers that a request has declared. */
  readonly subscribers: ReadonlyMap<FeedKey, ReadonlyMap<string, number>>;
}

/** `busy`: another process writes just now. `full`: the file cannot be written, as on a full disk. In both cases, nothing was added. */
export type Added = 'added' | 'busy' | 'full';

/** Keeps what was counted in the last hours across restarts, for all processes of a service. Only figures: nothing depends on them. */
export interface TrafficStore {
  /** Adds counts, and forgets hours that are too old. */
  readonly add: (hours: readonly HourCounts[], currentHour: number) => Added;
  /** What was counted in an hour; undefined where nothing was. */
  readonly read: (hour: number) => HourCounts | undefined;
  readonly close: () => void;
}

/** What the machines of a service have counted, in the database that they share. Its promises reject with `database_unavailable`. */
export interface SharedTraffic {
  /** Saves what this machine has counted in these hours, in the place of what it saved of them before, and forgets hours that are too old. */
  readonly save: (hours: readonly HourCounts[], currentHour: number) => Promise<void>;
  /** Reads what the other machines have saved since the last call. */
  readonly refresh: (currentHour: number) => Promise<void>;
  /** What each of the other machines has counted in an hour, as far as it was read. */
  readonly others: (hour: number) => readonly HourCounts[];
}
