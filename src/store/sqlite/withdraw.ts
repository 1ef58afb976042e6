import type { Article } from '../../article/article.ts';
import { articleText, withdrawnArticle } from '../../article/stored.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { Withdraw } from '../store.ts';
import type { KnownArticle } from './article-rows.ts';
import { kept, keptAsKnown } from './put.ts';
import type { Applied, ChangeParts, Transaction } from './transaction.ts';

/** Withdraws the article of a change whose condition holds. */
export function withdraw(
  { rows, entries, mediaUses, formerRows }: ChangeParts,
  { id, reason }: Withdraw,
  known: KnownArticle | undefined,
  transaction: Transaction,
): Applied {
  if (known === undefined) return { id, result: 'absent', revision: 0, touched: [] };
  if (known.withdrawn !== null) {
    const kept = keptAsKnown(known, entries.feedsOf(known, transaction.at));
    return { id, result: 'unchanged', revision: known.revision, touched: [], kept };
  }
  const at = Math.floor(transaction.at / 1000) * 1000; // every date of an article is a whole second
  const article = articleText(withdrawnArticle(JSON.parse(known.article) as Article, omitUndefined({ at, reason })));
  const feeds = entries.feedsOf(known, transaction.at);
  const revision = ++transaction.revision;
  rows.update(known, article, revision);
  mediaUses.replace(known.number, article.media);
  entries.remove(known, feeds);
  entries.add({ number: known.number, revision }, article, feeds, transaction.at);
  const touched = feeds.all.map(({ key }) => key);
  const former = formerRows.follow({
    known,
    article,
    before: feeds.all,
    after: feeds.all,
    at: transaction.at,
    revision,
  });
  return {
    id,
    result: 'withdrawn',
    revision,
    touched,
    former: former.filter(({ key }) => !touched.includes(key)),
    seenFrom: known.published,
    kept: kept(article, feeds),
    audited: { what: 'withdrawn', number: known.number, article },
  };
}
