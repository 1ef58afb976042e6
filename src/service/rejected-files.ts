import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, parse as parsePath } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isMissing } from '../ingest/import/list-files.ts';
import { LINE_FEED, linesOf } from '../lib/lines.ts';
import { systemReason } from '../lib/system-reason.ts';
import { idOf } from '../publish/unparsed-record.ts';
import type { Store } from '../store/store.ts';

/** The store's setting: the files for refused records that imports were given, as a JSON list of absolute paths. */
const REJECTED_FILES = 'rejected-files';
/** The latest files that are remembered. */
const MAX_FILES = 200;
/** No record is so long. */
const MAX_LINE = 64 * 1024 * 1024;
const LINE_END = Uint8Array.of(LINE_FEED);
/** The names of such files in a data folder, wherever they were written. */
const REJECTED_NAME = /^rejected.*\.ndjson/;

/** Remembers where an import writes refused records, so that an erasure finds them there. */
export async function rememberRejectedFile(store: Pick<Store, 'setting' | 'saveSetting'>, file: string): Promise<void> {
  const known = await rememberedFiles(store);
  if (known.includes(file)) return;
  await store.saveSetting(REJECTED_FILES, JSON.stringify([...known, file].slice(-MAX_FILES)));
}

async function rememberedFiles(store: Pick<Store, 'setting'>): Promise<readonly string[]> {
  return JSON.parse((await store.setting(REJECTED_FILES)) ?? '[]') as string[];
}

/** The ids of an article that is erased. */
interface Ids {
  readonly id: string;
  readonly publicId: string;
}

/**
 * Removes the records of articles from the files of refused records: in the data folder, and where imports wrote them.
 *
 * @returns for each file that may still have such a record, why
 */
export async function removeRejectedRecords(
  store: Pick<Store, 'setting'>,
  dataFolder: string,
  articles: readonly Ids[],
): Promise<string[]> {
  const failures: string[] = [];
  for (const file of await rejectedFiles(store, dataFolder)) {
    try {
      if (await hasRecord(file, articles)) {
        if (isGrowing(file)) failures.push(`an import writes ${file}`);
        else await rewrite(file, articles);
      }
    } catch (error) {
      if (!isMissing(error)) failures.push(`${file} cannot be rewritten (${systemReason(error)})`);
    }
  }
  return failures;
}

async function rejectedFiles(store: Pick<Store, 'setting'>, dataFolder: string): Promise<ReadonlySet<string>> {
  const files = new Set<string>();
  for (const name of await namesIn(dataFolder)) if (REJECTED_NAME.test(name)) files.add(join(dataFolder, name));
  for (const wanted of await rememberedFiles(store)) {
    const { name: start, ext } = parsePath(wanted);
    const folder = dirname(wanted);
    for (const name of await namesIn(folder)) if (isVariant(name, start, ext)) files.add(join(folder, name));
  }
  return files;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return await readdir(folder).catch(() => []);
}

/** Whether a name is `rejected.ndjson`, `rejected-2.ndjson`, or one of these while an import writes it. */
function isVariant(name: string, start: string, ext: string): boolean {
  if (!name.startsWith(start)) return false;
  const end = name.slice(start.length).replace(/^-\d+/, '');
  return end.startsWith(ext) && /^(?:\.\d+\.part)?$/.test(end.slice(ext.length));
}

/** Whether the import that writes the file is still running. */
function isGrowing(file: string): boolean {
  const pid = /\.(\d+)\.part$/.exec(basename(file))?.[1];
  if (pid === undefined) return false;
  try {
    return process.kill(Number(pid), 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'; // it runs as another user
  }
}

async function hasRecord(file: string, articles: readonly Ids[]): Promise<boolean> {
  for await (const line of wholeLines(file)) if (isOf(line, articles)) return true;
  return false;
}

/** Replaces the file only when the new one is complete. Removes a file that would be empty. */
async function rewrite(file: string, articles: readonly Ids[]): Promise<void> {
  const part = `${file}.erasing`;
  const { mode } = await stat(file);
  try {
    await pipeline(otherLines(file, articles), createWriteStream(part, { mode: mode & 0o777, flush: true }));
    if ((await stat(part)).size > 0) await rename(part, file);
    else await rm(file);
  } finally {
    await rm(part, { force: true });
  }
}

async function* otherLines(file: string, articles: readonly Ids[]): AsyncGenerator<Uint8Array> {
  for await (const line of wholeLines(file)) if (!isOf(line, articles)) yield Buffer.concat([line, LINE_END]);
}

async function* wholeLines(file: string): AsyncGenerator<Buffer> {
  for await (const lines of linesOf(createReadStream(file), MAX_LINE)) {
    for (const { bytes } of lines) {
      if (bytes === undefined) throw new Error(`it has a line of more than ${MAX_LINE} bytes`);
      yield bytes;
    }
  }
}

/** Whether a line has the record of one of the articles. A line that is not JSON has it if it names the id. */
function isOf(line: Buffer, articles: readonly Ids[]): boolean {
  const text = line.toString();
  const record = parsedOrUndefined(text);
  if (record === undefined) return articles.some(({ id }) => text.includes(JSON.stringify(id)));
  const id = idOf(record);
  const publicId: unknown = typeof record === 'object' && record !== null ? Reflect.get(record, 'publicId') : undefined;
  return articles.some((article) => article.id === id || article.publicId === publicId);
}

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
