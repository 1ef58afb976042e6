import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { temporaryFolder } from './processes.ts';
import { requireProgram, run } from './programs.ts';
import { instant, type Reading } from './reading.ts';

/**
 * The feed at the URL as newsboat (2.21: RSS and Atom; JSON Feed it refuses) understood it. Throws with its log when it
 * read no feed. Each feed has a cache of its own: newsboat knows an entry by its guid alone, whatever the feed it came in.
 */
export async function newsboat(url: string): Promise<readonly Reading[]> {
  const opened = await openNewsboat(url);
  try {
    await opened.reload();
    return opened.articles();
  } finally {
    await opened.remove();
  }
}

export interface Newsboat {
  /** Throws with newsboat's log when it read no feed. */
  readonly reload: () => Promise<void>;
  /** All articles that it has, the newest first. */
  readonly articles: () => readonly Reading[];
  readonly remove: () => Promise<void>;
}

/**
 * A newsboat that keeps what it read. From its third reload on it says what it has: it notes the tag of a feed in a row
 * that the first one makes only after.
 */
export async function openNewsboat(url: string): Promise<Newsboat> {
  const program = await requireProgram('newsboat');
  const folder = await temporaryFolder('newsboat');
  const config = join(folder.path, 'config');
  const urls = join(folder.path, 'urls');
  const cache = join(folder.path, 'cache.db');
  const log = join(folder.path, 'log');
  await writeFile(config, '');
  await writeFile(urls, `${url}\n`);
  return {
    async reload() {
      const args = ['-C', config, '-u', urls, '-c', cache, '-d', log, '-l', '3', '-x', 'reload'];
      await run(program, args, { env: { HOME: folder.path } });
      // newsboat exits with 0 whatever it met: only its log tells.
      const complaints = await readFile(log, 'utf8');
      if (complaints.includes('Error while retrieving')) throw new Error(`newsboat: ${complaints}`);
    },
    articles: () => readCache(cache),
    remove: folder.remove,
  };
}

function readCache(path: string): readonly Reading[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    // newsboat stores a document's entries from the last to the first.
    return database
      .prepare('SELECT guid, title, url, pubDate, author, content FROM rss_item ORDER BY id DESC')
      .all()
      .map(toReading);
  } finally {
    database.close();
  }
}

/** The cache has no summary and no date of change, and one author. */
function toReading(row: Readonly<Record<string, unknown>>): Reading {
  const author = String(row.author);
  return {
    id: String(row.guid),
    title: String(row.title),
    link: String(row.url),
    published: instant(Number(row.pubDate) * 1000),
    authors: author === '' ? [] : [author],
    body: String(row.content),
  };
}
