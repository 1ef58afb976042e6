import { LATEST } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { DatedArticle, StatusCounts } from '../store.ts';
import { countUntil, type FeedReader, first, nextAfter, until } from './feed-reader.ts';
import { listOf } from './feed-rows.ts';
import { countOf } from './list-parts.ts';
import type { Lists, TableRow } from './lists.ts';
import type { StoreRow } from './store-row.ts';

interface StatusParts {
  readonly lists: Lists;
  readonly feeds: Pick<FeedReader, 'find'>;
  readonly storeRow: Pick<StoreRow, 'count'>;
  readonly idOf: (number: number) => string;
}

/**
 * Counts the articles by their status. The feed of all articles has every one that is not withdrawn, and its lists know how
 * many are in each of their parts. Call it in a transaction.
 */
export function countStatuses({ lists, feeds, storeRow, idOf }: StatusParts, at: Instant): StatusCounts {
  const all = storeRow.count();
  const feed = feeds.find(LATEST);
  if (feed === undefined) return { visible: 0, embargoed: 0, expired: 0, withdrawn: all };
  const entries = listOf(feed, 'entries');
  const expiries = listOf(feed, 'expiries');
  const published = countUntil(lists, entries, at);
  const expired = countUntil(lists, expiries, at); // each of them was published before
  const dated = (row: TableRow | undefined, number: number): DatedArticle | undefined =>
    row && { id: idOf(Number(row[number])), at: Number(row[0]) };

  function* visible(): Generator<TableRow> {
    for (const row of until(lists, entries, at)) if (row[4] === null || Number(row[4]) > at) yield row;
  }

  return omitUndefined({
    visible: published - expired,
    embargoed: countOf(entries.parts) - published,
    expired,
    withdrawn: all - countOf(entries.parts),
    nextAppears: dated(nextAfter(lists, entries, at), 2),
    nextExpires: dated(nextAfter(lists, expiries, at), 1),
    newest: published > expired ? dated(first(visible()), 2) : undefined,
  });
}
