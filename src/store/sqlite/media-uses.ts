import type { DatabaseSync } from 'node:sqlite';
import { mediaNamesIn } from '../../article/media-names.ts';
import type { Instant } from '../../lib/instant.ts';
import { checkedArticle, HEAD } from './article-rows.ts';
import { damaged } from './damage.ts';

export type MediaUses = ReturnType<typeof createMediaUses>;

/** Which articles name which files below `media/`. */
export function createMediaUses(db: DatabaseSync) {
  const insert = db.prepare('INSERT OR FAIL INTO media_use (path, article) SELECT value, ? FROM json_each(?)');
  const remove = db.prepare('DELETE FROM media_use WHERE article = ?');
  const visible = db.prepare(`
    SELECT ${HEAD}, article.article, article_checksum FROM media_use JOIN article ON article.number = media_use.article
    WHERE path = :path AND published <= :at AND (expires IS NULL OR expires > :at) AND withdrawn IS NULL LIMIT 1`);

  /** The article itself shows whether the row of this table is right. */
  function isVisible(path: string, at: Instant): boolean {
    const row = visible.get({ path, at });
    if (row === undefined) return false;
    const { id, article } = checkedArticle(row as unknown as Parameters<typeof checkedArticle>[0]);
    if (!mediaNamesIn(article).includes(path)) throw damaged(`the article “${id}” does not name the file “${path}”`);
    return true;
  }

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
    isVisible,
  };
}
