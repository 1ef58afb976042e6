import type { DatabaseSync } from 'node:sqlite';
import { LATEST } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import type { Value } from './checksums.ts';
import { damaged } from './damage.ts';
import { type FeedRow, type FeedRows, listOf } from './feed-rows.ts';
import { countOf, hashOf, LOWEST } from './list-parts.ts';
import { type Lists, listRow, type TableRow } from './lists.ts';
import { checkPlace } from './places.ts';
import { createRightsEnds, damagedRights } from './rights-ends.ts';

/** Ascending numbers of articles. */
export type Articles = Float64Array;

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
  readonly rightsEnd: number | null;
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
  const isOneSeen = prepareSeen(db);
  return () => {
    const runs = filled.map((list) => startRun(list, parts));
    return (feed, rule, at) => {
      const moved = runs.flatMap((fill) => fill(feed, rule));
      return {
        moved: sizeOf(moved),
        isSeen: moved.some((articles) => isOneSeen(articles, at)),
      };
    };
  };
}

/** Returns a function that tells whether readers could see one of the articles by a moment. */
function prepareSeen(db: DatabaseSync): (articles: Articles, at: Instant) => boolean {
  const seen = db.prepare(`
    SELECT 1 FROM json_each(:articles) AS chosen CROSS JOIN place ON article = chosen.value
    WHERE published <= :at LIMIT 1`);
  return (articles, at) => seen.get({ articles: `[${articles.join()}]`, at }) !== undefined;
}

/** Changes what a feed holds a few articles at a time. Call it in a transaction. */
export function preparePieces(db: DatabaseSync, parts: BackfillParts) {
  const entries = filledEntries(db, parts);
  const tombstones = filledTombstones(db, parts);
  const placeOf = db.prepare('SELECT published, tie FROM place WHERE article = ?');
  const entryOf = db.prepare(`
    SELECT published, tie, article, revision, expires FROM entry WHERE feed = ? AND published = ? AND tie = ? AND article = ?`);
  entryOf.setReturnArrays(true);
  /** The entry of an article in a feed. */
  function find(feed: FeedRow, article: number): TableRow | undefined {
    const place = placeOf.get(article);
    const row = place && entryOf.get(feed.number, Number(place.published), Number(place.tie), article);
    return row as unknown as TableRow | undefined;
  }
  return {
    /** Those of the articles that the feed does not have. */
    missing: (feed: FeedRow, articles: Articles): Articles =>
      articles.filter((article) => find(feed, article) === undefined),
    add(feed: FeedRow, articles: Articles): void {
      entries.begin();
      entries.insert(feed, articles);
    },
    remove(feed: FeedRow, articles: Articles): void {
      for (const article of articles) {
        const row = find(feed, article);
        if (row !== undefined) entries.remove(feed, row);
      }
    },
    /** Returns how many tombstones it moved. */
    fillTombstones: (feed: FeedRow, rule: NumberedRule): number => sizeOf(startRun(tombstones, parts)(feed, rule)),
  };
}

function filledEntries(db: DatabaseSync, { feedRows }: BackfillParts): FilledList {
  // The feed `latest` has every entry. Its rows are small, those of articles are not.
  const chosen = `
    FROM json_each(:articles) AS chosen CROSS JOIN place ON place.article = chosen.value
    CROSS JOIN entry AS own
      ON own.feed = :latest AND own.published = place.published AND own.tie = place.tie AND own.article = place.article`;
  const places = db.prepare(`
    SELECT place.article, place.published, place.tie, place.expires, feeds, url_hash, own.revision, rights_end,
      syndication.revision, place.checksum
    ${chosen} LEFT JOIN syndication ON syndication.article = place.article`);
  const insert = db.prepare(
    'INSERT INTO entry (feed, published, tie, article, revision, expires) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const remove = db.prepare('DELETE FROM entry WHERE feed = ? AND published = ? AND tie = ? AND article = ?');
  const rights = createRightsEnds(db, feedRows);
  const rightsOf = db.prepare('SELECT rights_end FROM syndication WHERE article = ?');
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
      const [article, published, tie, expires, , , revision, rightsEnd, ofRights] =
        place as unknown as readonly number[];
      const member = [Number(published), Number(tie), Number(article), Number(revision), expires ?? null] as const;
      if (ofRights != null && ofRights !== revision) throw damagedRights(member[2]);
      known.set(member[2], { member, hash: hashOf(member), rightsEnd: rightsEnd ?? null });
    }
  }

  function insertTogether(feed: FeedRow, articles: Articles): void {
    if (known.size > MAX_KNOWN) known.clear();
    read(articles);
    feedRows.willChange(feed);
    for (const article of articles) {
      const entry = known.get(article);
      if (entry === undefined) continue;
      const [published, tie, , revision, expires] = entry.member;
      insert.run(feed.number, published, tie, article, revision, expires);
      feedRows.add(feed, 'entries', entry.member, entry.hash);
      if (expires !== null) feedRows.add(feed, 'expiries', [expires, article]);
      if (entry.rightsEnd !== null) rights.add(feed, entry.rightsEnd, article, revision);
    }
  }

  function removeRights(feed: FeedRow, article: number): void {
    const at = rightsOf.get(article)?.rights_end ?? null;
    if (at !== null) rights.remove(feed, Number(at), article);
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
      feedRows.willChange(feed);
      remove.run(feed.number, Number(published), Number(tie), Number(article));
      feedRows.remove(feed, 'entries', listRow(row));
      if (expires != null) feedRows.remove(feed, 'expiries', [expires, Number(article)]);
      if (feed.lists.rights.parts.length > 0) removeRights(feed, Number(article));
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
  const { candidates, isSelected } = prepareSelection({ groups, none }, articlesIn);
  return candidates.filter(isSelected);
}

/** The articles of the smallest group, and which of them the whole rule selects. */
export function prepareSelection({ groups, none }: NumberedRule, articlesIn: (feed: number) => Articles) {
  const [smallest = [], ...others] = groups
    .map((group) => group.map(articlesIn))
    .toSorted((one, other) => sizeOf(one) - sizeOf(other));
  const unwanted = none.map(articlesIn);
  return {
    candidates: union(smallest),
    isSelected: (article: number): boolean =>
      others.every((group) => isInGroup(group, article)) && !isInGroup(unwanted, article),
  };
}

export function articlesWithout(articles: Articles, others: Articles): Articles {
  let next = 0;
  return articles.filter((article) => {
    while ((others[next] ?? Number.POSITIVE_INFINITY) < article) next += 1;
    return others[next] !== article;
  });
}

function sizeOf(group: readonly Articles[]): number {
  return group.reduce((sum, { length }) => sum + length, 0);
}

function union(group: readonly Articles[]): Articles {
  const [only, second] = group;
  if (only !== undefined && second === undefined) return only;
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
