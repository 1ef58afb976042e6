import type { DatabaseSync } from 'node:sqlite';
import { LATEST } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import type { Value } from './checksums.ts';
import { damaged } from './damage.ts';
import { type FeedRow, type FeedRows, listOf } from './feed-rows.ts';
import { countOf, hashOf, LOWEST } from './list-parts.ts';
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
  /** Starts a run. */
  readonly begin: () => void;
  readonly insert: (feed: FeedRow, articles: Articles) => void;
  readonly remove: (feed: FeedRow, row: TableRow) => void;
}

/** An entry that more feeds may get. */
interface Entry {
  readonly member: readonly [number, number, number, number, number | null];
  readonly hash: number;
}

/** Entries that are kept in memory. */
const MAX_KNOWN = 200_000;

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
  // The feed `latest` has every entry. Its rows are small, those of articles are not.
  const chosen = `
    FROM json_each(:articles) AS chosen CROSS JOIN place ON place.article = chosen.value
    CROSS JOIN entry AS own
      ON own.feed = :latest AND own.published = place.published AND own.tie = place.tie AND own.article = place.article`;
  const places = db.prepare(`
    SELECT place.article, place.published, place.tie, place.expires, feeds, url_hash, own.revision, place.checksum ${chosen}`);
  const insert = db.prepare(
    'INSERT INTO entry (feed, published, tie, article, revision, expires) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const remove = db.prepare('DELETE FROM entry WHERE feed = ? AND published = ? AND tie = ? AND article = ?');
  places.setReturnArrays(true);
  /** The entries of articles that this run has read: many feeds have the same ones. */
  let known = new Map<number, Entry>();

  function read(articles: Articles): void {
    const unknown = articles.filter((article) => !known.has(article));
    if (unknown.length === 0) return;
    const latest = feedRows.of(LATEST).number;
    const found = places.all({ articles: `[${unknown.join()}]`, latest }) as unknown as Value[][];
    if (found.length < unknown.length) throw damaged('the place of an article does not match its entries');
    for (const place of found) {
      checkPlace(place.slice(0, 6), Number(place[6]), place.at(-1));
      const [article, published, tie, expires, , , revision] = place as unknown as readonly number[];
      const member = [Number(published), Number(tie), Number(article), Number(revision), expires ?? null] as const;
      known.set(member[2], { member, hash: hashOf(member) });
    }
  }

  function insertTogether(feed: FeedRow, articles: Articles): void {
    if (known.size > MAX_KNOWN) known.clear();
    read(articles);
    for (const article of articles) {
      const entry = known.get(article);
      if (entry === undefined) continue;
      const [published, tie, , revision, expires] = entry.member;
      insert.run(feed.number, published, tie, article, revision, expires);
      feedRows.add(feed, 'entries', entry.member, entry.hash);
      if (expires !== null) feedRows.add(feed, 'expiries', [expires, article]);
    }
  }

  return {
    name: 'entries',
    article: 2,
    begin() {
      known = new Map();
    },
    insert(feed, articles) {
      for (let start = 0; start < articles.length; start += READ_TOGETHER)
        insertTogether(feed, articles.subarray(start, start + READ_TOGETHER));
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
    begin: () => {},
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
  { name, article, begin, insert, remove }: FilledList,
  { lists, feedRows }: BackfillParts,
): (feed: FeedRow, rule: NumberedRule) => Articles[] {
  const known = new Map<number, Articles>();
  begin();

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
