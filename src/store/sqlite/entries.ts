import { hash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { ArticleText } from '../../article/stored.ts';
import type { FeedKey, NamedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { createFeedNames, NAME } from './feed-names.ts';
import { createFeedNumbers } from './feed-numbers.ts';
import { wasVisible } from './identity-ledger.ts';
import type { Rules } from './rules.ts';

/** The feeds that hold an article or its tombstone. */
export interface Feeds {
  /** The feeds that the article's own fields name. */
  readonly own: readonly NamedKey[];
  /** These, and the custom feeds whose rules select the article. */
  readonly all: readonly NamedKey[];
}

/** The position of an article within its feeds, and the numbers of its own feeds as JSON. */
interface PlaceRow {
  readonly published: number;
  readonly tie: number;
  readonly feeds: string;
}

export type Entries = ReturnType<typeof createEntries>;

const NO_FEEDS: Feeds = { own: [], all: [] };

/** The first other article with an address. */
export const SAME_URL = `
  SELECT id FROM article
  WHERE number = (SELECT article FROM place WHERE url_hash = ? AND article <> ? ORDER BY article LIMIT 1)`;

/** The entries and tombstones of every feed. */
export function createEntries(db: DatabaseSync, rules: Rules) {
  // OR FAIL: a statement that writes many rows could fail in the middle. Without it, SQLite keeps a copy of each page that
  // the statement changes. A failure rolls the transaction back in any case.
  const insertEntries = db.prepare(`
    INSERT OR FAIL INTO entry (feed, published, tie, article, expires)
    SELECT value, ?, ?, ?, ? FROM json_each(?)`);
  const insertTombstones = db.prepare(
    'INSERT OR FAIL INTO tombstone (at, article, feed) SELECT ?, ?, value FROM json_each(?)',
  );
  const deleteEntry = db.prepare('DELETE FROM entry WHERE feed = ? AND published = ? AND tie = ? AND article = ?');
  const deleteTombstones = db.prepare('DELETE FROM tombstone WHERE article = ?');
  const insertPlace = db.prepare(
    'INSERT INTO place (article, published, tie, expires, feeds, url_hash) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const otherByUrl = db.prepare(SAME_URL);
  const selectPlace = db.prepare('SELECT published, tie, feeds FROM place WHERE article = ?');
  const deletePlace = db.prepare('DELETE FROM place WHERE article = ?');
  const namedFeeds = db.prepare(
    `SELECT key, ${NAME} AS name FROM feed WHERE number IN (SELECT value FROM json_each(:feeds))`,
  );
  const keepVisibleFrom = db.prepare(
    'UPDATE feed SET visible_from = min(coalesce(visible_from, :from), :from) WHERE number = :number',
  );
  const numbers = createFeedNumbers(db);
  const names = createFeedNames(db);
  /** The version of the names that `names` knows. */
  let version: number | undefined;

  /** Call this first in a transaction: another process may have changed rules and names. */
  function catchUp(): void {
    const current = rules.catchUp();
    if (current !== version) names.forget();
    version = current;
  }

  function withCustomFeeds(own: readonly NamedKey[]): Feeds {
    return { own, all: rules.withCustomFeeds(own) };
  }

  /** The feeds that hold a stored article. The custom feeds are not stored: they follow from its own feeds. */
  function feedsOf(article: number, at: Instant): Feeds {
    const place = selectPlace.get(article) as PlaceRow | undefined;
    if (place === undefined) return NO_FEEDS;
    return withCustomFeeds(namedFeeds.all({ feeds: place.feeds, at }) as unknown as NamedKey[]);
  }

  /** Adds an article to its feeds. If it was withdrawn after readers could see it, its tombstone is added instead. */
  function add(number: number, article: ArticleText, { own, all }: Feeds, at: Instant): void {
    if (!isInFeeds(article)) return;
    const { publishedAt, expiresAt = null, withdrawn } = article;
    const tie = tieBreaker(article.publicId);
    if (withdrawn === undefined) insertEntries.run(publishedAt, tie, number, expiresAt, numbers.json(all));
    else insertTombstones.run(withdrawn.at, number, numbers.json(all));
    const urlHash = withdrawn === undefined ? article.urlHash : null;
    insertPlace.run(number, publishedAt, tie, expiresAt, numbers.json(own), urlHash);
    if (publishedAt <= at) names.add(own);
    else
      names.addComing(
        number,
        publishedAt,
        own.map((feed) => ({ ...feed, number: numbers.of(feed) })),
      );
  }

  /** Removes an article and its tombstones from the feeds that hold it. */
  function remove(number: number, { all }: Feeds): void {
    const place = selectPlace.get(number) as PlaceRow | undefined;
    if (place === undefined) return;
    for (const feed of all) deleteEntry.run(numbers.of(feed), place.published, place.tie, number);
    deleteTombstones.run(number);
    deletePlace.run(number);
    names.removeComing(number);
  }

  /** Moves an unchanged article between feeds. Returns the feeds that changed. */
  function move(
    number: number,
    article: ArticleText,
    { from, to, at }: Record<'from' | 'to', Feeds> & { readonly at: Instant },
  ): FeedKey[] {
    const target = isInFeeds(article) ? to : NO_FEEDS;
    const changed = [...without(from.all, target.all), ...without(target.all, from.all)];
    if (changed.length > 0) {
      remove(number, from);
      add(number, article, target, at);
    }
    return changed.map(({ key }) => key);
  }

  /** The id of the first other article that has this article's address and is not withdrawn. */
  function sameAddress(number: number, { urlHash, withdrawn }: ArticleText): string | undefined {
    return withdrawn === undefined ? (otherByUrl.get(urlHash, number)?.id as string | undefined) : undefined;
  }

  /** Keeps feeds visible without articles, and named: a subscriber then finds the feed empty, not missing. */
  function keepVisible(feeds: readonly NamedKey[], from: Instant): void {
    for (const feed of feeds) keepVisibleFrom.run({ number: numbers.of(feed), from });
    names.add(feeds);
  }

  /** See `removeUnused` of the names. Every process learns of it. */
  function removeUnusedNames(at: Instant): FeedKey[] {
    const keys = names.removeUnused(at);
    if (keys.length > 0) rules.raiseNamesVersion();
    return keys;
  }

  return {
    catchUp,
    withCustomFeeds,
    feedsOf,
    add,
    remove,
    move,
    keepVisible,
    sameAddress,
    removeUnusedNames,
    /** Call this after a rollback. */
    forget(): void {
      numbers.forget();
      names.forget();
    },
  };
}

/** The feeds that are not among the others. */
export function without(feeds: readonly NamedKey[], others: readonly NamedKey[]): NamedKey[] {
  const keys = new Set(others.map(({ key }) => key));
  return feeds.filter(({ key }) => !keys.has(key));
}

/** An article that was withdrawn before readers could see it is in no feed. */
function isInFeeds(article: ArticleText): boolean {
  return article.withdrawn === undefined || wasVisible(article);
}

/** 48 bits of the public id's hash: every store sorts articles of one second in the same order. */
function tieBreaker(publicId: string): number {
  return Number(`0x${hash('sha256', publicId).slice(0, 12)}`);
}
