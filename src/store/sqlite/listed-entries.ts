import type { DatabaseSync } from 'node:sqlite';
import { damaged } from './damage.ts';
import { tieBreaker } from './entries.ts';
import { type FeedRow, listOf } from './feed-rows.ts';
import { partOf } from './list-parts.ts';
import type { Lists, TableRow } from './lists.ts';

/** An article as a feed lists it. */
export interface ListedEntry {
  readonly published: number;
  readonly revision: number;
  readonly expires: number | null;
}

/** @throws PublisherError `store_damaged` where the feed does not list the article */
export type EntryOf = (number: number) => ListedEntry;

/**
 * Finds entries by the numbers of their articles. The row of an expiry does not say the revision of the article, and the row of
 * an article has its checksum behind its texts, which takes long to read: an entry has the dates and the revision, and its
 * list has sums.
 *
 * @returns a function that keeps the parts that it has read: use it in one transaction
 */
export function createListedEntries(db: DatabaseSync, lists: Lists): (feed: FeedRow) => EntryOf {
  const byNumber = db.prepare('SELECT published, public_id FROM article WHERE number = ?');
  byNumber.setReturnArrays(true);
  return (feed) => {
    const list = listOf(feed, 'entries');
    const known = new Map<number, ReadonlyMap<number, TableRow>>();

    function part(index: number): ReadonlyMap<number, TableRow> {
      const read = known.get(index) ?? new Map(lists.readPart(list, index).map((row) => [Number(row[2]), row]));
      known.set(index, read);
      return read;
    }

    return (number) => {
      const [published, publicId] = (byNumber.get(number) as unknown as readonly unknown[] | undefined) ?? [];
      const key = [Number(published), tieBreaker(String(publicId))] as const;
      const row = published === undefined ? undefined : part(partOf(list.parts, key)).get(number);
      if (row === undefined) throw damaged(`the article number ${number} is not the one that its feeds have`);
      const [at, , , revision, expires] = row;
      return { published: Number(at), revision: Number(revision), expires: expires == null ? null : Number(expires) };
    };
  };
}
