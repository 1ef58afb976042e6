import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { LATEST } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';

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

/** Reads and changes the articles of a feed, all at once. */
interface BackfillStatements {
  readonly read: StatementSync;
  readonly insert: StatementSync;
  readonly remove: StatementSync;
}

/**
 * Fills custom feeds with the articles that their rules select. Each call of the returned function starts a run, which
 * reads the feeds that rules name only once: they must not change during the run.
 *
 * @returns a function that fills one feed
 */
export function prepareBackfills(
  db: DatabaseSync,
): () => (feed: number, rule: NumberedRule, at: Instant) => Backfilled {
  const entries: BackfillStatements = {
    read: db.prepare('SELECT json_group_array(article) AS articles FROM entry WHERE feed = ?'),
    insert: db.prepare(`
      INSERT INTO entry (feed, published, tie, article, expires)
      SELECT :feed, published, tie, article, expires
      FROM json_each(:articles) AS chosen CROSS JOIN place ON article = chosen.value`),
    remove: db.prepare(`
      DELETE FROM entry WHERE (feed, published, tie, article) IN (
        SELECT :feed, published, tie, article
        FROM json_each(:articles) AS chosen CROSS JOIN place ON article = chosen.value)`),
  };
  const tombstones: BackfillStatements = {
    read: db.prepare('SELECT json_group_array(article) AS articles FROM tombstone WHERE feed = ?'),
    insert: db.prepare(`
      INSERT INTO tombstone (feed, at, article)
      SELECT :feed, own.at, own.article
      FROM json_each(:articles) AS chosen CROSS JOIN tombstone AS own
      WHERE own.article = chosen.value AND own.feed = (SELECT number FROM feed WHERE key = '${LATEST}')`),
    remove: db.prepare(`
      DELETE FROM tombstone WHERE feed = :feed AND article IN (SELECT value FROM json_each(:articles))`),
  };
  const seen = db.prepare(`
    SELECT 1 FROM json_each(:articles) AS chosen CROSS JOIN place ON article = chosen.value
    WHERE published <= :at LIMIT 1`);
  return () => {
    const runs = [startRun(entries), startRun(tombstones)];
    return (feed, rule, at) => {
      const moved = runs.flatMap((fill) => fill(feed, rule));
      return {
        moved: sizeOf(moved),
        isSeen: moved.some((articles) => seen.get({ articles: `[${articles.join()}]`, at }) !== undefined),
      };
    };
  };
}

/** @returns a function that fills one feed, and returns the articles that it removed and added */
function startRun({ read, insert, remove }: BackfillStatements): (feed: number, rule: NumberedRule) => Articles[] {
  const known = new Map<number, Articles>();

  function articlesIn(feed: number): Articles {
    const articles = known.get(feed) ?? readArticles(feed);
    known.set(feed, articles);
    return articles;
  }

  function readArticles(feed: number): Articles {
    return Float64Array.from(JSON.parse(String(read.get(feed)?.articles)) as number[]).sort();
  }

  return (feed, rule) => {
    const before = readArticles(feed);
    const after = selectArticles(rule, articlesIn);
    const removed = articlesWithout(before, after);
    const added = articlesWithout(after, before);
    if (removed.length > 0) remove.run({ feed, articles: `[${removed.join()}]` });
    if (added.length > 0) insert.run({ feed, articles: `[${added.join()}]` });
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
