import type { DatabaseSync } from 'node:sqlite';
import type { FeedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import type { FeedRow, FeedRows } from './feed-rows.ts';

/** Feeds that a change touches, and the moments that decide when the feeds change. */
export interface Touch {
  readonly keys: readonly FeedKey[];
  /** From this moment on, readers can see the article before or after the change. */
  readonly seenFrom: Instant;
  /** The date that the change gives its feeds; undefined where the end of the transaction decides. */
  readonly changedAt: Instant | undefined;
}

/** Later than every date: the end of the transaction decides. */
const BY_CLOCK = Number.POSITIVE_INFINITY;

/**
 * The latest moment at which the touches change each feed. A moment after `at` stands for the end of the transaction. A
 * change that readers cannot see yet counts as 0, so that the feed's date does not announce it.
 */
export function feedMoments(
  touches: readonly Touch[],
  { at, wasServed }: { readonly at: Instant; readonly wasServed: boolean },
): ReadonlyMap<FeedKey, Instant> {
  const moments = new Map<FeedKey, Instant>();
  for (const { keys, seenFrom, changedAt = BY_CLOCK } of touches) {
    const moment = seenFrom > at ? 0 : wasServed ? BY_CLOCK : changedAt;
    for (const key of keys) moments.set(key, Math.max(moments.get(key) ?? 0, moment));
  }
  return moments;
}

/** The second that Last-Modified gives for a moment: rounded up. */
function secondOf(moment: Instant): number {
  return Math.floor((Math.trunc(moment) + 999) / 1000);
}

/**
 * The date of a feed that changes at a moment. A reader who was served before this change was on disk may know any second up
 * to that of the change before. Therefore the change gets a later second: its own; if that is the same, the next one; if
 * an earlier change already has the next one, both share it, because no reader has seen a second of the future. If the
 * clock was set back, the change gets the second after the last one that was served.
 */
function changedAt(before: Instant, at: Instant): Instant {
  if (secondOf(before) < secondOf(at)) return at;
  return secondOf(before) === secondOf(at) + 1 ? before : secondOf(before) * 1000 + 1;
}

export type FeedDates = ReturnType<typeof createFeedDates>;

/** When each feed changed last, and with which revision. */
export function createFeedDates(db: DatabaseSync, feedRows: FeedRows) {
  const changedSince = db.prepare('SELECT key FROM feed WHERE revision > ?');

  function touch(feed: FeedRow, at: Instant, revision: number): void {
    feed.changed = changedAt(feed.changed, at);
    feed.revision = revision;
    feedRows.touch(feed);
  }

  return {
    /** Dates all feeds by the clock. */
    touchAll(at: Instant, revision: number): void {
      for (const feed of feedRows.all()) touch(feed, at, revision);
    },
    /** Dates feeds by the result of `feedMoments`. */
    apply(moments: ReadonlyMap<FeedKey, Instant>, at: Instant, revision: number): void {
      for (const [key, moment] of moments) {
        const feed = feedRows.find(key);
        if (feed === undefined) continue;
        if (moment > at) touch(feed, at, revision);
        else {
          feed.changed = Math.max(feed.changed, moment);
          feed.revision = revision;
          feedRows.touch(feed);
        }
      }
    },
    changedSince: (revision: number): FeedKey[] => changedSince.all(revision).map(({ key }) => String(key)),
  };
}
