import type { DatabaseSync } from 'node:sqlite';
import type { Instant } from '../../lib/instant.ts';
import { damaged } from './damage.ts';
import { type FeedRow, listOf } from './feed-rows.ts';
import { addRow, HIGHEST, type Key, removeRow } from './list-parts.ts';

/** A row of `archive_page`, which is also the row of its list. */
export type PageRow = readonly [published: number, tie: number, page: number, entries: number, changed: Instant];

/** The pages of archives in the store, and in the lists of their feeds. */
export function createArchiveRows(db: DatabaseSync) {
  const insert = db.prepare(
    'INSERT INTO archive_page (feed, published, tie, page, entries, changed) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const update = db.prepare(
    'UPDATE archive_page SET entries = ?, changed = ? WHERE feed = ? AND published = ? AND tie = ?',
  );
  const select = 'SELECT published, tie, page, entries, changed FROM archive_page WHERE feed = :feed AND';
  const lastUntil = db.prepare(`
    ${select} published <= :published AND (published, tie) <= (:published, :tie)
    ORDER BY published DESC, tie DESC LIMIT 1`);
  const firstAfter = db.prepare(`
    ${select} published >= :published AND (published, tie) > (:published, :tie)
    ORDER BY published, tie LIMIT 1`);
  const keysBetween = db.prepare(`
    SELECT published, tie FROM entry
    WHERE feed = :feed AND published >= :published AND published <= :endPublished
      AND (published, tie) >= (:published, :tie) AND (published, tie) < (:endPublished, :endTie)
    ORDER BY published, tie`);
  for (const statement of [lastUntil, firstAfter, keysBetween]) statement.setReturnArrays(true);

  function insertPage({ number, lists: { pages } }: FeedRow, row: PageRow): void {
    insert.run(number, ...row);
    addRow(pages, row);
  }

  function replacePage(feed: FeedRow, before: PageRow, entries: number, changed: Instant): void {
    const [published, tie, page] = before;
    update.run(entries, changed, feed.number, published, tie);
    if (!removeRow(feed.lists.pages, before)) throw damaged(listOf(feed, 'pages').title);
    addRow(feed.lists.pages, [published, tie, page, entries, changed]);
  }

  /** The page that has, or would have, an entry. */
  function pageAt({ number: feed, key }: FeedRow, [published, tie]: Key): PageRow {
    const row = lastUntil.get({ feed, published, tie }) as unknown as PageRow | undefined;
    if (row === undefined) throw damaged(`an archive page of the feed “${key}” is missing`);
    return row;
  }

  function endOf({ number: feed }: FeedRow, [published, tie]: PageRow): Key {
    const row = firstAfter.get({ feed, published, tie }) as unknown as PageRow | undefined;
    return row === undefined ? HIGHEST : [row[0], row[1]];
  }

  /**
   * The keys of the entries of a page that is not open. Reads these rows alone: to divide pages of a large feed, whole parts of
   * its list would be read again and again. The count of the page tells whether a row is missing or has another key.
   */
  function keysIn(feed: FeedRow, page: PageRow, count: number): Key[] {
    const [published, tie] = page;
    const [endPublished, endTie] = endOf(feed, page);
    const keys = keysBetween.all({ feed: feed.number, published, tie, endPublished, endTie }) as unknown as Key[];
    if (keys.length !== count) throw damaged(listOf(feed, 'pages').title);
    return keys;
  }

  return { insertPage, replacePage, pageAt, endOf, keysIn };
}
