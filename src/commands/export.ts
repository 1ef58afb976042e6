import { createWriteStream } from 'node:fs';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { OPTIONS } from '../config/options.ts';
import { loadWithoutPartners } from '../config/publication.ts';
import { PublisherError } from '../errors.ts';
import { rfc3339 } from '../lib/instant.ts';
import { visibleControls } from '../lib/text.ts';
import { hasStore, openDataFolder } from '../service/data-folder.ts';
import type { Store, StoredRecord } from '../store/store.ts';
import { optionsHelp, readArguments, unwritable, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { counted, type ProgressBar, progressBar, type Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher export [options] [FILE]
       feed-publisher export [options] --site FOLDER|s3://BUCKET/PREFIX

Writes all articles as NDJSON, one record a line, to FILE or to standard output. If you import the file into an empty
store, the service publishes the same feeds, byte for byte, but for the numbers of archive pages.

With --site, writes the feeds, archives, pages and media files for a server that knows nothing of this program. Another
export to the same place writes only what has changed, and removes what was withdrawn.

${optionsHelp(OPTIONS.export)}`;

/** Articles that are read from the store at once. */
const PAGE_SIZE = 500;

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(OPTIONS.export, { args, env: terminal.env, allowPositionals: true });
  const [file, ...others] = positionals;
  if (values.site !== undefined) {
    if (file !== undefined) throw usage(`“export --site” writes no FILE: leave “${file}” out.`);
    const { exportSite } = await import('./export-site.ts');
    return exportSite(values.site, values, terminal);
  }
  if (others.length > 0) throw usage(`“export” writes one FILE, not ${positionals.length}.`);
  const path = resolve(values.data);
  const publication = loadWithoutPartners(path);
  if (!hasStore(path)) throw noStore(path);
  const { store } = openDataFolder(path, { publication });
  const bar = progressBar(terminal, 'Exporting');
  try {
    // Standard output may be a terminal. In JSON, an escape is the same character.
    if (file === undefined) await pipeline(recordsOf(store, bar, visibleControls), process.stdout, { end: false });
    else await writeWhole(file, recordsOf(store, bar));
    if (file !== undefined) terminal.err(`${counted(await store.count(), 'article')} exported to ${file}`);
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if ('code' in error && error.code === 'EPIPE') return 0; // the reader of the pipe has seen enough
    if (!('syscall' in error)) throw error; // an error of the store, not of the file
    throw unwritable(file ?? 'Standard output', error);
  } finally {
    bar.stop();
    await store.close();
  }
}

/** An empty export of a mistyped folder would replace the last good copy. */
function noStore(path: string): PublisherError {
  return new PublisherError('store_unavailable', `There is no store in ${path}, so there are no articles to export.`, {
    hint: 'Check --data. The first start of the service and the first import create a store.',
  });
}

/** Replaces a file only when the new content is complete: the old file may be the last good copy. */
async function writeWhole(file: string, records: AsyncIterable<string>): Promise<void> {
  const target = await realpath(file).catch(() => file);
  const before = await stat(target).catch(() => undefined);
  if (before?.isFile() === false) return pipeline(records, createWriteStream(target)); // a pipe, a terminal
  const part = `${target}.${process.pid}.part`;
  try {
    const mode = before === undefined ? 0o666 : before.mode & 0o777;
    const opened = await open(part, 'w', mode); // a stream may still open its file when this has failed already
    await pipeline(records, opened.createWriteStream({ flush: true }));
    await rename(part, target);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function* recordsOf(store: Store, bar: ProgressBar, shown = (line: string) => line): AsyncGenerator<string> {
  const total = await store.count();
  let done = 0;
  let page = await store.page(0, PAGE_SIZE);
  while (page.length > 0) {
    yield page.map((stored) => `${shown(JSON.stringify(exportedRecord(stored)))}\n`).join('');
    done += page.length;
    bar.update(done, total);
    page = await store.page(page.at(-1)?.number ?? 0, PAGE_SIZE);
  }
}

/** Adds to a record what only the store knows: its public id and its withdrawal. The record of an erased article has both. */
function exportedRecord({ record, article, isErased }: StoredRecord): unknown {
  if (isErased === true) return record;
  const { withdrawn } = article;
  return {
    ...(record as object),
    publicId: article.publicId,
    ...(withdrawn === undefined ? {} : { withdrawn: { ...withdrawn, at: rfc3339(withdrawn.at) } }),
  };
}
