import { hash } from 'node:crypto';
import type { ArticleText } from '../../article/stored.ts';
import type { FeedKey, NamedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import type { Rules } from './rules.ts';
import type { Statements } from './statements.ts';

/** The feeds that hold an article or its tombstone. */
export interface Feeds {
  /** Those it is in by itself. */
  readonly own: readonly NamedKey[];
  /** These, and those of the operator's whose rules take it. */
  readonly all: readonly NamedKey[];
}

interface Place {
  readonly published: number;
  readonly tie: number;
  readonly feeds: string;
}

export type Entries = ReturnType<typeof createEntries>;

const NO_FEEDS: Feeds = { own: [], all: [] };

/** Puts articles into feeds, and takes them out. */
export function createEntries(sql: Statements, rules: Rules) {
  /** Numbers of feeds by key and name. They never change, once the transaction that gave them is committed. */
  const feedNumbers = new Map<FeedKey, Map<string, number>>();

  /** The feeds of an article that is in these by itself. */
  function feedsBy(own: readonly NamedKey[]): Feeds {
    return { own, all: rules.withOperators(own) };
  }

  /** The feeds that hold a stored article. Which of the operator's do follows from the others, and is not remembered. */
  function feedsOf(number: number): Feeds {
    const place = placeOf(number);
    return place === undefined ? NO_FEEDS : feedsBy(sql.namedFeeds.all(place.feeds) as unknown as NamedKey[]);
  }

  /** Puts an article into its feeds, or its tombstone where it was visible before it was taken back. */
  function place(number: number, article: ArticleText, { own, all }: Feeds): void {
    if (!isInFeeds(article)) return;
    const { publishedAt, expiresAt = null, withdrawn } = article;
    const tie = tieOf(article.publicId);
    if (withdrawn === undefined) sql.insertEntries.run(publishedAt, tie, number, expiresAt, numbersOf(all));
    else sql.insertTombstones.run(withdrawn.at, number, numbersOf(all));
    sql.insertPlace.run(number, publishedAt, tie, expiresAt, numbersOf(own));
  }

  /** Takes an article and its tombstones out of the feeds that hold it. */
  function takeOut(number: number, { all }: Feeds): void {
    const place = placeOf(number);
    if (place === undefined) return;
    for (const feed of all) sql.deleteEntry.run(feedNumber(feed), place.published, place.tie, number);
    sql.deleteTombstones.run(number);
    sql.deletePlace.run(number);
  }

  /** Takes an article that is as it was out of feeds and puts it into others. Returns those that changed. */
  function move(
    number: number,
    article: ArticleText,
    { from, to }: { readonly from: Feeds; readonly to: Feeds },
  ): FeedKey[] {
    const holding = isInFeeds(article) ? to : NO_FEEDS;
    const changed = [...without(from.all, holding.all), ...without(holding.all, from.all)];
    if (changed.length > 0) {
      takeOut(number, from);
      place(number, article, holding);
    }
    return changed.map(({ key }) => key);
  }

  /** Who subscribed to a feed for its only article finds it empty when the article leaves, not missing. */
  function keepVisible(feeds: readonly NamedKey[], from: Instant): void {
    for (const feed of feeds) sql.keepVisible.run({ number: feedNumber(feed), from });
  }

  function placeOf(number: number): Place | undefined {
    return sql.place.get(number) as Place | undefined;
  }

  /** As JSON. */
  function numbersOf(feeds: readonly NamedKey[]): string {
    return `[${feeds.map(feedNumber).join()}]`;
  }

  function feedNumber({ key, name }: NamedKey): number {
    const numbers = feedNumbers.get(key) ?? new Map<string, number>();
    const known = numbers.get(name);
    if (known !== undefined) return known;
    const { number } = sql.feedNumber.get(key, name) as { number: number };
    feedNumbers.set(key, numbers.set(name, number));
    return number;
  }

  /** To be called where a transaction is rolled back: the numbers it gave to feeds are given anew. */
  function forgetNumbers(): void {
    feedNumbers.clear();
  }

  return { feedsBy, feedsOf, place, takeOut, move, keepVisible, forgetNumbers };
}

/** Those of the feeds that are not among others. */
export function without(feeds: readonly NamedKey[], others: readonly NamedKey[]): NamedKey[] {
  const keys = new Set(others.map(({ key }) => key));
  return feeds.filter(({ key }) => !keys.has(key));
}

/** Whether readers may have seen an article before it was taken back. */
export function wasVisible({ withdrawn, publishedAt }: ArticleText): boolean {
  return withdrawn !== undefined && publishedAt <= withdrawn.at;
}

/** Taken back before anybody saw it, an article is in no feed at all. */
function isInFeeds(article: ArticleText): boolean {
  return article.withdrawn === undefined || wasVisible(article);
}

/** 48 bits of the public id: an order among articles of one second that is the same in every store. */
function tieOf(publicId: string): number {
  return Number(`0x${hash('sha256', publicId).slice(0, 12)}`);
}
