import { hash } from 'node:crypto';
import type { ArticleText } from '../article.ts';
import type { FeedKey, NamedKey } from '../feeds.ts';
import type { Instant } from '../instant.ts';
import type { Statements } from './statements.ts';

export interface NumberedKey extends NamedKey {
  readonly number: number;
}

export type Entries = ReturnType<typeof createEntries>;

/** Puts articles into feeds, and takes them out. */
export function createEntries(sql: Statements) {
  /** Numbers of feeds by key and name. They never change, once the transaction that gave them is committed. */
  const feedNumbers = new Map<FeedKey, Map<string, number>>();

  /** The feeds that hold an article or its tombstone. */
  function feedsOf(number: number): NumberedKey[] {
    return sql.feedsOfArticle.all({ number }) as unknown as NumberedKey[];
  }

  /** Puts an article into its feeds, or its tombstone where it was visible before it was taken back. */
  function place(number: number, article: ArticleText, feeds: readonly NamedKey[]): void {
    const tie = tieOf(article.publicId);
    for (const feed of feeds) {
      if (article.withdrawn === undefined) {
        sql.insertEntry.run(feedNumber(feed), article.publishedAt, tie, number, article.expiresAt ?? null);
      } else if (wasVisible(article)) {
        sql.insertTombstone.run(feedNumber(feed), article.withdrawn.at, number);
      }
    }
  }

  /** Takes an article and its tombstones out of every feed. */
  function takeOut(number: number): void {
    sql.deleteEntries.run(number);
    sql.deleteTombstones.run(number);
  }

  /** Takes an article that is as it was out of feeds and puts it into others. Returns those that changed. */
  function move(
    number: number,
    article: ArticleText,
    { from, to }: { readonly from: readonly NumberedKey[]; readonly to: readonly NamedKey[] },
  ): FeedKey[] {
    const left = without(from, to);
    const entered = without(to, from);
    for (const feed of left) {
      sql.deleteEntry.run(feed.number, article.publishedAt, tieOf(article.publicId), number);
      sql.deleteTombstone.run(feed.number, number);
    }
    place(number, article, entered);
    return [...left, ...entered].map(({ key }) => key);
  }

  /** Who subscribed to a feed for its only article finds it empty when the article leaves, not missing. */
  function keepVisible(feeds: readonly NumberedKey[], from: Instant): void {
    for (const { number } of feeds) sql.keepVisible.run({ number, from });
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

  return { feedsOf, place, takeOut, move, keepVisible, forgetNumbers };
}

/** Those of the feeds that are not among others. */
export function without<Key extends NamedKey>(feeds: readonly Key[], others: readonly NamedKey[]): Key[] {
  const keys = new Set(others.map(({ key }) => key));
  return feeds.filter(({ key }) => !keys.has(key));
}

/** Whether readers may have seen an article before it was taken back. */
export function wasVisible({ withdrawn, publishedAt }: ArticleText): boolean {
  return withdrawn !== undefined && publishedAt <= withdrawn.at;
}

/** Taken back before anybody saw it, an article is in no feed at all. */
export function isInFeeds(article: ArticleText): boolean {
  return article.withdrawn === undefined || wasVisible(article);
}

/** 48 bits of the public id: an order among articles of one second that is the same in every store. */
function tieOf(publicId: string): number {
  return hash('sha256', publicId, 'buffer').readUIntBE(0, 6);
}
