import type { Instant } from '../lib/instant.ts';
import type { JsonText } from '../lib/json.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type { Article } from './article.ts';

/** The article as one that is taken back, in the form `parseArticle` gives: equal articles are equal to the letter. */
export function withdrawnArticle(
  article: Article,
  withdrawal: { readonly at: Instant; readonly reason?: string },
): Article {
  const { withdrawn: _, image, media, source, copyright, license, translations, ...rest } = article;
  return omitUndefined({ ...rest, withdrawn: withdrawal, image, media, source, copyright, license, translations });
}

/** An article as a store keeps it: its JSON, and what of it decides where it stands. */
export interface ArticleText
  extends Pick<Article, 'id' | 'publicId' | 'publishedAt' | 'updatedAt' | 'expiresAt' | 'withdrawn'> {
  readonly text: JsonText;
}

/** The article ready to be kept. */
export function articleText(article: Article): ArticleText {
  const { id, publicId, publishedAt, updatedAt, expiresAt, withdrawn } = article;
  return omitUndefined({ id, publicId, publishedAt, updatedAt, expiresAt, withdrawn, text: JSON.stringify(article) });
}
