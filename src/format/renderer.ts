import type { Article, Author } from '../article/article.ts';
import type { Publication } from '../config/publication.ts';
import type { Content, Feed } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import type { Tombstone } from '../store/store.ts';

/** All that an entry depends on besides its article. Feeds with equal options share entries. */
export interface EntryOptions {
  readonly content: Content;
  /** The feed's language: an RSS item states only a different one. */
  readonly feedLanguage: string;
  /** The service's public address, ending in a slash. */
  readonly feedsUrl: string;
  /** The publication: the author of every article without authors, and its terms. */
  readonly publisher: Pick<Publication, 'title' | 'url' | 'feedsUrl' | 'terms'>;
}

/** The values that a document's head depends on. None comes from a clock. */
export interface Head {
  readonly feed: Feed;
  readonly publication: Publication;
  /** When an article in the feed was last published, corrected or removed; 0 if never. */
  readonly updatedAt: Instant;
  /** First publication of the newest entry. Missing if the feed has no entries. */
  readonly publishedAt?: Instant;
  /** The withdrawals, for formats that can express them. */
  readonly tombstones: readonly Tombstone[];
  /** Missing where the history of the feed is not divided into pages yet. */
  readonly history?: History;
  /** What the document of a partner has in place of the feed's own. */
  readonly partner?: PartnerHead;
}

export interface PartnerHead {
  /** The address of the document, without a key. */
  readonly self: string;
  /** The permanent id of the feed. */
  readonly id: string;
  /** The terms of the contract, an address or a sentence. They stand in the place of the publication's own. */
  readonly terms?: string;
}

/** The place of a document in the history of its feed (RFC 5005). Pages of the archive have numbers. */
export interface History {
  /** The page that this document is. Missing for the current document. */
  readonly page?: number;
  readonly older?: number;
  readonly newer?: number;
  /** The document has all entries of the feed. */
  readonly isComplete?: boolean;
}

/** The authors of an entry: the publication if the article names none. */
export function authorsOf({ authors }: Article, { publisher }: EntryOptions): readonly EntryAuthor[] {
  return authors.length > 0 ? authors : [{ name: publisher.title, url: publisher.url }];
}

type EntryAuthor = Omit<Author, 'slug'>;

/** A format as pure functions. A document is the head, the entries with separators between them, and the tail. */
export interface Renderer {
  /** @throws Error if the article cannot be rendered */
  readonly entry: (article: Article, options: EntryOptions) => string;
  /**
   * The entry of each article, in less time than one by one.
   *
   * @throws Error if an article cannot be rendered, or not together with the others
   */
  readonly entries: (articles: readonly Article[], options: EntryOptions) => string[];
  /** @throws Error if the head would not be well-formed */
  readonly head: (head: Head) => string;
  readonly separator: string;
  readonly tail: string;
}
