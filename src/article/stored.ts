import type { Instant } from '../lib/instant.ts';
import type { JsonText } from '../lib/json.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type { Article } from './article.ts';

/** The withdrawn article, in the property order of `parseArticle`: equal articles have equal JSON. */
export function withdrawnArticle(
  article: Article,
  withdrawal: { readonly at: Instant; readonly reason?: string },
): Article {
  const { withdrawn: _, image, media, source, copyright, license, translations, ...rest } = article;
  return omitUndefined({ ...rest, withdrawn: withdrawal, image, media, source, copyright, license, translations });
}

/** What stays of an article that is erased. */
export interface Remains extends Pick<Article, 'id' | 'publicId' | 'publishedAt'> {
  readonly withdrawn: { readonly at: Instant };
}

/** An erased article, without a text. */
export function erasedArticle({ id, publicId, publishedAt, withdrawn }: Remains): Article {
  return {
    id,
    publicId,
    url: '',
    title: '',
    summary: '',
    html: '',
    language: '',
    direction: 'ltr',
    authors: [],
    sections: [],
    tags: [],
    publishedAt,
    withdrawn,
    media: [],
    translations: [],
  };
}

/** An article in the form that a store keeps: its JSON, and the properties that decide in which feeds it is, and where. */
export interface ArticleText
  extends Pick<Article, 'id' | 'publicId' | 'publishedAt' | 'updatedAt' | 'expiresAt' | 'withdrawn'> {
  readonly text: JsonText;
}

/** Serializes an article for a store. */
export function articleText(article: Article): ArticleText {
  const { id, publicId, publishedAt, updatedAt, expiresAt, withdrawn } = article;
  return omitUndefined({ id, publicId, publishedAt, updatedAt, expiresAt, withdrawn, text: JSON.stringify(article) });
}
