import type { DatabaseSync } from 'node:sqlite';
import type { FeedRow } from './feed-rows.ts';

interface PageRow {
  readonly page: number;
  readonly entries: number;
  readonly published: number;
  readonly tie: number;
}

/** Checks that the pages of archives count the entries that they have. Their rows are checked as a list. */
export function createArchiveChecks(db: DatabaseSync) {
  const pages = db.prepare(
    'SELECT page, entries, published, tie FROM archive_page WHERE feed = ? ORDER BY published, tie',
  );
  const count = db.prepare(`
    SELECT count(*) AS count FROM entry
    WHERE feed = :feed AND published >= :published AND published <= :endPublished
      AND (published, tie) >= (:published, :tie) AND (published, tie) < (:endPublished, :endTie)`);

  function countBetween(feed: number, { published, tie }: PageRow, end: PageRow): number {
    const row = count.get({ feed, published, tie, endPublished: end.published, endTie: end.tie });
    return Number(row?.count);
  }

  return {
    /** @throws an error of damage */
    check({ number, archived, newestPage, openPage }: FeedRow): void {
      const rows = pages.all(number) as unknown as PageRow[];
      let sum = 0;
      for (const [index, page] of rows.entries()) {
        const end = rows[index + 1];
        if (end === undefined) continue;
        if (countBetween(number, page, end) !== page.entries)
          throw new RangeError(`page ${page.page} of its archive does not match its articles`);
        sum += page.entries;
      }
      const isWhole =
        sum === archived && (rows.at(-2)?.page ?? 0) === newestPage && (rows.at(-1)?.page ?? 0) === openPage;
      if (!isWhole) throw new RangeError('its archive does not match its pages');
    },
  };
}
