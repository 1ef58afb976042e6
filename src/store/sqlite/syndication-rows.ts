import type { DatabaseSync } from 'node:sqlite';
import type { ArticleText } from '../../article/stored.ts';
import type { Instant } from '../../lib/instant.ts';
import { damaged } from './damage.ts';
import { partOf } from './list-parts.ts';
import type { List, Lists, TableRow } from './lists.ts';
import type { StoreRow } from './store-row.ts';

/** What the store knows for partners of an article in feeds. Most articles have no such row. */
export interface Syndicated {
  readonly revision: number;
  /** When the rights of partners end. */
  readonly rightsEnd: Instant | null;
  /** The date of the correction that readers should know of. */
  readonly corrected: Instant | null;
}

interface SyndicationRow {
  readonly revision: number;
  readonly rights_end: number | null;
  readonly corrected: number | null;
}

export type SyndicationRows = ReturnType<typeof createSyndicationRows>;

/** The rights and corrections of articles, as a transaction changes them. */
export function createSyndicationRows(db: DatabaseSync, storeRow: StoreRow) {
  const insert = db.prepare('INSERT INTO syndication (article, revision, rights_end, corrected) VALUES (?, ?, ?, ?)');
  const remove = db.prepare('DELETE FROM syndication WHERE article = ? RETURNING revision, rights_end, corrected');

  return {
    add(number: number, revision: number, article: Pick<ArticleText, 'rightsEnd' | 'correctedAt'>): void {
      if (article.rightsEnd === undefined && article.correctedAt === undefined) return;
      const [rightsEnd, correctedAt] = [article.rightsEnd ?? null, article.correctedAt ?? null];
      insert.run(number, revision, rightsEnd, correctedAt);
      storeRow.add('syndication', [number, revision, rightsEnd, correctedAt]);
      if (correctedAt !== null) storeRow.add('corrections', [correctedAt, number, revision]);
    },
    /** Removes the row of an article. Returns what it had. @throws PublisherError `store_damaged` */
    take(number: number, known: number): Syndicated | undefined {
      if (!storeRow.has('syndication')) return undefined;
      const row = remove.get(number) as SyndicationRow | undefined;
      if (row === undefined) return undefined;
      const { revision, rights_end: rightsEnd, corrected } = row;
      if (revision !== known) throw otherRevision(number);
      storeRow.remove('syndication', [number, revision, rightsEnd, corrected]);
      if (corrected !== null) storeRow.remove('corrections', [corrected, number, revision]);
      return { revision, rightsEnd, corrected };
    },
  };
}

function otherRevision(number: number): Error {
  return damaged(`the rights of the article number ${number} are those of another revision`);
}

/**
 * Finds what is known of an article.
 *
 * @param revision that of the article, where it is known: then the row must be of it
 * @throws PublisherError `store_damaged`
 */
export type Syndication = (number: number, revision?: number) => Syndicated | undefined;

/**
 * Reads the rights and corrections of articles, and keeps the parts that it has read: use it in one transaction.
 *
 * @param list the store's list `syndication`
 */
export function readSyndication(lists: Lists, list: List): Syndication {
  if (list.parts.parts.length === 0) return () => undefined;
  const known = new Map<number, ReadonlyMap<number, TableRow>>();

  function part(index: number): ReadonlyMap<number, TableRow> {
    const read = known.get(index) ?? new Map(lists.readPart(list, index).map((row) => [Number(row[0]), row]));
    known.set(index, read);
    return read;
  }

  return (number, revision) => {
    const row = part(partOf(list.parts, [number, Number.POSITIVE_INFINITY])).get(number);
    if (row === undefined) return undefined;
    const [, own, rightsEnd, corrected] = row as readonly [number, number, number | null, number | null];
    if (revision !== undefined && own !== revision) throw otherRevision(number);
    return { revision: own, rightsEnd, corrected };
  };
}
