import type { Instant } from '../../lib/instant.ts';
import type { Outcome } from '../store.ts';
import type { ArticleRows } from './article-rows.ts';
import type { Entries } from './entries.ts';
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
  readonly mediaUses: MediaUses;
}

/** An outcome, and the moment from which readers can see the article as it was before the change or as it is now. */
export type Applied = Outcome & { readonly seenFrom?: Instant };
