import type { DatabaseSync } from 'node:sqlite';
import type { FeedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';

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
const secondOf = (moment: string) => `(CAST(${moment} AS INTEGER) + 999) / 1000`;

/**
 * The date of a feed that changes at :at. A reader who was served before this change was on disk may know any second up
 * to that of the change before. Therefore the change gets a later second: its own; if that is the same, the next one; if
 * an earlier change already has the next one, both share it, because no reader has seen a second of the future. If the
 * clock was set back, the change gets the second after the last one that was served.
 */
const CHANGED = `CASE
  WHEN ${secondOf('changed')} < ${secondOf(':at')} THEN :at
  WHEN ${secondOf('changed')} = ${secondOf(':at')} + 1 THEN changed
  ELSE ${secondOf('changed')} * 1000 + 1
END`;

export type FeedDates = ReturnType<typeof createFeedDates>;

/** When each feed changed last, and with which revision. */
export function createFeedDates(db: DatabaseSync) {
  const touch = db.prepare(`UPDATE feed SET changed = ${CHANGED}, revision = :revision WHERE key = :key`);
  const touchAll = db.prepare(`UPDATE feed SET changed = ${CHANGED}, revision = :revision`);
  const date = db.prepare('UPDATE feed SET changed = max(changed, ?), revision = ? WHERE key = ?');
  const changedSince = db.prepare('SELECT key FROM feed WHERE revision > ?');
  return {
    /** Dates all feeds by the clock. */
    touchAll(at: Instant, revision: number): void {
      touchAll.run({ at, revision });
    },
    /** Dates feeds by the result of `feedMoments`. */
    apply(moments: ReadonlyMap<FeedKey, Instant>, at: Instant, revision: number): void {
      for (const [key, moment] of moments) {
        if (moment > at) touch.run({ at, revision, key });
        else date.run(moment, revision, key);
      }
    },
    changedSince: (revision: number): FeedKey[] => changedSince.all(revision).map(({ key }) => String(key)),
  };
}
