import type { DatabaseSync } from 'node:sqlite';
import { damaged } from './damage.ts';
import type { Reading } from './reading.ts';
import type { StoreRow } from './store-row.ts';

interface Parts {
  readonly storeRow: Pick<StoreRow, 'count'>;
  readonly reading: Reading;
}

/** The columns by whose indexes articles are found, with the names that SQLite gives these indexes. */
const INDEXES = { id: 'sqlite_autoindex_article_1', public_id: 'sqlite_autoindex_article_2' } as const;

export type ArticleIndexes = ReturnType<typeof createArticleIndexes>;

/**
 * Returns a function to call where an index has no article: a page of an index that is damaged may look like one without rows,
 * and a new article would get the id of another. Each process counts an index once, 40 ms for a million articles: what it
 * writes from then on is known to be good.
 */
export function createArticleIndexes(db: DatabaseSync, { storeRow, reading }: Parts) {
  const complete = new Set<string>();

  /** @throws PublisherError `store_damaged` */
  return function requireComplete(column: keyof typeof INDEXES): void {
    if (complete.has(column)) return;
    // Without a condition, SQLite would count the rows of its smallest index, whichever is named.
    const count = db.prepare(`
      SELECT count(*) AS count FROM article INDEXED BY ${INDEXES[column]} WHERE ${column} >= ''`);
    const isComplete = reading(() => Number(count.get()?.count) === storeRow.count());
    if (!isComplete) throw damaged(`the index of articles by ${column} lacks articles`);
    complete.add(column);
  };
}
