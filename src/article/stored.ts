import type { Instant } from '../lib/instant.ts';
import type { JsonText } from '../lib/json.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type { Article } from './article.ts';
import { mediaNamesIn } from './media-names.ts';

/** The withdrawn article, in the property order of `parseArticle`: equal articles have equal JSON. */
export function withdrawnArticle(
  article: Article,
  withdrawal: { readonly at: Instant; readonly reason?: string },
): Article {
  const { withdrawn: _, image, media, source, copyright, license, translations, ...rest } = article;
  return omitUndefined({ ...rest, withdrawn: withdrawal, image, media, source, copyright, license, translations });
}

/** An article in the form that a store keeps: its JSON, and the properties that decide in which feeds it is, and where. */
export interface ArticleText
  extends Pick<Article, 'id' | 'publicId' | 'publishedAt' | 'updatedAt' | 'expiresAt' | 'withdrawn'> {
  readonly text: JsonText;
  /** The files below `media/` that the article names; missing where it names none. */
  readonly media?: readonly string[];
}

/** Serializes an article for a store. */
export function articleText(article: Article): ArticleText {
  const { id, publicId, publishedAt, updatedAt, expiresAt, withdrawn } = article;
  const text = JSON.stringify(article);
  const names = mediaNamesIn(text);
  const media = names.length === 0 ? undefined : names;
  return omitUndefined({ id, publicId, publishedAt, updatedAt, expiresAt, withdrawn, text, media });
}
