import type { DatabaseSync } from 'node:sqlite';
import type { Change, SourceFile } from '../store.ts';
import { rowChecksum } from './checksums.ts';
import { damaged } from './damage.ts';
import { addHash, hashOf, type Parts } from './list-parts.ts';
import { damagedSources, type StoreRow, sourceRow } from './store-row.ts';

const COLUMNS = 'id, path, signature, media, checksum';

export interface SourceRow {
  readonly id: string;
  readonly path: string | null;
  readonly signature: string;
  /** JSON. */
  readonly media: string;
  readonly checksum: number;
}

export type Sources = ReturnType<typeof createSources>;

/**
 * The files that articles come from. A row that is lost would make a known file a new one, which publishes its article again
 * even where the API has withdrawn it. So the row of the store has the sum of all rows.
 */
export function createSources(db: DatabaseSync, storeRow: StoreRow) {
  const one = db.prepare(`SELECT ${COLUMNS} FROM source WHERE id = ?`);
  const all = db.prepare(`SELECT ${COLUMNS} FROM source`);
  const upsert = db.prepare(`
    INSERT INTO source (id, path, signature, media, checksum) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET path = excluded.path, signature = excluded.signature, media = excluded.media,
      checksum = excluded.checksum`);
  const othersWithPath = db.prepare(`SELECT ${COLUMNS} FROM source WHERE path = ? AND id <> ?`);
  const deletion = db.prepare('DELETE FROM source WHERE id = ?');
  /** Whether this transaction has found all rows. */
  let isComplete = false;

  function find(id: string): SourceRow | undefined {
    const row = one.get(id);
    return row && checked(row);
  }

  function save(id: string, path: string | null, signature: string, media: string, known: SourceRow | undefined): void {
    const checksum = rowChecksum([id, path, signature, media]);
    if (known !== undefined) storeRow.removeSource(id, known.checksum);
    upsert.run(id, path, signature, media, checksum);
    storeRow.addSource(id, checksum);
  }

  function remove(id: string): void {
    const known = find(id);
    if (known === undefined) return;
    deletion.run(id);
    storeRow.removeSource(id, known.checksum);
  }

  /** All rows. @throws PublisherError `store_damaged` where one is missing */
  function rows(): readonly SourceRow[] {
    const found = all.all().map(checked);
    if (!isSum(storeRow.sources(), found)) throw damagedSources();
    return found;
  }

  return {
    /** Call this after the begin of a transaction that writes. */
    begin(): void {
      isComplete = false;
    },
    /** Whether the store knows a file of the article. */
    has(id: string): boolean {
      if (find(id) !== undefined) return true;
      if (!isComplete) rows();
      isComplete = true;
      return false;
    },
    list: (): SourceFile[] => rows().map(sourceFile),
    /** Keeps or forgets the file that a change names. */
    update(change: Change): void {
      if (change.kind === 'erase') remove(change.id);
      else if (change.kind === 'withdraw') {
        if (change.forgetSource === true) remove(change.id);
      } else if (change.source !== undefined) {
        const { path, signature, media } = change.source;
        for (const other of othersWithPath.all(path, change.article.id).map(checked))
          save(other.id, null, other.signature, other.media, other);
        save(change.article.id, path, signature, JSON.stringify(media), find(change.article.id));
      }
    },
  };
}

/** Whether these are the rows that the row of the store counts. */
export function isSum({ parts }: Parts, rows: Iterable<Pick<SourceRow, 'id' | 'checksum'>>): boolean {
  const [expected = { count: 0, sum: 0 }] = parts;
  let [count, sum] = [0, 0];
  for (const { id, checksum } of rows) {
    count += 1;
    sum = addHash(sum, hashOf(sourceRow(id, checksum)), 1);
  }
  return count === expected.count && sum === expected.sum;
}

/** @throws PublisherError `store_damaged` */
function checked(row: object): SourceRow {
  const source = row as SourceRow;
  const { id, path, signature, media, checksum } = source;
  if (rowChecksum([id, path, signature, media]) !== checksum)
    throw damaged(`the file of the article “${id}” does not match its checksum`);
  return source;
}

function sourceFile({ id, path, signature, media }: SourceRow): SourceFile {
  return { id, path: path ?? '', signature, media: JSON.parse(media) as string[] };
}
