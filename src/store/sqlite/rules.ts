import type { DatabaseSync } from 'node:sqlite';
import { type FeedKey, LATEST, type Selection } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import type { FeedToBackfill } from '../store.ts';
import type { Archives } from './archives.ts';
import { type NumberedRule, prepareBackfills } from './backfill.ts';
import type { FeedDates, Touch } from './feed-dates.ts';
import type { FeedReader } from './feed-reader.ts';
import type { FeedRow, FeedRows } from './feed-rows.ts';
import { createKnownRules } from './known-rules.ts';
import { countOf } from './list-parts.ts';
import type { Lists } from './lists.ts';
import type { StoreRow } from './store-row.ts';
import { NOTHING } from './stored-rule.ts';

/** Entries added or removed after which a backfill transaction ends. They take seconds, while other writers wait. */
const MAX_MOVED = 100_000;
/** To add an entry costs as much as to read so many. */
const INSERTION = 10;

/** Later than every date: readers cannot see the change yet. */
const UNSEEN = Number.POSITIVE_INFINITY;
/** Before every date: the whole feed changes, for readers and for partners with any delay. */
const SEEN = 0;

export type Rules = ReturnType<typeof createRules>;

interface RulesParts {
  readonly storeRow: StoreRow;
  readonly lists: Lists;
  readonly feeds: FeedReader;
  readonly feedRows: FeedRows;
  readonly feedDates: FeedDates;
  readonly archives: Archives;
}

/** The rules of the custom feeds. */
export function createRules(db: DatabaseSync, parts: RulesParts) {
  const { storeRow, lists, feeds, feedRows, feedDates, archives } = parts;
  const startBackfill = prepareBackfills(db, { lists, feedRows });
  const known = createKnownRules({ storeRow, feeds, feedRows });

  /** How many entries a feed and the feeds of its rule have, as far as they are not counted yet, and those that it may get. */
  function workOf(feed: FeedRow, { groups, none }: NumberedRule, counted: Set<number>): number {
    const countIn = (number: number) => countOf(feedRows.get(number).lists.entries);
    const read = [...groups.flat(), ...none, feed.number].filter((number) => !counted.has(number));
    for (const number of read) counted.add(number);
    const sum = (numbers: readonly number[]) => numbers.reduce((count, number) => count + countIn(number), 0);
    return sum(read) + INSERTION * Math.min(...groups.map(sum));
  }

  /** The store's `backfillFeeds`, in a transaction that the caller has begun. */
  function backfillFeeds(changes: readonly FeedToBackfill[], now: () => Instant, most: number): number {
    known.catchUp();
    const backfill = startBackfill();
    const began = now();
    archives.setMoment(began);
    const touches: Touch[] = [];
    const counted = new Set<number>();
    let moved = 0;
    let done = 0;
    let work = 0;
    for (const change of changes) {
      const { id, select } = change;
      const isKnown = feedRows.find(id)?.rule != null;
      const feed = known.changeRule(change);
      if (feed !== undefined) {
        const rule = numbered(select ?? NOTHING);
        if (Number.isFinite(most)) work += workOf(feed, rule, counted);
        if (work > most) {
          if (isKnown) touches.push({ keys: [id], seenFrom: SEEN, changedAt: undefined });
        } else {
          const filled = backfill(feed, rule, began);
          known.finish(feed);
          const seenFrom = filled.isSeen || select === undefined ? SEEN : UNSEEN;
          if (filled.moved > 0 || select === undefined) touches.push({ keys: [id], seenFrom, changedAt: undefined });
          moved += filled.moved;
        }
      }
      done += 1;
      if (moved >= MAX_MOVED) break;
    }
    if (done > 0) known.raiseVersion();
    const revision = storeRow.last() + 1;
    if (touches.length > 0) storeRow.setLast(revision);
    const end = now();
    archives.setMoment(end);
    feedDates.apply(touches, { at: Math.max(began, end), wasServed: true }, end, revision);
    return done;
  }

  /** Call it in a transaction that writes. */
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

  return { ...known, numbered, backfillFeeds };
}
