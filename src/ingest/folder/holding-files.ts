import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { excerpt, PublisherError } from '../../errors.ts';
import { systemReason } from '../../lib/system-reason.ts';
import { MAX_RECORD_BYTES } from '../../publish/publish.ts';
import { idOf } from '../../publish/unparsed-record.ts';
import type { SourceFile } from '../../store/store.ts';
import { isArticleFile, readArticleFile } from '../import/file.ts';
import { filesBelow, isEmptyOrMissing, isMissing } from '../import/list-files.ts';
import { groups } from './changed-files.ts';

/** An article by its ids. */
interface Ids {
  readonly id: string;
  readonly publicId: string;
}

/** Files that are read together. */
const TOGETHER = 8;

/**
 * Throws if a file in the articles folder holds one of these articles, whether or not a service runs that has read the file.
 *
 * @param folder absolute path of the articles folder
 * @throws PublisherError `file_holds_article`, with the file
 */
export async function refuseHeldArticles(
  folder: string,
  articles: readonly Ids[],
  sources: readonly SourceFile[],
): Promise<void> {
  if (articles.length === 0) return;
  if (await isEmptyOrMissing(folder)) return refuseUnmounted(folder, articles, sources);
  const paths = await filesBelow(folder, '', (path, error) => {
    throw unreadable(`articles/${path}`.replace(/\/$/, ''), error);
  });
  for (const group of groups(paths.filter(isArticleFile), TOGETHER)) {
    const held = await Promise.all(group.map((path) => heldBy(folder, path, articles)));
    for (const [index, article] of held.entries()) if (article !== undefined) throw heldError(article, group[index]);
  }
}

/** An empty folder looks like a volume that is not mounted: its files may come back. */
function refuseUnmounted(folder: string, articles: readonly Ids[], sources: readonly SourceFile[]): void {
  const ids = new Set(articles.map(({ id }) => id));
  const source = sources.find(({ id, path }) => path !== '' && ids.has(id));
  if (source === undefined) return;
  const file = `articles/${source.path}`;
  throw new PublisherError(
    'file_holds_article',
    `The article “${excerpt(source.id)}” comes from ${file}, but the folder ${folder} is empty or missing.`,
    {
      file,
      hint: 'Mount the folder and delete the file. If you have deleted it, put any file into the folder, such as .keep.',
    },
  );
}

/** The article that a file holds; undefined where it holds none of them. */
async function heldBy(folder: string, path: string, articles: readonly Ids[]): Promise<Ids | undefined> {
  const file = join(folder, path);
  let bytes: Buffer;
  try {
    if ((await stat(file)).size > MAX_RECORD_BYTES) return undefined; // no record is so large
    bytes = await readFile(file);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw unreadable(`articles/${path}`, error);
  }
  const record = recordIn(bytes, path);
  if (record === undefined) return articles.find((article) => mayBeNamedIn(bytes, path, article));
  const id = idOf(record);
  const publicId: unknown = typeof record === 'object' && record !== null ? Reflect.get(record, 'publicId') : undefined;
  return articles.find((article) => article.id === id || article.publicId === publicId);
}

/** Undefined where the file is not a record in its form. */
function recordIn(bytes: Buffer, path: string): unknown {
  try {
    return readArticleFile(bytes, path).record;
  } catch {
    return undefined;
  }
}

/** Whether a file with mistakes may hold the article: its path is the id, or the id stands in it as a value. */
function mayBeNamedIn(bytes: Buffer, path: string, { id }: Ids): boolean {
  if (path.slice(0, path.lastIndexOf('.')).normalize('NFC') === id) return true;
  return [`"${id}"`, `'${id}'`, `id: ${id}\n`].some((text) => bytes.includes(text));
}

function heldError({ id }: Ids, path: string | undefined): PublisherError {
  const file = `articles/${path}`;
  return new PublisherError('file_holds_article', `The file ${file} holds the article “${excerpt(id)}”.`, {
    file,
    problems: [{ field: 'id', value: id, rule: `is in ${file}: a file must not hold an article that is erased` }],
    hint: `Delete ${file}, then erase the article again.`,
  });
}

function unreadable(file: string, cause: unknown): PublisherError {
  const message = `${file} cannot be read, so that it may hold the article: ${systemReason(cause)}.`;
  return new PublisherError('file_holds_article', message, {
    file,
    hint: 'Let the program read it, or remove it from articles/.',
    cause,
  });
}
