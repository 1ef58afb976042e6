import type { DatabaseSync } from 'node:sqlite';
import { type FeedKey, type FeedRule, LATEST, type NamedKey, type Selection } from '../../feed/feeds.ts';
import { customFeedChooser } from '../../feed/selection.ts';
import type { Instant } from '../../lib/instant.ts';
import type { FeedToBackfill } from '../store.ts';
import { type NumberedRule, prepareBackfills } from './backfill.ts';
import { type FeedDates, feedMoments, type Touch } from './feed-dates.ts';
import type { FeedReader } from './feed-reader.ts';
import type { FeedRow, FeedRows } from './feed-rows.ts';
import type { Lists } from './lists.ts';
import type { StoreRow } from './store-row.ts';

/** Entries added or removed after which a backfill transaction ends. They take seconds, while other writers wait. */
const MAX_MOVED = 100_000;

/** Later than every date: readers cannot see the change yet. */
const UNSEEN = Number.POSITIVE_INFINITY;

/** Selects no article: its only group holds no feed. */
const NOTHING: NumberedRule = { groups: [[]], none: [] };

export type Rules = ReturnType<typeof createRules>;

interface RulesParts {
  readonly storeRow: StoreRow;
  readonly lists: Lists;
  readonly feeds: FeedReader;
  readonly feedRows: FeedRows;
  readonly feedDates: FeedDates;
}

/** The rules of the custom feeds. */
export function createRules(db: DatabaseSync, { storeRow, lists, feeds, feedRows, feedDates }: RulesParts) {
  const startBackfill = prepareBackfills(db, { lists, feedRows });
  /** The version of the rules that `choose` follows. */
  let version: number | undefined;
  let choose: (own: readonly FeedKey[]) => FeedKey[] = () => [];

  function list(): FeedRule[] {
    const own = feeds.all().filter(([key]) => !key.includes('/')); // those that articles name have a kind before a slash
    const rows = own.map(([key, number]) => feeds.get(number, key)).toSorted((one, other) => one.number - other.number);
    return rows.flatMap(({ key, rule }) => (rule === null ? [] : [{ id: key, select: JSON.parse(rule) as Selection }]));
  }

  /** Call this in a transaction before `withCustomFeeds`: another process may have changed the rules. */
  function catchUp(): void {
    const current = storeRow.rules();
    if (current !== version) choose = customFeedChooser(list());
    version = current;
  }

  /** An article's own feeds, and the custom feeds that select it. */
  function withCustomFeeds(own: readonly NamedKey[]): readonly NamedKey[] {
    const custom = choose(own.map(({ key }) => key));
    return custom.length === 0 ? own : [...own, ...custom.map((key) => ({ key, name: '' }))];
  }

  function setRule(id: FeedKey, select: Selection): FeedRow {
    return Object.assign(feedRows.touch(feedRows.of(id)), { declared: 1, rule: JSON.stringify(select) });
  }

  /** The feed's number stays: other processes know it, and look up its changes by it. */
  function removeRule(id: FeedKey): FeedRow | undefined {
    const feed = feedRows.find(id);
    if (feed === undefined) return undefined;
    return Object.assign(feedRows.touch(feed), { declared: 0, rule: null, visibleFrom: null });
  }

  /** The store's `backfillFeeds`, in a transaction that the caller has begun. */
  function backfillFeeds(feeds: readonly FeedToBackfill[], now: () => Instant): number {
    const backfill = startBackfill();
    const began = now();
    const touches: Touch[] = [];
    let moved = 0;
    let done = 0;
    for (const { id, select } of feeds) {
      const feed = select === undefined ? removeRule(id) : setRule(id, select);
      if (feed !== undefined) {
        const filled = backfill(feed, select === undefined ? NOTHING : numbered(select), began);
        const seenFrom = filled.isSeen || select === undefined ? began : UNSEEN;
        if (filled.moved > 0 || select === undefined) touches.push({ keys: [id], seenFrom, changedAt: undefined });
        moved += filled.moved;
      }
      done += 1;
      if (moved >= MAX_MOVED) break;
    }
    if (done > 0) storeRow.raiseRules();
    const revision = storeRow.last() + 1;
    if (touches.length > 0) storeRow.setLast(revision);
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
      const feed = feedRows.find(key);
      return feed === undefined ? [] : [feed.number];
    });
  }

  return { list, catchUp, withCustomFeeds, backfillFeeds };
}
