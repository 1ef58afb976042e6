import type { DatabaseSync } from 'node:sqlite';
import type { Change, SourceFile } from '../store.ts';

export type Sources = ReturnType<typeof createSources>;

/** The files that articles come from. */
export function createSources(db: DatabaseSync) {
  const exists = db.prepare('SELECT 1 FROM source WHERE id = ?');
  const all = db.prepare('SELECT id, path, signature, media FROM source');
  const upsert = db.prepare(`
    INSERT INTO source (id, path, signature, media) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET path = excluded.path, signature = excluded.signature, media = excluded.media`);
  const clearOtherPaths = db.prepare('UPDATE source SET path = NULL WHERE path = ? AND id <> ?');
  const remove = db.prepare('DELETE FROM source WHERE id = ?');
  return {
    has: (id: string): boolean => exists.get(id) !== undefined,
    list: (): SourceFile[] => all.all().map(sourceFile),
    /** Keeps or forgets the file that a change names. */
    update(change: Change): void {
      if (change.kind === 'erase') remove.run(change.id);
      else if (change.kind === 'withdraw') {
        if (change.forgetSource === true) remove.run(change.id);
      } else if (change.source !== undefined) {
        const { path, signature, media } = change.source;
        clearOtherPaths.run(path, change.article.id);
        upsert.run(change.article.id, path, signature, JSON.stringify(media));
      }
    },
  };
}

function sourceFile({ id, path, signature, media }: Readonly<Record<string, unknown>>): SourceFile {
  return {
    id: String(id),
    path: String(path ?? ''),
    signature: String(signature),
    media: JSON.parse(String(media)) as string[],
  };
}
