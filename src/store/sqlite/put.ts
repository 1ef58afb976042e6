import type { Article } from '../../article/article.ts';
import type { ArticleText } from '../../article/stored.ts';
import type { Problem } from '../../errors.ts';
import { jsonString } from '../../lib/json.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { KeptArticle, Outcome, Put } from '../store.ts';
import type { ArticleRows, KnownArticle } from './article-rows.ts';
import { type Feeds, without } from './entries.ts';
import { identityProblem, seenFrom, takenPublicId, wasSeen, withKnownPublicId } from './identity-ledger.ts';
import type { Applied, ChangeParts, Transaction } from './transaction.ts';
import { repeatsWithdrawn } from './withdrawn-record.ts';

/** Creates or updates the article of a put whose condition holds. */
export function put(
  parts: ChangeParts,
  change: Put,
  known: KnownArticle | undefined,
  transaction: Transaction,
): Applied {
  return known === undefined ? create(parts, change, transaction) : update(parts, change, known, transaction);
}

function create(
  { rows, entries, mediaUses }: ChangeParts,
  { article, record, feeds: own }: Put,
  transaction: Transaction,
): Applied {
  const feeds = entries.withCustomFeeds(own);
  const revision = transaction.revision + 1;
  const number = rows.insert(article, revision, record);
  if (number === undefined) return refused(article, 0, takenPublicId(article.publicId, rows.ownerOf(article.publicId)));
  transaction.revision = revision;
  mediaUses.add(number, article.media);
  entries.add(number, article, feeds, transaction.at);
  const touched = feeds.all.map(({ key }) => key);
  return {
    id: article.id,
    result: 'created',
    revision,
    touched,
    seenFrom: seenFrom(article.publishedAt, article.withdrawn?.at),
    kept: kept(article, feeds),
  };
}

function update(
  { rows, entries, sources, mediaUses }: ChangeParts,
  change: Put,
  known: KnownArticle,
  transaction: Transaction,
): Applied {
  const { number } = known;
  const { at } = transaction;
  const article = withKnownPublicId(change, known);
  const { id } = article;
  const unchanged: Outcome = { id, result: 'unchanged', revision: known.revision, touched: [] };
  const problem = identityProblem(article, known, at) ?? ownerProblem(rows, article, known);
  if (problem !== undefined) return refused(article, known.revision, problem);
  if (
    known.withdrawn !== null &&
    // A file that the store knows was only touched, or one of its pictures changed: no reason to publish it again.
    (change.keepWithdrawn === true || (change.source !== undefined && sources.has(id))) &&
    repeatsWithdrawn({ article, record: change.record }, known, rows.recordOf(number))
  )
    return { ...unchanged, kept: keptAsKnown(known, entries.feedsOf(number, at)) };
  const before = entries.feedsOf(number, at);
  const feeds = entries.withCustomFeeds(change.feeds);
  const since = Math.min(
    seenFrom(known.published, known.withdrawn),
    seenFrom(article.publishedAt, article.withdrawn?.at),
  );
  if (change.isReparsed !== true && wasSeen(known, at))
    entries.keepVisible(without(before.all, feeds.all), known.published);
  if (known.article === jsonString(article.text)) {
    rows.updateRecord(id, change.record); // it may name a value that the record before left to a default
    const touched = entries.move(number, article, { from: before, to: feeds, at });
    if (touched.length === 0) return { ...unchanged, kept: kept(article, feeds) };
    const revision = ++transaction.revision;
    rows.updateRevision(number, revision);
    return { id, result: 'updated', revision, touched, seenFrom: since, kept: kept(article, feeds) };
  }
  const revision = ++transaction.revision;
  rows.update(number, article, revision, change.record);
  mediaUses.replace(number, article.media);
  entries.remove(number, before);
  entries.add(number, article, feeds, at);
  const touched = [...new Set([...before.all, ...feeds.all].map(({ key }) => key))];
  return { id, result: 'updated', revision, touched, seenFrom: since, kept: kept(article, feeds) };
}

/** The article of an outcome. */
export function kept(
  { publicId, publishedAt, expiresAt, withdrawn }: Omit<KeptArticle, 'feeds'>,
  { all }: Feeds,
): KeptArticle {
  return omitUndefined({ publicId, publishedAt, expiresAt, withdrawn, feeds: all.map(({ key }) => key) });
}

/** The article of an outcome that leaves it as it was. */
export function keptAsKnown(known: KnownArticle, feeds: Feeds): KeptArticle {
  return kept(JSON.parse(known.article) as Article, feeds);
}

function ownerProblem(rows: ArticleRows, { publicId }: ArticleText, known: KnownArticle): Problem | undefined {
  const owner = known.public_id === publicId ? undefined : rows.ownerOf(publicId);
  return owner === undefined ? undefined : takenPublicId(publicId, owner);
}

function refused({ id }: ArticleText, revision: number, problem: Problem): Outcome {
  return { id, result: 'refused', revision, touched: [], problem };
}
