import type { DatabaseSync } from 'node:sqlite';
import { mediaNamesIn } from '../../article/media-names.ts';
import type { Instant } from '../../lib/instant.ts';
import { checkedArticle, checkedHead, HEAD, type HeadRow } from './article-rows.ts';
import { textChecksum } from './checksums.ts';
import { damaged } from './damage.ts';
import { partOf } from './list-parts.ts';
import type { Lists } from './lists.ts';
import type { StoreRow } from './store-row.ts';

/** Articles of one file that are checked before the store says that readers can see none of them: a few milliseconds' work. */
const MOST_CHECKED = 1000;

export type MediaUses = ReturnType<typeof createMediaUses>;

interface MediaUsesParts {
  readonly storeRow: StoreRow;
  readonly lists: Lists;
}

/** A row of the table. */
interface Use {
  readonly path: string;
  readonly path_checksum: number;
}

/** Which articles name which files below `media/`. The list `mediaUses` of the store has them by the checksums of the paths. */
export function createMediaUses(db: DatabaseSync, { storeRow, lists }: MediaUsesParts) {
  const select = db.prepare('SELECT path, path_checksum FROM media_use INDEXED BY media_use_article WHERE article = ?');
  const insert = db.prepare('INSERT OR FAIL INTO media_use (path, article, path_checksum) VALUES (?, ?, ?)');
  const remove = db.prepare('DELETE FROM media_use WHERE article = ?');
  const visible = db.prepare(`
    SELECT ${HEAD}, article.article, article_checksum
    FROM media_use INDEXED BY media_use_path JOIN article ON article.number = media_use.article
    WHERE path_checksum = :sum AND path = :path AND published <= :at AND (expires IS NULL OR expires > :at)
      AND withdrawn IS NULL LIMIT 1`);
  const named = db.prepare(`
    SELECT path, media_use.article AS user, ${HEAD}
    FROM media_use INDEXED BY media_use_path LEFT JOIN article ON article.number = media_use.article
    WHERE path_checksum = ? LIMIT ${MOST_CHECKED}`);

  /** Checks that no row about a file is missing, and that what hides its articles is true. @throws PublisherError `store_damaged` */
  function requireHidden(sum: number): void {
    const list = storeRow.list('mediaUses');
    const last = partOf(list.parts, [sum, Number.POSITIVE_INFINITY]);
    for (let index = partOf(list.parts, [sum, Number.NEGATIVE_INFINITY]); index <= last; index += 1)
      lists.readPart(list, index);
    for (const row of named.iterate(sum)) {
      if (textChecksum(String(row.path)) !== sum) throw damaged(`the file “${row.path}” does not match its checksum`);
      if (row.id === null) throw damaged(`the article number ${row.user} is missing`);
      checkedHead(row as unknown as HeadRow);
    }
  }

  /** The article itself shows whether a row that names it is right; the list, that no row is missing. */
  function isVisible(path: string, at: Instant): boolean {
    const sum = textChecksum(path);
    const row = visible.get({ sum, path, at });
    if (row === undefined) {
      requireHidden(sum);
      return false;
    }
    const { id, article } = checkedArticle(row as unknown as Parameters<typeof checkedArticle>[0]);
    if (!mediaNamesIn(article).includes(path)) throw damaged(`the article “${id}” does not name the file “${path}”`);
    return true;
  }

  function add(article: number, names: readonly string[] = []): void {
    for (const name of names) {
      const sum = textChecksum(name);
      insert.run(name, article, sum);
      storeRow.add('mediaUses', [sum, article]);
    }
  }

  /** Most corrections leave the files as they are: then nothing is written. */
  function replace(article: number, names: readonly string[] = []): void {
    const before = select.all(article) as unknown as readonly Use[];
    const after = new Set(names);
    if (before.length === after.size && before.every(({ path }) => after.has(path))) return;
    for (const { path_checksum: sum } of before) storeRow.remove('mediaUses', [sum, article]);
    remove.run(article);
    add(article, names);
  }

  return {
    add,
    replace,
    /** Whether readers can see an article that names the file. Call it in a transaction. */
    isVisible,
  };
}
