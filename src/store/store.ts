import type { Article } from '../article/article.ts';
import type { ArticleText } from '../article/stored.ts';
import type { Problem } from '../errors.ts';
import type { FeedKey, FeedRule, NamedKey, Selection } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import type { JsonText } from '../lib/json.ts';

/** What a store is asked to do to one article. */
export type Change = Put | Withdraw;

export interface Put {
  readonly kind: 'put';
  readonly article: ArticleText;
  /** The public id was made here, not told by the record: one that the article has already holds. */
  readonly madePublicId?: boolean;
  /** The publication has changed, not the article: a feed it leaves is as if it had never been in it. */
  readonly byNewPublication?: boolean;
  /**
   * Leaves an article alone that was taken back and is the same otherwise: to bring it again is not to publish it. So is
   * one whose file is known still, whether or not this is said.
   */
  readonly leaveWithdrawn?: boolean;
  /** What was handed over, before it was parsed, as JSON. */
  readonly record: JsonText;
  /**
   * Every feed the article is in by itself, whether or not it is visible yet. The operator's are not among them: the
   * store knows their rules.
   */
  readonly feeds: readonly NamedKey[];
  /**
   * When feeds changed because of this, besides the moments its own dates name. Counts as long as the store has no
   * readers; from then on, and where it is left out, they change when this is kept.
   */
  readonly changedAt?: Instant;
  readonly condition?: Condition;
  /** The file that holds the article, kept with it whether or not it has changed. What the file held before has none now. */
  readonly source?: Omit<SourceFile, 'id'>;
}

/** Takes an article back. Taking back what is not there, or is taken back already, changes nothing. */
export interface Withdraw {
  readonly kind: 'withdraw';
  readonly id: string;
  readonly reason?: string;
  readonly condition?: Condition;
  /** No file holds the article any more: the one that did is forgotten, even where nothing else changes. */
  readonly forgetSource?: boolean;
}

/** What must be true of the article for the change to be made: that there is none, or one at one of these revisions. */
export type Condition = 'absent' | 'present' | { readonly revisions: readonly number[] };

export interface Outcome {
  readonly id: string;
  readonly result: 'created' | 'updated' | 'unchanged' | 'withdrawn' | 'absent' | 'condition-failed' | 'refused';
  /** The article's revision after the change; 0 where there is no such article. */
  readonly revision: number;
  /** The feeds that held the article before or hold it now; empty where nothing changed. */
  readonly touched: readonly FeedKey[];
  /** Why the identity ledger refuses it. */
  readonly problem?: Problem;
}

/** A feed of the operator's, to be filled by its rule; without one it is to be forgotten. */
export interface FeedToBackfill extends Pick<FeedRule, 'id'> {
  readonly select?: Selection;
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

export interface StoredRecord extends StoredArticle {
  readonly record: unknown;
}

/** What remains of an article that was taken back after it had been visible. */
export interface Tombstone {
  readonly publicId: string;
  readonly at: Instant;
  readonly reason?: string;
}

/** What a feed holds at a moment. */
export interface FeedSnapshot {
  /** The newsroom's word for it; empty for `latest` and for the operator's feeds. */
  readonly name: string;
  /** Newest first. */
  readonly entries: readonly EntryRef[];
  /** Withdrawals that are still told of, newest first. */
  readonly tombstones: readonly Tombstone[];
  /**
   * When an article was last put in, changed or taken out, or a tombstone's time was over. Within the second of an
   * earlier change it is the beginning of the next: readers may know that second from the feed as it was before.
   */
  readonly changedAt: Instant;
  /** When an article last left by withdrawal or expiry. */
  readonly removedAt?: Instant;
  /** The next moment at which time alone changes the entries or the tombstones. */
  readonly nextChangeAt?: Instant;
}

export interface SnapshotOptions {
  /** Entries at most. */
  readonly limit: number;
  /** Milliseconds for which a withdrawal is told of. */
  readonly tombstonesFor: number;
}

/** What never changes of an article once it was visible. */
export interface Identity {
  readonly publicId: string;
  readonly publishedAt: Instant;
}

/** What a list tells of an article: not its body, which can be large. */
export interface ListedRecord extends Pick<StoredRecord, 'revision' | 'record'> {
  readonly article: Pick<Article, 'id' | 'publicId' | 'publishedAt' | 'expiresAt' | 'withdrawn'>;
}

export interface Listed {
  readonly articles: readonly ListedRecord[];
  /** The revision to go on after; undefined where nothing more can follow. */
  readonly next?: number;
}

export interface ListOptions {
  /** Only articles changed after this revision. */
  readonly after: number;
  readonly limit: number;
  /** Only articles that belong to this feed. */
  readonly feed?: FeedKey;
  readonly status?: Status;
  /** The moment that decides the status. */
  readonly at: Instant;
}

export const STATUSES = ['visible', 'embargoed', 'expired', 'withdrawn'] as const;
export type Status = (typeof STATUSES)[number];

/** A file as it was when its article was last kept. An article has one at most, and so has a file. */
export interface SourceFile {
  readonly id: string;
  /** Empty where the file holds another article by now. This one is still to be withdrawn. */
  readonly path: string;
  /** What tells whether the file, or one it shows, is another now. */
  readonly signature: string;
  /** Files of the media folder that it shows. */
  readonly media: readonly string[];
}

/** An API key as it is kept: never the key itself. */
export interface StoredKey {
  readonly id: string;
  readonly name: string;
  readonly scope: Scope;
  /** SHA-256 of the secret part. */
  readonly hash: Uint8Array;
  readonly createdAt: Instant;
  readonly revokedAt?: Instant;
}

export const SCOPES = ['read', 'write'] as const;
export type Scope = (typeof SCOPES)[number];

/**
 * Where articles are kept. Asynchronous, because other stores are on other machines; a promise that is fulfilled means
 * that the change is on disk. Every method may reject with `insufficient_storage` (no room) or `store_unavailable`. What
 * changes something is given the clock, not the time: a change may have to wait until others are done.
 */
export interface Store {
  /**
   * Begins to fill feeds of the operator's with the articles that their rules select, and to empty those without a rule.
   * Does as many of them as one transaction should bear, from the first on and at least one, and returns how many. What
   * comes into a feed or leaves it changes the feed at that moment; the articles stay at their revisions.
   */
  backfillFeeds(feeds: readonly FeedToBackfill[], now: () => Instant): Promise<number>;
  /** The operator's feeds, and the rules by which articles are in them, whoever puts them. */
  rules(): Promise<readonly FeedRule[]>;
  /**
   * Applies all changes in one transaction or, where it rejects, none. Each changed article gets the next revision.
   * A change whose condition fails, or that would alter the identity of an article that was visible by then, is left
   * out, its file too, and its outcome says so.
   */
  apply(changes: readonly Change[], now: () => Instant): Promise<readonly Outcome[]>;
  /** Tells what `apply` would do, and does nothing. */
  rehearse(changes: readonly Change[], now: () => Instant): Promise<readonly Outcome[]>;
  /** Makes every feed one that changed, without a change to an article. */
  touchAllFeeds(now: () => Instant): Promise<void>;
  /** To be called before anybody is answered from the store: from then on its feeds change when they change. */
  markServed(): Promise<void>;
  /** The feed's newest visible articles at that moment; undefined where no such feed was ever visible. */
  snapshot(key: FeedKey, at: Instant, options: SnapshotOptions): Promise<FeedSnapshot | undefined>;
  /** The articles with these numbers, in the same order; those that are gone are left out. */
  articles(numbers: readonly number[]): Promise<readonly StoredArticle[]>;
  /** Every feed with an article that was visible by that moment, `latest`, and the operator's. */
  feeds(at: Instant): Promise<readonly NamedKey[]>;
  /** The revision of the last change. */
  lastRevision(): Promise<number>;
  /**
   * Whether another process may have changed something since `takeExternallyChangedFeeds` was asked last. Answers at once, and may
   * answer as before until the event loop hears of more requests.
   */
  mayHaveExternalChanges(): boolean;
  /**
   * The feeds that other processes changed since this was asked last. Of those that this process changed none, unless
   * somebody else changed something in between.
   */
  takeExternallyChangedFeeds(): Promise<readonly FeedKey[]>;

  find(id: string): Promise<StoredRecord | undefined>;
  /** The identities of those articles that are there. */
  identities(ids: readonly string[]): Promise<ReadonlyMap<string, Identity>>;
  /** Articles in the order of their last change; fewer than the limit where their records are large. */
  list(options: ListOptions): Promise<Listed>;
  /**
   * Articles in the order in which they first came, after that number; fewer than the limit where they are large, and
   * none only where there are no more.
   */
  page(after: number, limit: number): Promise<readonly StoredRecord[]>;
  /** How many articles a feed shows before this one at that moment, counted up to a limit. */
  newerThan(key: FeedKey, number: number, at: Instant, limit: number): Promise<number>;
  /** The feeds an article belongs to. */
  memberships(number: number): Promise<readonly FeedKey[]>;
  count(): Promise<number>;

  /** The file of every article that came from one. */
  sources(): Promise<readonly SourceFile[]>;
  /** A value the service remembers between starts. */
  setting(name: string): Promise<string | undefined>;
  saveSetting(name: string, value: string): Promise<void>;

  createKey(key: StoredKey): Promise<void>;
  key(id: string): Promise<StoredKey | undefined>;
  keys(): Promise<readonly StoredKey[]>;
  /** Whether there was such a key that was not revoked before. */
  revokeKey(id: string, at: Instant): Promise<boolean>;

  close(): Promise<void>;
}
