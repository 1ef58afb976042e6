import type { DatabaseSync } from 'node:sqlite';
import type { Instant } from '../../lib/instant.ts';

export type MediaUses = ReturnType<typeof createMediaUses>;

/** Which articles name which files below `media/`. */
export function createMediaUses(db: DatabaseSync) {
  const insert = db.prepare('INSERT OR FAIL INTO media_use (path, article) SELECT value, ? FROM json_each(?)');
  const remove = db.prepare('DELETE FROM media_use WHERE article = ?');
  const visible = db.prepare(`
    SELECT 1 FROM media_use JOIN article ON article.number = media_use.article
    WHERE path = :path AND published <= :at AND (expires IS NULL OR expires > :at) AND withdrawn IS NULL LIMIT 1`);

  function add(article: number, names: readonly string[] = []): void {
    if (names.length > 0) insert.run(article, JSON.stringify(names));
  }

  return {
    add,
    replace(article: number, names: readonly string[] | undefined): void {
      remove.run(article);
      add(article, names);
    },
    /** Whether readers can see an article that names the file. */
    isVisible: (path: string, at: Instant): boolean => visible.get({ path, at }) !== undefined,
  };
}
