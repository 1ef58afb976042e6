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
  const { withdrawn: _, image, media, source, copyright, license, translations, ...others } = article;
  const { urgency, correction, rights, ...rest } = others;
  const last = { image, media, source, copyright, license, translations, urgency, correction, rights };
  return omitUndefined({ ...rest, withdrawn: withdrawal, ...last });
}

/** What stays of an article that is erased. */
export interface Remains extends Pick<Article, 'id' | 'publicId' | 'publishedAt' | 'urgency'> {
  readonly withdrawn: { readonly at: Instant };
  /** The only partners that had the article: no other may learn that it was erased. */
  readonly partners?: readonly string[];
}

/** An erased article, without a text. */
export function erasedArticle({ id, publicId, publishedAt, withdrawn, urgency, partners }: Remains): Article {
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
    ...omitUndefined({ urgency, rights: partners && { partners } }),
  };
}

/** An article in the form that a store keeps: its JSON, and the properties that decide in which feeds it is, and where. */
export interface ArticleText
  extends Pick<Article, 'id' | 'publicId' | 'publishedAt' | 'updatedAt' | 'expiresAt' | 'withdrawn'> {
  readonly text: JsonText;
  /** The files below `media/` that the article names; missing where it names none. */
  readonly media?: readonly string[];
  /** See `urlHash`. */
  readonly urlHash: number;
  /** `rights.endsAt` of the article. */
  readonly rightsEnd?: Instant;
  /** `correction.at` of the article. */
  readonly correctedAt?: Instant;
  readonly urgency?: number;
  /** `rights.partners` of the article. */
  readonly partners?: readonly string[];
}

/** Serializes an article for a store. */
export function articleText(article: Article): ArticleText {
  const { id, publicId, publishedAt, updatedAt, expiresAt, withdrawn, rights, correction } = article;
  const text = JSON.stringify(article);
  const names = mediaNamesIn(text);
  const media = names.length === 0 ? undefined : names;
  return omitUndefined({
    id,
    publicId,
    publishedAt,
    updatedAt,
    expiresAt,
    withdrawn,
    text,
    urlHash: urlHash(article.url),
    media,
    rightsEnd: rights?.endsAt,
    correctedAt: correction?.at,
    urgency: article.urgency,
    partners: rights?.partners,
  });
}

/**
 * 52 bits by which a store finds the articles that have the same address. The first 12 are those of the folder: stories of one
 * day or month, which come together in an import, are neighbours in the store's index. Without that, each would write a page.
 */
export function urlHash(url: string): number {
  const folder = textHash(url.slice(0, url.lastIndexOf('/')), 0);
  return (folder & 0xfff) * 2 ** 40 + (textHash(url, 1) & 0xff) * 2 ** 32 + textHash(url, 2);
}

/** 32 bits of a text: FNV-1a, and the end of MurmurHash3. Twice SHA-256 would take three times as long, for nothing: a wrong match is a needless warning. */
function textHash(text: string, seed: number): number {
  let bits = 0x811c9dc5 ^ seed;
  for (let index = 0; index < text.length; index += 1) bits = Math.imul(bits ^ text.charCodeAt(index), 0x01000193);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
