import type { Article } from '../../article/article.ts';
import type { FeedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import type { AuditedChange, Outcome } from '../store.ts';
import type { ArticleRows } from './article-rows.ts';
import type { AuditTexts } from './audit-texts.ts';
import type { Entries } from './entries.ts';
import type { FormerRows, LeftFeed } from './former-rows.ts';
import type { MediaUses } from './media-uses.ts';
import type { Sources } from './sources.ts';

/** The transaction in which changes are applied. */
export interface Transaction {
  /** When it began. */
  readonly at: Instant;
  /** The last revision that was given to a change. */
  revision: number;
}

/** The tables that a change to an article writes. */
export interface ChangeParts {
  readonly rows: ArticleRows;
  readonly entries: Entries;
  readonly sources: Sources;
  readonly auditTexts: AuditTexts;
  readonly mediaUses: MediaUses;
  readonly formerRows: FormerRows;
}

/** A change that was made, for the audit. */
export interface Audited {
  readonly what: AuditedChange;
  /** The article's number. */
  readonly number: number;
  /** The article after the change. */
  readonly article: Pick<Article, 'publishedAt' | 'expiresAt' | 'withdrawn'>;
}

/** Feeds in which readers can see an article, as it was before a change or as it is now, from a moment on. */
export interface Seen {
  readonly keys: readonly FeedKey[];
  readonly seenFrom: Instant;
}

/** An outcome, with what only the store needs. */
export interface Applied extends Outcome {
  /** The moment from which readers can see the article as it was before the change or as it is now. */
  readonly seenFrom?: Instant;
  /** The touched feeds by the moment from which readers can see the article there. By default, `seenFrom` goes for all. */
  readonly seen?: readonly Seen[];
  /** Feeds that lost their names: readers see that at once, even if the article was under embargo. */
  readonly renamed?: readonly FeedKey[];
  /** Feeds that the article is a former member of, and not touched: their documents for partners may change. */
  readonly former?: readonly LeftFeed[];
  /** Present where the article has changed. */
  readonly audited?: Audited;
}
