import { articleText, erasedArticle, type Remains } from '../../article/stored.ts';
import type { FeedKey, NamedKey } from '../../feed/feeds.ts';
import { rfc3339 } from '../../lib/instant.ts';
import type { Erase } from '../store.ts';
import type { KnownArticle } from './article-rows.ts';
import { wasVisible } from './identity-ledger.ts';
import { kept, keptAsKnown } from './put.ts';
import type { Applied, ChangeParts, Transaction } from './transaction.ts';

/** Erases the article of a change whose condition holds. An article that is not withdrawn yet is withdrawn by this. */
export function erase(
  { rows, entries, audits }: ChangeParts,
  { id }: Erase,
  known: KnownArticle | undefined,
  transaction: Transaction,
): Applied {
  if (known === undefined) return { id, result: 'absent', revision: 0, touched: [] };
  const { number } = known;
  const feeds = entries.feedsOf(number);
  if (known.erased === 1) {
    return { id, result: 'unchanged', revision: known.revision, touched: [], kept: keptAsKnown(known, feeds) };
  }
  const at = known.withdrawn ?? Math.floor(transaction.at / 1000) * 1000; // every date of an article is a whole second
  const remains = { id, publicId: known.public_id, publishedAt: known.published, withdrawn: { at } };
  const article = articleText(erasedArticle(remains));
  const revision = ++transaction.revision;
  rows.erase(number, article, revision, erasedRecord(remains, wasVisible(article) ? feeds.own : []));
  entries.remove(number, feeds);
  entries.add(number, article, feeds);
  audits.eraseTexts(number);
  const renamed = entries.removeUnusedNames();
  const touched = [...new Set<FeedKey>([...feeds.all.map(({ key }) => key), ...renamed])];
  // A feed shows its new title at once, also where the article was under embargo.
  const seenFrom = renamed.length > 0 ? Math.min(known.published, transaction.at) : known.published;
  return { id, result: 'erased', revision, touched, seenFrom, kept: kept(article, feeds) };
}

/** The record of an erased article, which an export carries to another store. */
function erasedRecord({ id, publicId, publishedAt, withdrawn }: Remains, feeds: readonly NamedKey[]): string {
  return JSON.stringify({
    id,
    publicId,
    publishedAt: rfc3339(publishedAt),
    withdrawn: { at: rfc3339(withdrawn.at) },
    erased: { feeds: feeds.map(({ key }) => key) },
  });
}
