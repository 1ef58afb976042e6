import type { Article } from '../../article/article.ts';
import type { ArticleText } from '../../article/stored.ts';
import type { Problem } from '../../errors.ts';
import { isPartnerFeed } from '../../feed/dialects.ts';
import type { FeedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { jsonString } from '../../lib/json.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { AuditedChange, KeptArticle, Outcome, Put } from '../store.ts';
import type { ArticleRows, KnownArticle, Owner } from './article-rows.ts';
import { damaged } from './damage.ts';
import { type Entries, type Feeds, isInFeeds, without } from './entries.ts';
import {
  erasedId,
  identityProblem,
  NOT_ERASED_HERE,
  seenFrom,
  takenPublicId,
  wasSeen,
  withKnownPublicId,
} from './identity-ledger.ts';
import type { Applied, ChangeParts, Seen, Transaction } from './transaction.ts';
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
  const kept = keptAsKnown(known, parts.entries.feedsOf(known, transaction.at));
  return { id: article.id, result: 'unchanged', revision, touched: [], kept };
}

function create({ rows, entries, mediaUses }: ChangeParts, change: Put, transaction: Transaction): Applied {
  const { article, feeds: own, isErased } = change;
  const feeds = entries.withCustomFeeds(own);
  const revision = transaction.revision + 1;
  const number = rows.insert(change, revision);
  if (number === undefined) return takenBy(otherOwner(rows, article), article, 0);
  transaction.revision = revision;
  mediaUses.add(number, article.media);
  entries.add({ number, revision }, article, feeds, transaction.at);
  const touched = feeds.all.map(({ key }) => key);
  const what = isErased === true ? 'erased' : article.withdrawn === undefined ? 'published' : 'withdrawn';
  return withSameAddress(entries, number, article, {
    id: article.id,
    result: 'created',
    revision,
    touched,
    seenFrom: seenFrom(article.publishedAt, article.withdrawn?.at),
    kept: kept(article, feeds),
    audited: { what, number, article },
  });
}

function update(
  { rows, entries, sources, mediaUses, formerRows }: ChangeParts,
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
    repeatsWithdrawn({ article, record: change.record }, known, rows.recordOf(known))
  )
    return { ...unchanged, kept: keptAsKnown(known, entries.feedsOf(known, at)) };
  const before = entries.feedsOf(known, at);
  const feeds = entries.withCustomFeeds(change.feeds);
  if (change.isReparsed !== true && wasSeen(known, at))
    entries.keepVisible(hasEnded(article, at) ? before.all : without(before.all, feeds.all), known.published);
  if (known.article === jsonString(article.text)) {
    rows.updateRecord(known, change.record); // it may name a value that the record before left to a default
    const revision = transaction.revision + 1;
    const touched = entries.move(known, article, { from: before, to: feeds, at, revision });
    if (touched.length === 0)
      return withSameAddress(entries, number, article, { ...unchanged, kept: kept(article, feeds) });
    transaction.revision = revision;
    rows.updateRevision(known, revision);
    return updated(revision, touched);
  }
  const revision = ++transaction.revision;
  rows.update(known, article, revision, change.record);
  mediaUses.replace(number, article.media);
  entries.remove(known, before);
  entries.add({ number, revision }, article, feeds, at);
  const touched = [...new Set([...before.all, ...feeds.all].map(({ key }) => key))];
  return updated(revision, touched);

  function updated(revision: number, touched: readonly FeedKey[]): Applied {
    const after = isInFeeds(article) ? feeds.all : [];
    // A new version of the program takes nothing from partners: their files name feeds in its words.
    const left = change.isReparsed === true ? after : before.all;
    const former = formerRows.follow({ known, article, before: left, after, at, revision });
    return withSameAddress(entries, number, article, {
      id,
      result: 'updated',
      revision,
      touched,
      seen: seenIn(touched, { known, before, article, feeds }),
      former: former.filter(({ key }) => !touched.includes(key)),
      kept: kept(article, feeds),
      audited: { what: changeOf(known, article), number, article },
    });
  }
}

/** Whether the end of an article is over: a partner with a delay that saw the article may then find no trace of it in its feeds. */
function hasEnded({ expiresAt, rightsEnd, withdrawn }: ArticleText, at: Instant): boolean {
  return [expiresAt, rightsEnd, withdrawn?.at].some((end) => end !== undefined && end <= at);
}

interface Moved {
  readonly known: KnownArticle;
  readonly before: Feeds;
  readonly article: ArticleText;
  readonly feeds: Feeds;
}

/**
 * Since when readers can see an article, by feed: a feed that a story under embargo leaves must not change with the end of the
 * embargo, and one that it comes to has nothing of the story before.
 */
function seenIn(touched: readonly FeedKey[], { known, before, article, feeds }: Moved): readonly Seen[] {
  const from = seenFrom(known.published, known.withdrawn);
  const to = seenFrom(article.publishedAt, article.withdrawn?.at);
  if (from === to) return [{ keys: touched, seenFrom: to }];
  const had = new Set(before.all.map(({ key }) => key));
  const has = new Set(feeds.all.map(({ key }) => key));
  return [
    { keys: touched.filter((key) => !has.has(key)), seenFrom: from },
    { keys: touched.filter((key) => !had.has(key)), seenFrom: to },
    { keys: touched.filter((key) => had.has(key) && has.has(key)), seenFrom: Math.min(from, to) },
  ];
}

function withSameAddress(entries: Entries, number: number, article: ArticleText, applied: Applied): Applied {
  const sameAddress = entries.sameAddress(number, article);
  return sameAddress === undefined ? applied : { ...applied, sameAddress };
}

function changeOf(known: KnownArticle, { withdrawn }: ArticleText): AuditedChange {
  const wasWithdrawn = known.withdrawn !== null;
  const isWithdrawn = withdrawn !== undefined;
  if (wasWithdrawn === isWithdrawn) return 'corrected';
  return isWithdrawn ? 'withdrawn' : 'republished';
}

/** The article of an outcome. */
export function kept(
  { publicId, publishedAt, expiresAt, withdrawn }: Omit<KeptArticle, 'feeds'>,
  { all }: Feeds,
): KeptArticle {
  const feeds = all.map(({ key }) => key).filter((key) => !isPartnerFeed(key));
  return omitUndefined({ publicId, publishedAt, expiresAt, withdrawn, feeds });
}

/** The article of an outcome that leaves it as it was. */
export function keptAsKnown(known: KnownArticle, feeds: Feeds): KeptArticle {
  return kept(JSON.parse(known.article) as Article, feeds);
}

/** The article that has the public id of a new one. If it has its id as well, the index of ids does not have it. */
function otherOwner(rows: ArticleRows, { id, publicId }: ArticleText): Owner | undefined {
  const owner = rows.ownerOf(publicId);
  if (owner === undefined || owner.id === id) throw damaged(`the indexes of articles disagree about “${id}”`);
  return owner;
}

/** The outcome of a record whose public id another article has. */
function takenBy(owner: Owner | undefined, article: ArticleText, revision: number): Outcome {
  const outcome = refused(article, revision, takenPublicId(article.publicId, owner));
  return owner?.erased === 1 ? { ...outcome, isErased: true } : outcome;
}

function refused({ id }: ArticleText, revision: number, problem: Problem): Outcome {
  return { id, result: 'refused', revision, touched: [], problem };
}
