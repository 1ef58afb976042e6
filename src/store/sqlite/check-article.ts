import { isDeepStrictEqual } from 'node:util';
import type { Article } from '../../article/article.ts';
import { erasedArticle } from '../../article/stored.ts';
import { type FeedKey, ownKeys } from '../../feed/feeds.ts';
import { composed } from '../../lib/text.ts';
import { type ArticleHead, articleChecksum, headChecksum, recordChecksum, textChecksum } from './checksums.ts';
import type { AnyRow } from './readable-rows.ts';

/** A row of `article`, as far as it is whole. Each part is undefined where it is damaged. */
export interface CheckedArticle {
  readonly number: number;
  /** Whatever the row has as its id: the only name of an article whose head is damaged. */
  readonly name: string;
  readonly head: ArticleHead | undefined;
  readonly article: { readonly text: string; readonly value: Article } | undefined;
  readonly record: { readonly text: string; readonly value: object } | undefined;
  /** That of the article's text in the row; missing in early schemas. */
  readonly articleChecksum: number | undefined;
  /** What is wrong, part by part. */
  readonly problems: readonly string[];
}

/** An article with all its parts. */
export type WholeArticle = CheckedArticle & {
  readonly [Part in 'head' | 'article' | 'record']: NonNullable<CheckedArticle[Part]>;
};

export function isWhole(checked: CheckedArticle): checked is WholeArticle {
  return checked.problems.length === 0;
}

/** Checks a row of `article` by its checksums, if the schema has them, and by what its parts say of each other. */
export function checkArticle(row: AnyRow): CheckedArticle {
  const problems: string[] = [];
  const head = headOf(row, problems);
  const article = articleOf(row, head, problems);
  const record = recordOf(row, head, problems);
  const checksum = row.article_checksum === undefined ? undefined : Number(row.article_checksum);
  return {
    number: Number(row.number),
    name: String(row.id),
    head,
    article,
    record,
    articleChecksum: checksum,
    problems,
  };
}

function headOf(row: AnyRow, problems: string[]): ArticleHead | undefined {
  const { id, public_id, revision, published, updated, expires, withdrawn, erased = 0 } = row;
  const head = { id, public_id, revision, published, updated, expires, withdrawn, erased };
  const hasTypes =
    [id, public_id].every((value) => typeof value === 'string' && value !== '') &&
    [revision, published, updated, erased].every(Number.isSafeInteger) &&
    [expires, withdrawn].every((value) => value === null || Number.isSafeInteger(value));
  if (!hasTypes) problems.push('its ids, dates or revision cannot be read');
  if (!hasTypes) return undefined;
  if (row.checksum === undefined || headChecksum(head as ArticleHead) === row.checksum) return head as ArticleHead;
  problems.push('its ids, dates or revision do not match their checksum');
  return undefined;
}

function articleOf({ article: text, article_checksum }: AnyRow, head: ArticleHead | undefined, problems: string[]) {
  if (typeof text !== 'string') problems.push('its article cannot be read');
  if (typeof text !== 'string' || head === undefined) return undefined;
  if (article_checksum !== undefined && articleChecksum(textChecksum(text), head.revision) !== article_checksum) {
    problems.push('its article does not match its checksum');
    return undefined;
  }
  const value = parsed(text) as Article | undefined;
  const difference = value === undefined ? 'is not JSON' : differenceOf(value, head);
  if (value !== undefined && difference === undefined) return { text, value };
  problems.push(`its article ${difference}`);
  return undefined;
}

/** How an article differs from the columns that the store took from it. */
function differenceOf(article: Article, head: ArticleHead): string | undefined {
  const { id, publicId, publishedAt, updatedAt, expiresAt, withdrawn } = article;
  if (id !== head.id || publicId !== head.public_id) return 'has other ids than its row';
  const dates = [publishedAt, updatedAt ?? publishedAt, expiresAt ?? null, withdrawn?.at ?? null];
  if (!isDeepStrictEqual(dates, [head.published, head.updated, head.expires, head.withdrawn]))
    return 'has other dates than its row';
  if (head.erased === 0) return areFeedsNamed(article) ? undefined : 'names feeds that cannot be';
  const remains = erasedArticle({ id, publicId, publishedAt, withdrawn: { at: withdrawn?.at ?? Number.NaN } });
  return isDeepStrictEqual(article, remains) ? undefined : 'has text, although it was erased';
}

function areFeedsNamed(article: Article): boolean {
  try {
    return ownKeys(article).length > 0;
  } catch {
    return false; // no lists, no language
  }
}

function recordOf({ record: text, record_checksum }: AnyRow, head: ArticleHead | undefined, problems: string[]) {
  if (typeof text !== 'string') problems.push('its record cannot be read');
  if (typeof text !== 'string' || head === undefined) return undefined;
  if (record_checksum !== undefined && recordChecksum(textChecksum(text), head.id) !== record_checksum) {
    problems.push('its record does not match its checksum');
    return undefined;
  }
  const value = parsed(text);
  if (value === undefined) problems.push('its record is not JSON');
  else if (!isOf(value, head)) problems.push('its record is that of another article');
  else return { text, value };
  return undefined;
}

function isOf(record: object, { id, erased }: ArticleHead): boolean {
  const own: unknown = Reflect.get(record, 'id');
  const isSame = own === undefined || own === null || composed(String(own)) === id;
  const tombstone: unknown = Reflect.get(record, 'erased') ?? undefined;
  return isSame && (erased === 1) === (tombstone !== undefined);
}

/** An object of JSON. */
function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The feeds that a whole article is in by itself, or that list the tombstone of an erased one. */
export function ownFeedsOf(article: Article, record: object, isErased: boolean): readonly FeedKey[] {
  if (!isErased) return ownKeys(article).map(({ key }) => key);
  const { feeds = [] } = (Reflect.get(record, 'erased') ?? {}) as { readonly feeds?: readonly FeedKey[] };
  return Array.isArray(feeds) ? feeds.map(String) : [];
}
