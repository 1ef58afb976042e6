import type { DatabaseSync } from 'node:sqlite';
import { LATEST } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import type { Value } from './checksums.ts';
import { type FeedRow, type FeedRows, listOf } from './feed-rows.ts';
import { countOf, LOWEST } from './list-parts.ts';
import { type Lists, listRow, type TableRow } from './lists.ts';
import { checkPlace } from './places.ts';

/** Ascending numbers of articles. */
type Articles = Float64Array;

/** A rule by the numbers of feeds: it selects articles that are in one feed of each group, and in no feed of `none`. */
export interface NumberedRule {
  readonly groups: readonly (readonly number[])[];
  readonly none: readonly number[];
}

export interface Backfilled {
  /** Entries and tombstones that were added or removed. */
  readonly moved: number;
  /** Whether readers could see one of them by now. */
  readonly isSeen: boolean;
}

interface BackfillParts {
  readonly lists: Lists;
  readonly feedRows: FeedRows;
}

/** A list of a feed that a rule fills. */
interface FilledList {
  readonly name: 'entries' | 'tombstones';
  /** Which number of a row is the article. */
  readonly article: number;
  readonly insert: (feed: FeedRow, articles: Articles) => void;
  readonly remove: (feed: FeedRow, row: TableRow) => void;
}

/** Articles whose places are read together. */
const READ_TOGETHER = 10_000;

/**
 * Fills custom feeds with the articles that their rules select. Each call of the returned function starts a run, which
 * reads the feeds that rules name only once: they must not change during the run.
 *
 * @returns a function that fills one feed
 */
export function prepareBackfills(
  db: DatabaseSync,
  parts: BackfillParts,
): () => (feed: FeedRow, rule: NumberedRule, at: Instant) => Backfilled {
  const filled = [filledEntries(db, parts), filledTombstones(db, parts)];
  const seen = db.prepare(`
    SELECT 1 FROM json_each(:articles) AS chosen CROSS JOIN place ON article = chosen.value
    WHERE published <= :at LIMIT 1`);
  return () => {
    const runs = filled.map((list) => startRun(list, parts));
    return (feed, rule, at) => {
      const moved = runs.flatMap((fill) => fill(feed, rule));
      return {
        moved: sizeOf(moved),
        isSeen: moved.some((articles) => seen.get({ articles: `[${articles.join()}]`, at }) !== undefined),
      };
    };
  };
}

function filledEntries(db: DatabaseSync, { feedRows }: BackfillParts): FilledList {
  const places = db.prepare(`
    SELECT place.article, place.published, tie, place.expires, feeds, url_hash, article.revision, place.checksum
    FROM json_each(?) AS chosen CROSS JOIN place ON place.article = chosen.value JOIN article ON number = place.article`);
  places.setReturnArrays(true);
  const insert = db.prepare(
    'INSERT INTO entry (feed, published, tie, article, revision, expires) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const remove = db.prepare('DELETE FROM entry WHERE feed = ? AND published = ? AND tie = ? AND article = ?');

  function insertOne(feed: FeedRow, place: readonly Value[]): void {
    checkPlace(place.slice(0, 6), Number(place[6]), place.at(-1));
    const [article, published, tie, expires, , , revision] = place as readonly number[] &
      readonly [number, number, number];
    const row = [published, tie, article, Number(revision), expires ?? null] as const;
    insert.run(feed.number, ...row);
    feedRows.add(feed, 'entries', row);
    if (expires != null) feedRows.add(feed, 'expiries', [expires, article]);
  }

  return {
    name: 'entries',
    article: 2,
    insert(feed, articles) {
      for (let start = 0; start < articles.length; start += READ_TOGETHER) {
        const rows = places.all(`[${articles.subarray(start, start + READ_TOGETHER).join()}]`);
        for (const place of rows as unknown as Value[][]) insertOne(feed, place);
      }
    },
    remove(feed, row) {
      const [published, tie, article, , expires] = row as readonly number[];
      remove.run(feed.number, Number(published), Number(tie), Number(article));
      feedRows.remove(feed, 'entries', listRow(row));
      if (expires != null) feedRows.remove(feed, 'expiries', [expires, Number(article)]);
    },
  };
}

/** The feed `latest` has every tombstone. */
function filledTombstones(db: DatabaseSync, { feedRows, lists }: BackfillParts): FilledList {
  const insert = db.prepare('INSERT INTO tombstone (feed, at, article, revision) VALUES (?, ?, ?, ?)');
  const remove = db.prepare('DELETE FROM tombstone WHERE feed = ? AND at = ? AND article = ?');
  return {
    name: 'tombstones',
    article: 1,
    insert(feed, articles) {
      const latest = listOf(feedRows.of(LATEST), 'tombstones');
      for (const row of lists.up(latest, LOWEST)) {
        const [at, article, revision] = row.map(Number) as [number, number, number];
        if (!has(articles, article)) continue;
        insert.run(feed.number, at, article, revision);
        feedRows.add(feed, 'tombstones', [at, article, revision]);
      }
    },
    remove(feed, row) {
      remove.run(feed.number, Number(row[0]), Number(row[1]));
      feedRows.remove(feed, 'tombstones', listRow(row));
    },
  };
}

/** @returns a function that fills one feed, and returns the articles that it removed and added */
function startRun(
  { name, article, insert, remove }: FilledList,
  { lists, feedRows }: BackfillParts,
): (feed: FeedRow, rule: NumberedRule) => Articles[] {
  const known = new Map<number, Articles>();

  function articlesIn(number: number): Articles {
    const articles = known.get(number) ?? readArticles(feedRows.get(number));
    known.set(number, articles);
    return articles;
  }

  function readArticles(feed: FeedRow): Articles {
    const articles = new Float64Array(countOf(feed.lists[name]));
    let index = 0;
    for (const row of lists.up(listOf(feed, name), LOWEST)) articles[index++] = Number(row[article]);
    return articles.sort();
  }

  return (feed, rule) => {
    const before = readArticles(feed);
    const after = selectArticles(rule, articlesIn);
    const removed = articlesWithout(before, after);
    const added = articlesWithout(after, before);
    if (removed.length > 0) {
      const rows = [...lists.up(listOf(feed, name), LOWEST)].filter((row) => has(removed, Number(row[article])));
      for (const row of rows) remove(feed, row);
    }
    if (added.length > 0) insert(feed, added);
    return [removed, added];
  };
}

/**
 * The articles that a rule selects. The comparison is made in memory, from the smallest group on: a query for each
 * article takes twenty times as long, and most rules name the same few feeds.
 */
export function selectArticles({ groups, none }: NumberedRule, articlesIn: (feed: number) => Articles): Articles {
  const [smallest = [], ...others] = groups
    .map((group) => group.map(articlesIn))
    .toSorted((one, other) => sizeOf(one) - sizeOf(other));
  const unwanted = none.map(articlesIn);
  return union(smallest).filter(
    (article) => others.every((group) => isInGroup(group, article)) && !isInGroup(unwanted, article),
  );
}

function articlesWithout(articles: Articles, others: Articles): Articles {
  return articles.filter((article) => !has(others, article));
}

function sizeOf(group: readonly Articles[]): number {
  return group.reduce((sum, { length }) => sum + length, 0);
}

function union(group: readonly Articles[]): Articles {
  const all = new Float64Array(sizeOf(group));
  let end = 0;
  for (const articles of group) {
    all.set(articles, end);
    end += articles.length;
  }
  return all.sort().filter((article, index) => article !== all[index - 1]);
}

function isInGroup(group: readonly Articles[], article: number): boolean {
  return group.some((articles) => has(articles, article));
}

/** Binary search. */
function has(articles: Articles, article: number): boolean {
  let from = 0;
  let to = articles.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    const found = articles[middle] ?? article;
    if (found === article) return true;
    if (found < article) from = middle + 1;
    else to = middle;
  }
  return false;
}
