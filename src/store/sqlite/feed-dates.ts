import type { DatabaseSync } from 'node:sqlite';
import type { FeedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { withChange } from './aged-changes.ts';
import type { FeedRow, FeedRows } from './feed-rows.ts';
import type { LeftFeed } from './former-rows.ts';
import { isFilling } from './stored-rule.ts';

/** Feeds that a change touches, and the moments that decide when the feeds change. */
export interface Touch {
  readonly keys: readonly FeedKey[];
  /** From this moment on, readers can see the article before or after the change. */
  readonly seenFrom: Instant;
  /** The date that the change gives its feeds; undefined where the end of the transaction decides. */
  readonly changedAt: Instant | undefined;
}

/** A feed that an article left earlier, and the revision of its change: only documents of partners may change with it. */
export interface ChangedLeftFeed extends LeftFeed {
  readonly revision: number;
}

/** Later than every date: the end of the transaction decides. */
const BY_CLOCK = Number.POSITIVE_INFINITY;

/** The moment of the changes that are dated by the clock, and whether a reader may have been served before them. */
export interface TouchedAt {
  readonly at: Instant;
  readonly wasServed: boolean;
}

/** By feed: since when readers can see the article of a touch that they could see first. */
export function oldestSeen(touches: readonly Touch[]): ReadonlyMap<FeedKey, Instant> {
  const oldest = new Map<FeedKey, Instant>();
  for (const { keys, seenFrom } of touches) {
    for (const key of keys) {
      const known = oldest.get(key);
      if (known === undefined || seenFrom < known) oldest.set(key, seenFrom);
    }
  }
  return oldest;
}

/**
 * The latest moment at which the touches change each feed of a store that has served nobody. A moment after `at` stands for the
 * end of the transaction. A change that readers cannot see yet counts as 0, so that the feed's date does not announce it.
 */
export function feedMoments(touches: readonly Touch[], at: Instant): ReadonlyMap<FeedKey, Instant> {
  const moments = new Map<FeedKey, Instant>();
  for (const { keys, seenFrom, changedAt = BY_CLOCK } of touches) {
    const moment = seenFrom > at ? 0 : changedAt;
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
export function changedAt(before: Instant, at: Instant): Instant {
  if (secondOf(before) < secondOf(at)) return at;
  return secondOf(before) === secondOf(at) + 1 ? before : secondOf(before) * 1000 + 1;
}

export type FeedDates = ReturnType<typeof createFeedDates>;

/**
 * When each feed changed last, and with which revision.
 *
 * @param onShown called in the transaction of a change that readers see at once
 */
export function createFeedDates(db: DatabaseSync, feedRows: FeedRows, onShown: (at: Instant) => void) {
  const changedSince = db.prepare('SELECT key FROM feed WHERE revision > ?');

  /** @param age of the oldest article that has changed: see `AgedChange`. By default, the whole feed has changed */
  function touch(feed: FeedRow, at: Instant, revision: number, age = Number.POSITIVE_INFINITY): void {
    feed.changed = changedAt(feed.changed, at);
    feed.agedChanges = withChange(feed.agedChanges, { age, date: at }, changedAt);
    feed.revision = revision;
    show(feed, at, revision);
    feedRows.touch(feed);
  }

  /** Marks a feed as changed for readers: a change that they cannot see yet must not have caches ask for its documents. */
  function show(feed: FeedRow, at: Instant, revision: number): void {
    feed.shownRevision = revision;
    onShown(at);
  }

  /** Keeps the dates that changes have in a store without readers. A new article has that of its publication in any case. */
  function keepGivenDates(touches: readonly Touch[], at: Instant): void {
    for (const { keys, seenFrom, changedAt: date } of touches) {
      if (seenFrom > at || date === undefined || date > at || date <= seenFrom) continue;
      for (const key of keys) {
        const feed = feedRows.find(key);
        if (feed !== undefined)
          feed.agedChanges = withChange(feed.agedChanges, { age: date - seenFrom, date }, Math.max);
      }
    }
  }

  return {
    /** Dates all feeds by the clock. Those that are being filled get a date when they are filled. */
    touchAll(at: Instant, revision: number): void {
      for (const feed of feedRows.all()) {
        if (isFilling(feed)) continue;
        touch(feed, at, revision);
        feed.headChanged = changedAt(feed.headChanged, at);
      }
    },
    touch,
    /** Dates feeds, at the end of a transaction. Where readers were served, its end is the date of every change that they see. */
    apply(touches: readonly Touch[], { at: seen, wasServed }: TouchedAt, at: Instant, revision: number): void {
      const byClock = wasServed ? touches : touches.filter(({ changedAt = BY_CLOCK }) => changedAt > at);
      const oldest = oldestSeen(byClock);
      if (!wasServed) keepGivenDates(touches, at);
      const moments = wasServed ? oldest : feedMoments(touches, seen);
      for (const [key, moment] of moments) {
        const feed = feedRows.find(key);
        if (feed === undefined) continue;
        const seenFrom = oldest.get(key) ?? BY_CLOCK;
        if (seenFrom <= seen) touch(feed, at, revision, at - seenFrom);
        else {
          if (!wasServed) {
            feed.changed = Math.max(feed.changed, moment);
            if (moment > 0) show(feed, at, revision);
          }
          feed.revision = revision;
          feedRows.touch(feed);
        }
      }
    },
    /** Dates feeds for partners alone. */
    applyToLeft(left: readonly ChangedLeftFeed[], at: Instant): void {
      for (const { key, seenFor, revision } of left) {
        const feed = feedRows.of(key);
        feed.agedChanges = withChange(feed.agedChanges, { age: seenFor, date: at }, changedAt);
        feed.revision = Math.max(feed.revision, revision);
        feedRows.touch(feed);
      }
    },
    changedSince: (revision: number): FeedKey[] => changedSince.all(revision).map(({ key }) => String(key)),
  };
}
