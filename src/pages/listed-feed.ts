import type { FeedKey } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';

/** The headline of a story. */
export interface Headline {
  readonly title: string;
  readonly url: string;
  readonly language: string;
  readonly publishedAt: Instant;
}

/** A feed that a page only names. */
export interface NamedFeed {
  readonly key: FeedKey;
  /** Its name in the list of its kind. */
  readonly title: string;
  /** The language of the name, where that is known. */
  readonly language?: string;
}

/** A feed in a list, with what readers see in it. */
export interface ListedFeed extends NamedFeed {
  /** What the operator says of it. */
  readonly description?: string;
  readonly articles: number;
  readonly perDay: readonly number[];
  readonly newest?: Headline;
}

/** Stories on the page of a feed. */
export const STORIES = 20;
/** Characters of a search. The names of feeds are as long. */
export const LONGEST_SEARCH = 200;
