import type { Article } from '../../article/article.ts';
import { articleText, erasedArticle, type Remains } from '../../article/stored.ts';
import type { FeedKey, NamedKey } from '../../feed/feeds.ts';
import { rfc3339 } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { Erase } from '../store.ts';
import type { KnownArticle } from './article-rows.ts';
import { seenFrom, wasVisible } from './identity-ledger.ts';
import { kept, keptAsKnown } from './put.ts';
import type { Applied, ChangeParts, Transaction } from './transaction.ts';

/** Erases the article of a change whose condition holds. An article that is not withdrawn yet is withdrawn by this. */
export function erase(
  { rows, entries, mediaUses, auditTexts, formerRows }: ChangeParts,
  { id }: Erase,
  known: KnownArticle | undefined,
  transaction: Transaction,
): Applied {
  if (known === undefined) return { id, result: 'absent', revision: 0, touched: [] };
  const { number } = known;
  const feeds = entries.feedsOf(known, transaction.at);
  if (known.erased === 1) {
    return { id, result: 'unchanged', revision: known.revision, touched: [], kept: keptAsKnown(known, feeds) };
  }
  const at = known.withdrawn ?? Math.floor(transaction.at / 1000) * 1000; // every date of an article is a whole second
  const { urgency, rights } = JSON.parse(known.article) as Article;
  const remains = omitUndefined({
    ...{ id, publicId: known.public_id, publishedAt: known.published, withdrawn: { at } },
    ...{ urgency, partners: rights?.partners },
  });
  const article = articleText(erasedArticle(remains));
  const revision = ++transaction.revision;
  rows.erase(known, article, revision, erasedRecord(remains, wasVisible(article) ? feeds.own : []));
  mediaUses.replace(number, undefined);
  entries.remove(known, feeds);
  entries.add({ number, revision }, article, { own: nameless(feeds.own), all: feeds.all }, transaction.at);
  auditTexts.eraseTexts(number);
  const former = formerRows.follow({
    known,
    article,
    before: feeds.all,
    after: feeds.all,
    at: transaction.at,
    revision,
  });
  const renamed = entries.removeUnusedNames(transaction.at);
  const touched = [...new Set<FeedKey>([...feeds.all.map(({ key }) => key), ...renamed])];
  const audited = { what: 'erased', number, article } as const;
  return {
    id,
    result: 'erased',
    revision,
    touched,
    seenFrom: seenFrom(known.published, known.withdrawn),
    renamed,
    former: former.filter(({ key }) => !touched.includes(key)),
    kept: kept(article, feeds),
    audited,
  };
}

/** The feeds of an erased article: it no longer counts among the articles that name them. */
function nameless(feeds: readonly NamedKey[]): NamedKey[] {
  return feeds.map(({ key }) => ({ key, name: '' }));
}

/** The record of an erased article, which an export carries to another store. */
export function erasedRecord(
  { id, publicId, publishedAt, withdrawn, urgency, partners }: Remains,
  feeds: readonly Pick<NamedKey, 'key'>[],
): string {
  return JSON.stringify({
    id,
    publicId,
    publishedAt: rfc3339(publishedAt),
    withdrawn: { at: rfc3339(withdrawn.at) },
    erased: { feeds: feeds.map(({ key }) => key), urgency, partners },
  });
}
