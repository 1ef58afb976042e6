import type { DatabaseSync } from 'node:sqlite';
import type { Change, SourceFile } from '../store.ts';
import { rowChecksum } from './checksums.ts';
import { damaged } from './damage.ts';

const COLUMNS = 'id, path, signature, media, checksum';

interface SourceRow {
  readonly id: string;
  readonly path: string | null;
  readonly signature: string;
  /** JSON. */
  readonly media: string;
  readonly checksum: number;
}

export type Sources = ReturnType<typeof createSources>;

/** The files that articles come from. */
export function createSources(db: DatabaseSync) {
  const exists = db.prepare('SELECT 1 FROM source WHERE id = ?');
  const all = db.prepare(`SELECT ${COLUMNS} FROM source`);
  const upsert = db.prepare(`
    INSERT INTO source (id, path, signature, media, checksum) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET path = excluded.path, signature = excluded.signature, media = excluded.media,
      checksum = excluded.checksum`);
  const othersWithPath = db.prepare(`SELECT ${COLUMNS} FROM source WHERE path = ? AND id <> ?`);
  const remove = db.prepare('DELETE FROM source WHERE id = ?');

  function save(id: string, path: string | null, signature: string, media: string): void {
    upsert.run(id, path, signature, media, rowChecksum([id, path, signature, media]));
  }

  return {
    has: (id: string): boolean => exists.get(id) !== undefined,
    list: (): SourceFile[] => all.all().map(checked).map(sourceFile),
    /** Keeps or forgets the file that a change names. */
    update(change: Change): void {
      if (change.kind === 'erase') remove.run(change.id);
      else if (change.kind === 'withdraw') {
        if (change.forgetSource === true) remove.run(change.id);
      } else if (change.source !== undefined) {
        const { path, signature, media } = change.source;
        for (const { id, signature: own, media: files } of othersWithPath.all(path, change.article.id).map(checked))
          save(id, null, own, files);
        save(change.article.id, path, signature, JSON.stringify(media));
      }
    },
  };
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
