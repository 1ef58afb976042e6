import type { DatabaseSync } from 'node:sqlite';
import type { FeedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import type { FillingPace, Store } from '../store.ts';
import type { Archives } from './archives.ts';
import { type Articles, preparePieces } from './backfill.ts';
import type { FeedDates } from './feed-dates.ts';
import type { FeedReader } from './feed-reader.ts';
import type { FeedRow, FeedRows } from './feed-rows.ts';
import { createSelections, type Prepared } from './feed-selections.ts';
import type { Lists } from './lists.ts';
import type { Reading } from './reading.ts';
import type { Rules } from './rules.ts';
import type { StoreRow } from './store-row.ts';
import { readRule, type StoredRule } from './stored-rule.ts';

interface FillingParts {
  readonly rules: Rules;
  readonly feeds: FeedReader;
  readonly feedRows: FeedRows;
  readonly feedDates: FeedDates;
  readonly lists: Lists;
  readonly archives: Archives;
  readonly storeRow: StoreRow;
  readonly reading: Reading;
  readonly transaction: <Result>(work: () => Result) => Promise<Result>;
}

const PACE: FillingPace = { slice: 4, moved: 300 };
/** Work that begins with one revision of the store and goes on while articles change. */
interface Run {
  /** Feeds that are to be filled yet, with the rules that they had then. */
  readonly queue: [FeedKey, StoredRule][];
  /** The articles of the feeds that rules name, as the run found them. */
  readonly known: Map<FeedKey, Articles>;
  /** Articles that changed after the run began. Their changes have moved them by the new rules. */
  readonly changed: Set<number>;
  /** The last revision whose changes are in `changed`. */
  revision: number;
}

/**
 * The store's `fillFeeds`: fills feeds after their rules have changed, while articles change as well. A feed that articles
 * name is read in pieces, and may change between them. That does not matter: an article that has changed since is in its
 * feeds by the new rules already, and every other is where it was.
 */
export function createFeedFilling(db: DatabaseSync, parts: FillingParts): Store['fillFeeds'] {
  const { rules, feeds, feedRows, feedDates, lists, archives, storeRow, reading, transaction } = parts;
  const pieces = preparePieces(db, { lists, feedRows });
  const changedSince = db.prepare('SELECT number FROM article WHERE revision > ?');
  const prepare = createSelections({ feeds, lists, reading });
  let run: Run | undefined;
  let selecting: Generator<undefined, Prepared> | undefined;
  let prepared: Prepared[] = [];

  function begin(): Run | undefined {
    const queue = rules.filling();
    if (queue.length === 0) return undefined;
    return { queue, known: new Map(), changed: new Set(), revision: storeRow.last() };
  }

  /** Prepares feeds until there is enough for a transaction, or the time is over. */
  function prepareSome(current: Run, { slice, moved }: FillingPace): void {
    const end = performance.now() + slice;
    do {
      if (prepared.reduce((sum, { removed, added }) => sum + removed.length + added.length + 1, 0) > moved) return;
      const [first] = current.queue;
      if (first === undefined) return;
      selecting ??= prepare(current.known, ...first);
      const next = selecting.next();
      if (next.done !== true) continue;
      prepared.push(next.value);
      current.queue.shift();
      selecting = undefined;
    } while (performance.now() < end);
  }

  /** Moves articles in a transaction. Returns the feeds that are filled now. */
  function move(current: Run, now: () => Instant, most: number): FeedKey[] {
    const at = now();
    archives.setMoment(at);
    for (const { number } of changedSince.all(current.revision)) current.changed.add(Number(number));
    current.revision = storeRow.last();
    const filled: FeedRow[] = [];
    let left = most;
    while (left > 0) {
      const next = prepared.shift();
      if (next === undefined) break;
      const feed = feedRows.find(next.key);
      if (feed?.rule !== next.rule) continue; // another rule by now: the next run fills it
      const rest = moveSome(current, feed, next, left);
      left -= next.removed.length + next.added.length + 1;
      if (rest !== undefined) {
        prepared.unshift(rest);
        break;
      }
      pieces.fillTombstones(feed, rules.numbered(readRule(next.rule).select));
      rules.finish(feed);
      filled.push(feed);
    }
    if (filled.length === 0) return [];
    const revision = storeRow.last() + 1;
    storeRow.setLast(revision);
    const end = now();
    archives.setMoment(end);
    for (const feed of filled) feedDates.touch(feed, end, revision);
    current.revision = revision; // a revision that no article has
    return filled.map(({ key }) => key);
  }

  /** Returns what is left where the feed needs more than is allowed. */
  function moveSome({ changed }: Run, feed: FeedRow, { removed, added, ...rest }: Prepared, most: number) {
    const unchanged = (articles: Articles) => articles.filter((article) => !changed.has(article));
    const [less, more] = [removed.subarray(0, most), added.subarray(0, Math.max(0, most - removed.length))];
    if (less.length > 0) pieces.remove(feed, unchanged(less));
    if (more.length > 0) pieces.add(feed, unchanged(more));
    if (less.length + more.length === removed.length + added.length) return undefined;
    return { ...rest, removed: removed.subarray(less.length), added: added.subarray(more.length) };
  }

  return async (now, pace = PACE) => {
    try {
      run ??= reading(begin);
      if (run === undefined) return { left: 0, filled: [] };
      const current = run;
      prepareSome(current, pace);
      const filled = prepared.length === 0 ? [] : await transaction(() => move(current, now, pace.moved));
      if (current.queue.length === 0 && prepared.length === 0) run = undefined;
      const left = reading(rules.filling).length;
      // Articles no longer need the earlier rules.
      if (left === 0) await transaction(rules.raiseVersion);
      return { left, filled };
    } catch (error) {
      [run, selecting, prepared] = [undefined, undefined, []];
      throw error;
    }
  };
}
