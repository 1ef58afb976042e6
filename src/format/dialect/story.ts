import type { Article } from '../../article/article.ts';
import type { Publication } from '../../config/publication.ts';
import type { Instant } from '../../lib/instant.ts';
import { escapeHtml } from '../../lib/text.ts';
import type { DialectItem, DialectOptions, TakenBackItem } from './dialect.ts';
import { titleOrNeutral } from './taken-back.ts';
import { endOf } from './validity.ts';

/** What the elements of an item are made of: a story that a partner has, or one that was withdrawn. */
export interface Story {
  readonly article: Article;
  readonly publisher: Publication;
  readonly title: string;
  readonly link: string;
  /** What the item says of the story, as plain text. */
  readonly summary: string;
  /** What the item has in the place of the body, as HTML. */
  readonly html: string;
  /** The HTML is the whole story, and not its summary or a mark of a withdrawal. */
  readonly isWhole: boolean;
  readonly publishedAt: Instant;
  /** The last change: a correction, or the withdrawal. First publication if there was none. */
  readonly updatedAt: Instant;
  /** When the story ends for the partner: by its `expiresAt`, by the end of its rights, or by a withdrawal. */
  readonly endsAt?: Instant;
}

/** What an item of a withdrawn story says in the place of its texts: these are not sent once more. */
const WITHDRAWN_TEXT = 'The publisher has withdrawn this story.';

/** A change without a date in the record counts as well: consumers skip an item whose date is not newer. */
export function storyOf(
  { article, content, updatedAt, changedAt = updatedAt }: DialectItem,
  { publisher }: DialectOptions,
): Story {
  const endsAt = endOf(article);
  return {
    article,
    publisher,
    title: article.title,
    link: article.url,
    summary: article.summary,
    html: content === 'full' ? article.html : paragraph(article.summary),
    isWhole: content === 'full',
    publishedAt: article.publishedAt,
    updatedAt: Math.max(updatedAt, changedAt),
    ...(endsAt !== undefined && { endsAt }),
  };
}

/**
 * The story of an item that tells of a withdrawal. Its last change is later than any before it, because consumers skip an item
 * whose date is not newer.
 */
export function takenBackStory({ article, at, changedAt = 0 }: TakenBackItem, { publisher }: DialectOptions): Story {
  const lastChange = Math.max(article.publishedAt, article.updatedAt ?? article.publishedAt, changedAt);
  return {
    article,
    publisher,
    title: titleOrNeutral(article),
    link: article.url || publisher.url,
    summary: WITHDRAWN_TEXT,
    html: paragraph(WITHDRAWN_TEXT),
    isWhole: false,
    publishedAt: article.publishedAt,
    updatedAt: Math.max(at, lastChange + SECOND),
    endsAt: at,
  };
}

/** Dates in documents have whole seconds. */
const SECOND = 1000;

function paragraph(text: string): string {
  return `<p>${escapeHtml(text)}</p>`;
}
