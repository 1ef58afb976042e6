import type { Instant } from '../lib/instant.ts';

/** An article in a feed, without its text. */
export interface EntryRef {
  /** The store's own number of the article; never reused. */
  readonly number: number;
  readonly revision: number;
  readonly publishedAt: Instant;
  /** The last correction, else first publication. */
  readonly updatedAt: Instant;
}
