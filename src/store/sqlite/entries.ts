import { hash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { ArticleText } from '../../article/stored.ts';
import type { FeedKey, NamedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { createFeedNames, nameAt } from './feed-names.ts';
import type { FeedRow, FeedRows } from './feed-rows.ts';
import { wasVisible } from './identity-ledger.ts';
import { hashOf, type ListRow } from './list-parts.ts';
import type { FeedList, Lists } from './lists.ts';
import { createPlaces, type Member } from './places.ts';
import { createRightsEnds } from './rights-ends.ts';
import type { Rules } from './rules.ts';
import type { SyndicationRows } from './syndication-rows.ts';

/** The feeds that hold an article or its tombstone. */
export interface Feeds {
  /** The feeds that the article's own fields name. */
  readonly own: readonly NamedKey[];
  /** These, and the custom feeds whose rules select the article. */
  readonly all: readonly NamedKey[];
  /** These, and the custom feeds that may hold the article by an earlier rule. */
  readonly held: readonly NamedKey[];
}

export type Entries = ReturnType<typeof createEntries>;

const NO_FEEDS: Feeds = { own: [], all: [], held: [] };

/** The first other article with an address. */
export const SAME_URL = `
  SELECT id FROM article
  WHERE number = (SELECT article FROM place WHERE url_hash = ? AND article <> ? ORDER BY article LIMIT 1)`;

interface EntriesParts {
  readonly rules: Rules;
  readonly feedRows: FeedRows;
  readonly lists: Lists;
  readonly syndication: SyndicationRows;
}

/** The entries and tombstones of every feed. */
export function createEntries(db: DatabaseSync, { rules, feedRows, lists, syndication }: EntriesParts) {
  // OR FAIL: a statement that writes many rows could fail in the middle. Without it, SQLite keeps a copy of each page that
  // the statement changes. A failure rolls the transaction back in any case.
  const insertEntries = db.prepare(`
    INSERT OR FAIL INTO entry (feed, published, tie, article, expires, revision)
    SELECT value, ?, ?, ?, ?, ? FROM json_each(?)`);
  const insertTombstones = db.prepare(
    'INSERT OR FAIL INTO tombstone (at, article, revision, feed) SELECT ?, ?, ?, value FROM json_each(?)',
  );
  const deleteEntry = db.prepare(
    'DELETE FROM entry WHERE feed = ? AND published = ? AND tie = ? AND article = ? RETURNING revision, expires',
  );
  const deleteTombstones = db.prepare('DELETE FROM tombstone WHERE article = ? RETURNING feed, at, revision');
  const rights = createRightsEnds(db, feedRows);
  const places = createPlaces(db);
  const names = createFeedNames(db, { feedRows });

  function withCustomFeeds(own: readonly NamedKey[]): Feeds {
    const { selected, held } = rules.customFeeds(own);
    const withCustom = (keys: readonly FeedKey[]) =>
      keys.length === 0 ? own : [...own, ...keys.map((key) => ({ key, name: '' }))];
    const all = withCustom(selected);
    return { own, all, held: held === selected ? all : withCustom(held) };
  }

  /** The feeds that hold a stored article. The custom feeds are not stored: they follow from its own feeds. */
  function feedsOf(member: Member, at: Instant): Feeds {
    const place = places.find(member);
    if (place === undefined) return NO_FEEDS;
    const feeds = (JSON.parse(place.feeds) as number[]).map(feedRows.get);
    return withCustomFeeds(feeds.map((feed) => ({ key: feed.key, name: nameAt(lists, feed, at) })));
  }

  /** The keys of the same feeds. Their names, which other processes may change, do not matter. */
  function keysOf(member: Member): FeedKey[] {
    const place = places.find(member);
    if (place === undefined) return [];
    const own = (JSON.parse(place.feeds) as number[]).map((number) => ({ key: feedRows.get(number).key, name: '' }));
    return withCustomFeeds(own).all.map(({ key }) => key);
  }

  /** Adds an article to its feeds. If it was withdrawn after readers could see it, its tombstone is added instead. */
  function add(
    { number, revision }: Pick<Member, 'number' | 'revision'>,
    article: ArticleText,
    { own, all }: Omit<Feeds, 'held'>,
    at: Instant,
  ): void {
    if (!isInFeeds(article)) return;
    const { publishedAt, expiresAt = null, withdrawn, rightsEnd } = article;
    const tie = tieBreaker(article.publicId);
    const feeds = all.map(({ key }) => feedRows.of(key));
    if (withdrawn === undefined) {
      for (const feed of feeds) feedRows.willChange(feed);
      insertEntries.run(publishedAt, tie, number, expiresAt, revision, numbersOf(feeds));
      const member = [publishedAt, tie, number, revision, expiresAt] as const;
      addToLists(feeds, 'entries', member);
      if (expiresAt !== null) addToLists(feeds, 'expiries', [expiresAt, number]);
      if (rightsEnd !== undefined) for (const feed of feeds) rights.add(feed, rightsEnd, number, revision);
    } else {
      insertTombstones.run(withdrawn.at, number, revision, numbersOf(feeds));
      addToLists(feeds, 'tombstones', [withdrawn.at, number, revision]);
    }
    syndication.add(number, revision, article);
    const ownNumbers = numbersOf(feeds.slice(0, own.length)); // the article's own feeds come first
    const urlHash = withdrawn === undefined ? article.urlHash : null;
    const place = { article: number, published: publishedAt, tie, expires: expiresAt, feeds: ownNumbers, urlHash };
    places.insert(place, revision);
    for (let index = 0; index < own.length; index += 1) {
      const [feed, named] = [feeds[index], own[index]];
      if (feed === undefined || named === undefined) continue;
      if (publishedAt <= at) names.add(feed, named.name);
      else names.addComing(number, publishedAt, feed, named.name);
    }
  }

  function addToLists(feeds: readonly FeedRow[], list: FeedList, member: ListRow): void {
    const hash = hashOf(member);
    for (const feed of feeds) feedRows.add(feed, list, member, hash);
  }

  /** Removes an article and its tombstones from the feeds that hold it. */
  function remove(member: Member, { held }: Pick<Feeds, 'held'>): void {
    const { number } = member;
    const place = places.find(member);
    if (place === undefined) return;
    const { published, tie } = place;
    const { rightsEnd = null } = syndication.take(number, member.revision) ?? {};
    for (const { key } of held) {
      const feed = feedRows.of(key);
      feedRows.willChange(feed);
      const row = deleteEntry.get(feed.number, published, tie, number) as EntryRow | undefined;
      if (row === undefined) continue;
      feedRows.remove(feed, 'entries', [published, tie, number, row.revision, row.expires]);
      if (row.expires !== null) feedRows.remove(feed, 'expiries', [row.expires, number]);
      if (rightsEnd !== null) rights.remove(feed, rightsEnd, number);
    }
    for (const { feed, at, revision } of deleteTombstones.all(number))
      feedRows.remove(feedRows.get(Number(feed)), 'tombstones', [Number(at), number, Number(revision)]);
    places.remove(number);
    names.removeComing(number);
  }

  /**
   * Moves an unchanged article between feeds. Returns the feeds that changed.
   *
   * @param revision the revision that the article gets if it moves
   */
  function move(
    member: Member,
    article: ArticleText,
    { from, to, at, revision }: Record<'from' | 'to', Feeds> & { readonly at: Instant; readonly revision: number },
  ): FeedKey[] {
    const target = isInFeeds(article) ? to : NO_FEEDS;
    const changed = [...without(from.all, target.all), ...without(target.all, from.all)];
    if (changed.length > 0) {
      remove(member, from);
      add({ number: member.number, revision }, article, target, at);
    }
    return changed.map(({ key }) => key);
  }

  /** Keeps feeds visible without articles, and named: a subscriber then finds the feed empty, not missing. */
  function keepVisible(feeds: readonly NamedKey[], from: Instant): void {
    for (const { key, name } of feeds) {
      const feed = feedRows.touch(feedRows.of(key));
      feed.visibleFrom = Math.min(feed.visibleFrom ?? from, from);
      names.add(feed, name);
    }
  }

  return {
    /** Call this first in a transaction: another process may have changed rules. */
    catchUp: rules.catchUp,
    withCustomFeeds,
    feedsOf,
    keysOf,
    add,
    remove,
    move,
    keepVisible,
    sameAddress: createSameAddress(db),
    /** See `removeUnused` of the names. */
    removeUnusedNames: names.removeUnused,
  };
}

/** Finds the id of the first other article that has an article's address and is not withdrawn. */
function createSameAddress(db: DatabaseSync): (number: number, article: ArticleText) => string | undefined {
  const otherByUrl = db.prepare(SAME_URL);
  return (number, { urlHash, withdrawn }) =>
    withdrawn === undefined ? (otherByUrl.get(urlHash, number)?.id as string | undefined) : undefined;
}

/** What a removed entry says of itself. */
interface EntryRow {
  readonly revision: number;
  readonly expires: number | null;
}

function numbersOf(feeds: readonly FeedRow[]): string {
  return `[${feeds.map(({ number }) => number).join()}]`;
}

/** The feeds that are not among the others. */
export function without(feeds: readonly NamedKey[], others: readonly NamedKey[]): NamedKey[] {
  const keys = new Set(others.map(({ key }) => key));
  return feeds.filter(({ key }) => !keys.has(key));
}

/** An article that was withdrawn before readers could see it is in no feed. */
export function isInFeeds(article: Pick<ArticleText, 'withdrawn' | 'publishedAt'>): boolean {
  return article.withdrawn === undefined || wasVisible(article);
}

/** 48 bits of the public id's hash: every store sorts articles of one second in the same order. */
export function tieBreaker(publicId: string): number {
  return Number(`0x${hash('sha256', publicId).slice(0, 12)}`);
}
