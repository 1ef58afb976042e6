import type { Article } from '../../article/article.ts';
import type { ArticleText } from '../../article/stored.ts';
import type { Problem } from '../../errors.ts';
import type { Instant } from '../../lib/instant.ts';
import { jsonString } from '../../lib/json.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { KeptArticle, Outcome, Put } from '../store.ts';
import type { KnownArticle, Owner } from './article-rows.ts';
import { type Entries, type Feeds, without } from './entries.ts';
import {
  erasedId,
  identityProblem,
  NOT_ERASED_HERE,
  takenPublicId,
  wasSeen,
  withKnownPublicId,
} from './identity-ledger.ts';
import type { Applied, ChangeParts, Transaction } from './transaction.ts';
import { repeatsWithdrawn } from './withdrawn-record.ts';

/** Creates or updates the article of a put whose condition holds. */
export function put(
  parts: ChangeParts,
  change: Put,
  known: KnownArticle | undefined,
  transaction: Transaction,
): Applied {
  if (known === undefined) return create(parts, change, transaction);
  const isErased = known.erased === 1;
  if (!isErased && change.isErased !== true) return update(parts, change, known, transaction);
  if (!isErased) return refused(change.article, known.revision, NOT_ERASED_HERE);
  const { revision } = known;
  const { article, isErased: repeatsErasure = false } = change;
  if (!repeatsErasure) return { ...refused(article, revision, erasedId(article.id)), isErased };
  const kept = keptAsKnown(known, parts.entries.feedsOf(known.number));
  return { id: article.id, result: 'unchanged', revision, touched: [], kept };
}

function create(
  { rows, entries }: ChangeParts,
  { article, record, feeds: own, isErased }: Put,
  transaction: Transaction,
): Applied {
  const feeds = entries.withCustomFeeds(own);
  const seenFrom = seenFromOn(entries, article.publishedAt, feeds, transaction.at);
  const revision = transaction.revision + 1;
  const number = rows.insert(article, revision, record, isErased);
  if (number === undefined) return takenBy(rows.ownerOf(article.publicId), article, 0);
  transaction.revision = revision;
  entries.add(number, article, feeds);
  const touched = feeds.all.map(({ key }) => key);
  return { id: article.id, result: 'created', revision, touched, seenFrom, kept: kept(article, feeds) };
}

function update(
  { rows, entries, sources }: ChangeParts,
  change: Put,
  known: KnownArticle,
  transaction: Transaction,
): Applied {
  const { number } = known;
  const { at } = transaction;
  const article = withKnownPublicId(change, known);
  const { id } = article;
  const unchanged: Outcome = { id, result: 'unchanged', revision: known.revision, touched: [] };
  const problem = identityProblem(article, known, at);
  if (problem !== undefined) return refused(article, known.revision, problem);
  const owner = known.public_id === article.publicId ? undefined : rows.ownerOf(article.publicId);
  if (owner !== undefined) return takenBy(owner, article, known.revision);
  if (
    known.withdrawn !== null &&
    // A file that the store knows was only touched, or one of its pictures changed: no reason to publish it again.
    (change.keepWithdrawn === true || (change.source !== undefined && sources.has(id))) &&
    repeatsWithdrawn({ article, record: change.record }, known, rows.recordOf(number))
  )
    return { ...unchanged, kept: keptAsKnown(known, entries.feedsOf(number)) };
  const before = entries.feedsOf(number);
  const feeds = entries.withCustomFeeds(change.feeds);
  const seenFrom = seenFromOn(entries, Math.min(known.published, article.publishedAt), feeds, at);
  if (change.isReparsed !== true && wasSeen(known, at))
    entries.keepVisible(without(before.all, feeds.all), known.published);
  if (known.article === jsonString(article.text)) {
    rows.updateRecord(id, change.record); // it may name a value that the record before left to a default
    const touched = entries.move(number, article, { from: before, to: feeds });
    if (touched.length === 0) return { ...unchanged, kept: kept(article, feeds) };
    const revision = ++transaction.revision;
    rows.updateRevision(number, revision);
    return { id, result: 'updated', revision, touched, seenFrom, kept: kept(article, feeds) };
  }
  const revision = ++transaction.revision;
  rows.update(number, article, revision, change.record);
  entries.remove(number, before);
  entries.add(number, article, feeds);
  const touched = [...new Set([...before.all, ...feeds.all].map(({ key }) => key))];
  return { id, result: 'updated', revision, touched, seenFrom, kept: kept(article, feeds) };
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

/** The moment from which readers can see the change. A feed that it renames shows that at once, even under embargo. */
function seenFromOn(entries: Entries, published: Instant, { own }: Feeds, at: Instant): Instant {
  return published > at && own.some(entries.isRenamed) ? at : published;
}

/** The outcome of a record whose public id another article has. */
function takenBy(owner: Owner | undefined, article: ArticleText, revision: number): Outcome {
  const outcome = refused(article, revision, takenPublicId(article.publicId, owner));
  return owner?.erased === 1 ? { ...outcome, isErased: true } : outcome;
}

function refused({ id }: ArticleText, revision: number, problem: Problem): Outcome {
  return { id, result: 'refused', revision, touched: [], problem };
}
