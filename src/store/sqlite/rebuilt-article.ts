import { isDeepStrictEqual } from 'node:util';
import type { Article } from '../../article/article.ts';
import { recordOf } from '../../article/record-of.ts';
import { erasedArticle, type Remains, withdrawnArticle } from '../../article/stored.ts';
import { type FeedKey, type NamedKey, ownKeys } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { jsonString } from '../../lib/json.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import { type CheckedArticle, isWhole, ownFeedsOf, type WholeArticle } from './check-article.ts';
import { type ArticleHead, articleChecksum, textChecksum } from './checksums.ts';
import { erasedRecord } from './erase.ts';

/** An article for the new store, with everything that its rows there are made of. */
export interface SalvagedArticle {
  readonly number: number;
  readonly head: Omit<ArticleHead, 'revision'>;
  /** Missing where the article is no longer what it was: it gets a new one. */
  readonly revision?: number;
  readonly article: Article;
  readonly text: string;
  readonly record: string;
  /** The feeds that the article is in by itself. */
  readonly feeds: readonly NamedKey[];
  /** Whether the article is withdrawn, and may have had a reason that it now lacks. */
  readonly mayLackReason?: boolean;
}

/** Parses a record again. Undefined where it is no longer valid. */
export type ParseAgain = (record: string) => Promise<Article | undefined>;

/**
 * The article of a row whose head is whole, as far as one of its two texts is whole: the record is parsed again, or the
 * article is written as a record again. Undefined where both are damaged, or where the result differs from the head.
 *
 * @param feeds of an erased article whose record is damaged
 * @param reason of the withdrawal, as far as the history has one
 */
export async function rebuilt(
  checked: CheckedArticle,
  { feeds, reason }: { readonly feeds: readonly FeedKey[]; readonly reason: string | undefined },
  parse: ParseAgain,
): Promise<SalvagedArticle | undefined> {
  const { number, head, article, record } = checked;
  if (head === undefined) return undefined;
  if (isWhole(checked)) return asItWas(checked);
  if (head.erased === 1) {
    const ids = { id: head.id, publicId: head.public_id, publishedAt: head.published };
    const remains = { ...ids, at: head.withdrawn, ...forPartners(checked) };
    const keys = record === undefined ? feeds : ownFeedsOf(erasedArticleOf(remains), record.value, true);
    return remains.at === null
      ? undefined
      : { ...erasedAs(number, { ...remains, at: remains.at }, keys), revision: head.revision };
  }
  if (article !== undefined) return await withNewRecord(number, head, article, parse);
  if (record !== undefined) return await parsedAgain(checked, { head, record: record.text, reason }, parse);
  return undefined;
}

function asItWas({ number, head, article: { value, text }, record }: WholeArticle): SalvagedArticle {
  const isErased = head.erased === 1;
  const feeds = isErased ? namelessFeeds(ownFeedsOf(value, record.value, true)) : ownKeys(value);
  return { number, head, revision: head.revision, article: value, text, record: record.text, feeds };
}

/** The articles of a feed name it, but erased ones do not. */
function namelessFeeds(keys: readonly FeedKey[]): readonly NamedKey[] {
  return keys.map((key) => ({ key, name: '' }));
}

async function withNewRecord(
  number: number,
  head: ArticleHead,
  { text, value }: NonNullable<CheckedArticle['article']>,
  parse: ParseAgain,
): Promise<SalvagedArticle | undefined> {
  const record = JSON.stringify(recordOf(value));
  const again = await parse(record);
  if (again === undefined || !isSame(asInStore(again, head, value.withdrawn?.reason), head)) return undefined;
  const feeds = ownKeys(value);
  if (!isDeepStrictEqual(ownKeys(again), feeds)) return undefined;
  return { number, head, revision: head.revision, article: value, text, record, feeds };
}

/**
 * The checksum shows whether the text is what it was. It may be another one: the program or publication.yaml may have changed
 * since the record was parsed, and only the article had the reason of a withdrawal.
 */
async function parsedAgain(
  { number, articleChecksum: checksum }: CheckedArticle,
  {
    head,
    record,
    reason,
  }: { readonly head: ArticleHead; readonly record: string; readonly reason: string | undefined },
  parse: ParseAgain,
): Promise<SalvagedArticle | undefined> {
  const again = await parse(record);
  if (again === undefined) return undefined;
  const article = asInStore(again, head, reason);
  if (!isSame(article, head)) return undefined;
  const text = JSON.stringify(article);
  const salvaged = { number, head, article, text, record, feeds: ownKeys(article) };
  const isSameText = articleChecksum(textChecksum(text), head.revision) === checksum;
  if (isSameText) return { ...salvaged, revision: head.revision };
  return { ...salvaged, mayLackReason: head.withdrawn !== null && article.withdrawn?.reason === undefined };
}

/** The article with what only the store knows: its public id and its withdrawal. */
function asInStore(article: Article, head: ArticleHead, reason?: string): Article {
  const known = { ...article, publicId: head.public_id };
  if (head.withdrawn === null || known.withdrawn?.at === head.withdrawn) return known;
  return withdrawnArticle(known, { at: head.withdrawn, ...(reason === undefined ? {} : { reason }) });
}

function isSame({ id, publishedAt, updatedAt, expiresAt, withdrawn }: Article, head: ArticleHead): boolean {
  return isDeepStrictEqual(
    [id, publishedAt, updatedAt ?? publishedAt, expiresAt ?? null, withdrawn?.at ?? null],
    [head.id, head.published, head.updated, head.expires, head.withdrawn],
  );
}

/** What decides which partners may learn of an erased article, from either of its texts. */
function forPartners({ article, record }: CheckedArticle): Pick<Remains, 'urgency' | 'partners'> {
  const { urgency, rights } = article?.value ?? {};
  const { erased } = Object(record?.value) as { erased?: Pick<Remains, 'urgency' | 'partners'> };
  return omitUndefined({
    urgency: urgency ?? erased?.urgency,
    partners: rights?.partners ?? erased?.partners,
  });
}

/** What must be known of a withdrawn or erased article, so that it never comes back. */
export interface GoneArticle extends Pick<Remains, 'urgency' | 'partners'> {
  readonly id: string;
  readonly publicId: string;
  readonly publishedAt: Instant;
  readonly at: Instant;
}

/**
 * Keeps a withdrawn or erased article as an erased one where no text of it is left. Nothing can be published under its
 * ids, and readers still learn of the withdrawal.
 */
export function erasedAs(number: number, gone: GoneArticle, feeds: readonly FeedKey[]): SalvagedArticle {
  const { id, publicId, publishedAt, at } = gone;
  const article = erasedArticleOf(gone);
  const isListed = publishedAt <= at;
  const named = isListed ? namelessFeeds(feeds) : [];
  const head = {
    id,
    public_id: publicId,
    published: publishedAt,
    updated: publishedAt,
    expires: null,
    withdrawn: at,
    erased: 1,
  };
  const record = jsonString(erasedRecord({ ...gone, withdrawn: { at } }, named));
  return { number, head, article, text: JSON.stringify(article), record, feeds: named };
}

function erasedArticleOf({ at, ...ids }: Omit<GoneArticle, 'at'> & { readonly at: Instant | null }): Article {
  return erasedArticle({ ...ids, withdrawn: { at: at ?? 0 } });
}
