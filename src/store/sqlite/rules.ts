import type { DatabaseSync } from 'node:sqlite';
import { type FeedKey, type FeedRule, LATEST, type NamedKey, type Selection } from '../../feed/feeds.ts';
import { customFeedChooser } from '../../feed/selection.ts';
import type { Instant } from '../../lib/instant.ts';
import type { FeedToBackfill } from '../store.ts';
import { type NumberedRule, prepareBackfills } from './backfill.ts';
import { type FeedDates, feedMoments, type Touch } from './feed-dates.ts';
import type { RevisionCounter } from './revision.ts';

/** Entries added or removed after which a backfill transaction ends. They take seconds, while other writers wait. */
const MAX_MOVED = 100_000;

/** Later than every date: readers cannot see the change yet. */
const UNSEEN = Number.POSITIVE_INFINITY;

/** Selects no article: its only group holds no feed. */
const NOTHING: NumberedRule = { groups: [[]], none: [] };

export type Rules = ReturnType<typeof createRules>;

interface RulesParts {
  readonly revisions: RevisionCounter;
  readonly feedDates: FeedDates;
}

/** The rules of the custom feeds. */
export function createRules(db: DatabaseSync, { revisions, feedDates }: RulesParts) {
  const all = db.prepare('SELECT key AS id, rule FROM feed WHERE rule IS NOT NULL ORDER BY number');
  const selectVersion = db.prepare('SELECT rules FROM revision');
  const raiseVersion = db.prepare('UPDATE revision SET rules = rules + 1');
  const setRule = db.prepare(`
    INSERT INTO feed (key, name, declared, rule) VALUES (?, '', 1, ?)
    ON CONFLICT (key) DO UPDATE SET declared = 1, rule = excluded.rule RETURNING number`);
  // The feed's number stays: other processes know it, and look up its changes by it.
  const removeRule = db.prepare(
    'UPDATE feed SET declared = 0, rule = NULL, visible_from = NULL WHERE key = ? RETURNING number',
  );
  const numberOfFeed = db.prepare('SELECT number FROM feed WHERE key = ?');
  const prepareBackfill = prepareBackfills(db);
  /** The version of the rules that `choose` follows. */
  let version: number | undefined;
  let choose: (own: readonly FeedKey[]) => FeedKey[] = () => [];

  function list(): FeedRule[] {
    return all.all().map(({ id, rule }) => ({ id: String(id), select: JSON.parse(String(rule)) as Selection }));
  }

  /**
   * Call this in a transaction before `withCustomFeeds`: another process may have changed the rules.
   *
   * @returns the version of the rules and of the names of feeds
   */
  function catchUp(): number {
    const current = Number(selectVersion.get()?.rules);
    if (current !== version) choose = customFeedChooser(list());
    version = current;
    return current;
  }

  /** An article's own feeds, and the custom feeds that select it. */
  function withCustomFeeds(own: readonly NamedKey[]): readonly NamedKey[] {
    const custom = choose(own.map(({ key }) => key));
    return custom.length === 0 ? own : [...own, ...custom.map((key) => ({ key, name: '' }))];
  }

  /** The store's `backfillFeeds`, in a transaction that the caller has begun. */
  function backfillFeeds(feeds: readonly FeedToBackfill[], now: () => Instant): number {
    const backfill = prepareBackfill();
    const began = now();
    const touches: Touch[] = [];
    let moved = 0;
    let done = 0;
    for (const { id, select } of feeds) {
      const feed = select === undefined ? removeRule.get(id) : setRule.get(id, JSON.stringify(select));
      if (feed !== undefined) {
        const filled = backfill(Number(feed.number), select === undefined ? NOTHING : numbered(select), began);
        const seenFrom = filled.isSeen || select === undefined ? began : UNSEEN;
        if (filled.moved > 0 || select === undefined) touches.push({ keys: [id], seenFrom, changedAt: undefined });
        moved += filled.moved;
      }
      done += 1;
      if (moved >= MAX_MOVED) break;
    }
    if (done > 0) raiseVersion.run();
    const revision = revisions.last() + 1;
    if (touches.length > 0) revisions.save(revision);
    const end = now();
    feedDates.apply(feedMoments(touches, { at: Math.max(began, end), wasServed: true }), end, revision);
    return done;
  }

  function numbered({ any, all, none }: Selection): NumberedRule {
    const groups = [...all.map((key) => [key]), ...(any.length > 0 ? [any] : [])];
    return { groups: (groups.length > 0 ? groups : [[LATEST]]).map(numbersOf), none: numbersOf(none) };
  }

  function numbersOf(keys: readonly FeedKey[]): number[] {
    return keys.flatMap((key) => {
      const feed = numberOfFeed.get(key);
      return feed === undefined ? [] : [Number(feed.number)];
    });
  }

  /** Tells every process that names of feeds were removed. */
  function raiseNamesVersion(): void {
    raiseVersion.run();
  }

  return { list, catchUp, raiseNamesVersion, withCustomFeeds, backfillFeeds };
}
