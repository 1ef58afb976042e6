import type { DatabaseSync } from 'node:sqlite';
import type { FeedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import type { EntryMove, Submit } from '../operations.ts';
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
}

const PACE: FillingPace = { slice: 4, moved: 300 };
/** Work that begins with one revision of the store and goes on while articles change. */
interface Run {
  /** Feeds that are to be filled yet, with the rules that they had then. */
  readonly queue: [FeedKey, StoredRule][];
  /** The articles of the feeds that rules name, as the run found them. */
  readonly known: Map<FeedKey, Articles>;
  /** The revision with which the run began: changes after it have moved their articles by the new rules. */
  readonly since: number;
}

/**
 * The operation that moves entries. Several processes may fill the same feed: what one of them has moved, the others leave.
 *
 * @returns a function to call in a transaction; it returns the feeds that are filled now
 */
export function createEntryMoves(db: DatabaseSync, parts: FillingParts) {
  const { rules, feedRows, feedDates, archives, storeRow } = parts;
  const pieces = preparePieces(db, parts);
  const changedLater = db.prepare('SELECT 1 FROM article WHERE number = ? AND revision > ?');

  function moveSome(feed: FeedRow, { removed, added }: EntryMove, since: number): void {
    const unchanged = (articles: readonly number[]): Articles =>
      Float64Array.from(articles.filter((number) => changedLater.get(number, since) === undefined));
    if (removed.length > 0) pieces.remove(feed, unchanged(removed));
    if (added.length > 0) pieces.add(feed, pieces.missing(feed, unchanged(added)));
  }

  return (now: () => Instant, since: number, moves: readonly EntryMove[]): FeedKey[] => {
    archives.setMoment(now());
    const filled: FeedRow[] = [];
    for (const one of moves) {
      const feed = feedRows.find(one.feed);
      if (feed?.rule !== one.rule) continue; // another rule by now: the next run fills it
      moveSome(feed, one, since);
      if (!one.isLast) continue;
      pieces.fillTombstones(feed, rules.numbered(readRule(one.rule).select));
      rules.finish(feed);
      filled.push(feed);
    }
    if (filled.length === 0) return [];
    const revision = storeRow.last() + 1;
    storeRow.setLast(revision);
    const end = now();
    archives.setMoment(end);
    for (const feed of filled) feedDates.touch(feed, end, revision);
    return filled.map(({ key }) => key);
  };
}

/**
 * The store's `fillFeeds`: fills feeds after their rules have changed, while articles change as well. A feed that articles
 * name is read in pieces, and may change between them. That does not matter: an article that has changed since is in its
 * feeds by the new rules already, and every other is where it was.
 */
export function createFeedFilling(
  { rules, feeds, lists, storeRow, reading }: Pick<FillingParts, 'rules' | 'feeds' | 'lists' | 'storeRow' | 'reading'>,
  submit: Submit,
): Store['fillFeeds'] {
  const prepare = createSelections({ feeds, lists, reading });
  let run: Run | undefined;
  let selecting: Generator<undefined, Prepared> | undefined;
  let prepared: Prepared[] = [];

  function begin(): Run | undefined {
    const queue = rules.filling();
    if (queue.length === 0) return undefined;
    return { queue, known: new Map(), since: storeRow.last() };
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

  /** Takes moves for a transaction from what is prepared. */
  function takeMoves(most: number): EntryMove[] {
    const moves: EntryMove[] = [];
    let left = most;
    while (left > 0) {
      const next = prepared.shift();
      if (next === undefined) break;
      const { key, rule } = next;
      const removed = next.removed.subarray(0, left);
      const added = next.added.subarray(0, Math.max(0, left - next.removed.length));
      const rest = {
        ...next,
        removed: next.removed.subarray(removed.length),
        added: next.added.subarray(added.length),
      };
      const isLast = rest.removed.length + rest.added.length === 0;
      moves.push({ feed: key, rule, removed: [...removed], added: [...added], isLast });
      left -= next.removed.length + next.added.length + 1;
      if (!isLast) prepared.unshift(rest);
    }
    return moves;
  }

  return async (now, pace = PACE) => {
    try {
      run ??= reading(begin);
      if (run === undefined) return { left: 0, filled: [] };
      const current = run;
      prepareSome(current, pace);
      const moves = takeMoves(pace.moved);
      const filled = moves.length === 0 ? [] : await submit('moveEntries', now, current.since, moves);
      if (current.queue.length === 0 && prepared.length === 0) run = undefined;
      const left = reading(rules.filling).length;
      if (left === 0) await submit('endFilling', now);
      return { left, filled };
    } catch (error) {
      [run, selecting, prepared] = [undefined, undefined, []];
      throw error;
    }
  };
}
