import type { Article } from './article.ts';
import type { FeedKey, NamedKey } from './feeds.ts';
import type { Instant } from './instant.ts';

/** What a store is asked to do to one article. */
export type Change = Put | Withdraw;

export interface Put {
  readonly kind: 'put';
  readonly article: Article;
  /** What was handed over, before it was parsed. */
  readonly record: unknown;
  /** Every feed the article belongs to, whether or not it is visible yet. */
  readonly feeds: readonly NamedKey[];
  /** When feeds changed because of this, besides the moments its own dates name. */
  readonly changedAt: Instant;
}

/** Takes an article back. Taking back what is not there, or is taken back already, changes nothing. */
export interface Withdraw {
  readonly kind: 'withdraw';
  readonly id: string;
  readonly reason?: string;
  readonly changedAt: Instant;
}

export interface Outcome {
  readonly id: string;
  readonly result: 'created' | 'updated' | 'unchanged' | 'withdrawn' | 'absent';
  /** The article's revision after the change; 0 where there is no such article. */
  readonly revision: number;
  /** The feeds that held the article before or hold it now; empty where nothing changed. */
  readonly touched: readonly FeedKey[];
}

/** An article's place in a feed. */
export interface EntryRef {
  /** The store's own number of the article; never reused. */
  readonly number: number;
  readonly revision: number;
  readonly publishedAt: Instant;
  /** The last correction, else first publication. */
  readonly updatedAt: Instant;
}

export interface StoredArticle {
  readonly number: number;
  readonly revision: number;
  readonly article: Article;
}

/** What a feed holds at a moment. */
export interface FeedSnapshot {
  /** The newsroom's word for it; empty for `latest` and for the operator's feeds. */
  readonly name: string;
  /** Newest first. */
  readonly entries: readonly EntryRef[];
  /** When an article was last put in, changed or taken out, as the store saw it. */
  readonly changedAt: Instant;
  /** When an article last left by withdrawal or expiry. */
  readonly removedAt?: Instant;
  /** The next moment at which time alone changes the entries. */
  readonly nextChangeAt?: Instant;
}

/**
 * Where articles are kept. Asynchronous, because other stores are on other machines; a promise that is fulfilled means
 * that the change is kept.
 */
export interface Store {
  /** Makes the feeds known that exist without an article. */
  declareFeeds(keys: readonly FeedKey[]): Promise<void>;
  /** Applies all changes or, where it rejects, none. Each changed article gets the next revision. */
  apply(changes: readonly Change[]): Promise<readonly Outcome[]>;
  /** The feed's newest visible articles at that moment; undefined where no such feed was ever visible. */
  snapshot(key: FeedKey, at: Instant, limit: number): Promise<FeedSnapshot | undefined>;
  /** The articles with these numbers, in the same order; those that are gone are left out. */
  articles(numbers: readonly number[]): Promise<readonly StoredArticle[]>;
  /** Every feed with an article that was visible by that moment, and the declared ones. */
  feeds(at: Instant): Promise<readonly NamedKey[]>;
  close(): Promise<void>;
}
