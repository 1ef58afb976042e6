import type { Adjustment } from '../../article/adjustments.ts';
import type { Article } from '../../article/article.ts';
import type { FeedKey, Format } from '../../feed/feeds.ts';
import type { Status } from '../../store/store.ts';

/** An article that the service publishes, or would publish at its next start. */
export interface CheckedArticle {
  readonly article: Article;
  /** The record that it was made from. */
  readonly record: unknown;
  readonly status: Status;
  /** Its file below the data folder; missing for an article that came another way. */
  readonly file?: string;
  /** What the parser changed. */
  readonly adjustments: readonly Adjustment[];
  /** By this number, `load` of the survey finds it again. */
  readonly ref: number;
}

/** What is read in a rendered document. */
export interface CheckedDocument {
  readonly feed: FeedKey;
  readonly format: Format;
  readonly bytes: number;
  /** The address that the document gives as its own. */
  readonly self: string | undefined;
  /** The address at which the service has the document, below its own address. */
  readonly path: string;
}
