import type { DatabaseSync } from 'node:sqlite';
import type { Instant } from '../../lib/instant.ts';
import { damaged } from './damage.ts';
import type { FeedRow, FeedRows } from './feed-rows.ts';

/** The ends of the rights of articles, in their feeds. */
export function createRightsEnds(db: DatabaseSync, feedRows: FeedRows) {
  const insert = db.prepare('INSERT OR FAIL INTO rights_end (feed, at, article, revision) VALUES (?, ?, ?, ?)');
  const remove = db.prepare('DELETE FROM rights_end WHERE feed = ? AND at = ? AND article = ? RETURNING revision');
  return {
    add(feed: FeedRow, at: Instant, article: number, revision: number): void {
      insert.run(feed.number, at, article, revision);
      feedRows.add(feed, 'rights', [at, article, revision]);
    },
    /** @throws PublisherError `store_damaged` */
    remove(feed: FeedRow, at: Instant, article: number): void {
      const row = remove.get(feed.number, at, article);
      if (row === undefined) throw damagedRights(article);
      feedRows.remove(feed, 'rights', [at, article, Number(row.revision)]);
    },
  };
}

export function damagedRights(article: number): Error {
  return damaged(`the rights of the article number ${article} do not match its feeds`);
}
