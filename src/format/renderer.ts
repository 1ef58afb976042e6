import type { Article } from '../article/article.ts';
import type { Publication } from '../config/publication.ts';
import type { Content, Feed } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import type { Tombstone } from '../store/store.ts';

/** What besides the article an entry depends on: entries are shared by all feeds that agree on it. */
export interface EntryOptions {
  readonly content: Content;
  /** The feed's own language; RSS says an item's only where it differs. */
  readonly feedLanguage: string;
  /** The service's public address, ending in a slash. */
  readonly feedsUrl: string;
}

/** What a document says before its entries. Nothing in it comes from a clock. */
export interface Head {
  readonly feed: Feed;
  readonly publication: Publication;
  /** The last time an article in the feed was published, corrected or taken away. */
  readonly updatedAt: Instant;
  /** First publication of the newest entry; absent in a feed without entries. */
  readonly publishedAt?: Instant;
}

/** A format as pure functions: a document is head, entries parted by the separator, tail. */
export interface Renderer {
  readonly entry: (article: Article, options: EntryOptions) => string;
  /**
   * The same of several, for less than each alone.
   *
   * @throws where one of them cannot be rendered, or not together with the others
   */
  readonly entries: (articles: readonly Article[], options: EntryOptions) => string[];
  readonly head: (head: Head) => string;
  readonly separator: string;
  /** What follows the entries, with the withdrawals that the format can tell of. */
  readonly tail: (tombstones: readonly Tombstone[]) => string;
}
