import { createWriteStream } from 'node:fs';
import { realpath, rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { rfc3339 } from '../lib/instant.ts';
import { openDataFolder } from '../service/data-folder.ts';
import type { Store, StoredRecord } from '../store/store.ts';
import { unwritable, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { type ProgressBar, progressBar, type Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher export [options] [FILE]

Writes every article back as NDJSON, one record a line, to FILE or to standard output. Imported into an empty store, they
give the same feeds, byte for byte.

Options
  --data FOLDER     the data folder   (DATA_DIR, data)
`;

const PAGE = 500;

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { data: { type: 'string' } },
  });
  const [file, ...others] = positionals;
  if (others.length > 0) throw usage('One file at most can be named.');
  const { store } = openDataFolder(values.data ?? (terminal.env.DATA_DIR || 'data'));
  const bar = progressBar(terminal, 'Exporting');
  try {
    const exported = linesOf(store, bar);
    if (file === undefined) await pipeline(exported, process.stdout, { end: false });
    else await writeWhole(file, exported);
    if (file !== undefined) terminal.err(`${await store.count()} articles exported to ${file}`);
    return 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if ('code' in error && error.code === 'EPIPE') return 0; // who reads has seen enough
    if (!('syscall' in error)) throw error; // the store's fault
    throw unwritable(file ?? 'Standard output', error);
  } finally {
    bar.stop();
    await store.close();
  }
}

/** Writes a file beside the one that is there, which may be the last good copy, and puts it in its place when it is whole. */
async function writeWhole(file: string, lines: AsyncIterable<string>): Promise<void> {
  const target = await realpath(file).catch(() => file);
  const before = await stat(target).catch(() => undefined);
  if (before?.isFile() === false) return pipeline(lines, createWriteStream(target)); // a pipe, a terminal
  const part = `${target}.${process.pid}.part`;
  try {
    const mode = before === undefined ? 0o666 : before.mode & 0o777;
    await pipeline(lines, createWriteStream(part, { mode, flush: true }));
    await rename(part, target);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function* linesOf(store: Store, bar: ProgressBar): AsyncGenerator<string> {
  const total = await store.count();
  let done = 0;
  let page = await store.page(0, PAGE);
  while (page.length > 0) {
    yield page.map((stored) => `${JSON.stringify(recordOf(stored))}\n`).join('');
    done += page.length;
    bar.update(done, total);
    page = await store.page(page.at(-1)?.number ?? 0, PAGE);
  }
}

/** The record with what only the store knows: the id that readers know, and that the article was taken back. */
function recordOf({ record, article }: StoredRecord): unknown {
  const { withdrawn } = article;
  return {
    ...(record as object),
    publicId: article.publicId,
    ...(withdrawn === undefined ? {} : { withdrawn: { ...withdrawn, at: rfc3339(withdrawn.at) } }),
  };
}
