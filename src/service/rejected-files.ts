import { createReadStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, parse as parsePath } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isMissing } from '../ingest/import/list-files.ts';
import { LINE_FEED, linesOf } from '../lib/lines.ts';
import { systemReason } from '../lib/system-reason.ts';
import { idOf } from '../publish/unparsed-record.ts';
import type { LocalSetting, Store } from '../store/store.ts';

/** The store's setting: the files for refused records that imports were given, as a JSON list of absolute paths. */
const REJECTED_FILES: LocalSetting = 'rejected-files';
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
  const erased = idSets(articles);
  for (const file of await rejectedFiles(store, dataFolder)) {
    try {
      if (await hasRecord(file, erased)) {
        if (isGrowing(file)) failures.push(`an import writes ${file}`);
        else await rewrite(file, erased);
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

async function hasRecord(file: string, erased: IdSets): Promise<boolean> {
  for await (const line of wholeLines(file)) if (isOf(line.toString(), erased)) return true;
  return false;
}

/** Replaces the file only when the new one is complete. Removes a file that would be empty. */
async function rewrite(file: string, erased: IdSets): Promise<void> {
  const part = `${file}.erasing`;
  const { mode } = await stat(file);
  try {
    const opened = await open(part, 'w', mode & 0o777); // a stream may still open its file when reading has failed already
    await pipeline(otherLines(file, erased), opened.createWriteStream({ flush: true }));
    if ((await stat(part)).size > 0) await rename(part, file);
    else await rm(file);
  } finally {
    await rm(part, { force: true });
  }
}

async function* otherLines(file: string, erased: IdSets): AsyncGenerator<Uint8Array> {
  for await (const line of wholeLines(file)) if (!isOf(line.toString(), erased)) yield Buffer.concat([line, LINE_END]);
}

async function* wholeLines(file: string): AsyncGenerator<Buffer> {
  for await (const lines of linesOf(createReadStream(file), MAX_LINE)) {
    for (const { bytes } of lines) {
      if (bytes === undefined) throw new Error(`it has a line of more than ${MAX_LINE} bytes`);
      yield bytes;
    }
  }
}

/** The ids of erased articles, by which their records are found. */
interface IdSets {
  readonly ids: Set<string>;
  readonly publicIds: Set<string>;
}

function idSets(articles: readonly Ids[]): IdSets {
  return {
    ids: new Set(articles.map(({ id }) => id)),
    publicIds: new Set(articles.map(({ publicId }) => publicId)),
  };
}

/** Whether a text has the record of one of the articles. A text that is not JSON has it if it names the id. */
function isOf(text: string, { ids, publicIds }: IdSets): boolean {
  const record = parsedOrUndefined(text);
  if (record === undefined) return [...ids].some((id) => text.includes(JSON.stringify(id)));
  const publicId: unknown = typeof record === 'object' && record !== null ? Reflect.get(record, 'publicId') : undefined;
  return ids.has(idOf(record)) || (typeof publicId === 'string' && publicIds.has(publicId));
}

/** The records of erased articles. Their text must not come back into a file. */
export interface ErasedRecords {
  /** Learns of the articles that were erased since the last call. */
  readonly catchUp: () => Promise<void>;
  /** @param id the id that the record's file or feed gives it */
  readonly has: (text: string, id: string | undefined) => boolean;
}

export function createErasedRecords(store: Pick<Store, 'erasedAfter' | 'articles'>): ErasedRecords {
  const erased = idSets([]);
  let last = 0;

  return {
    async catchUp() {
      const newest = (await store.erasedAfter(last)).at(-1)?.revision;
      if (newest === undefined) return;
      for (const { id, publicId } of await erasedAfter(store, last)) {
        erased.ids.add(id);
        erased.publicIds.add(publicId);
      }
      last = newest;
    },
    has: (text, id) => erased.ids.size > 0 && ((id !== undefined && erased.ids.has(id)) || isOf(text, erased)),
  };
}

async function erasedAfter(store: Pick<Store, 'erasedAfter' | 'articles'>, revision: number): Promise<readonly Ids[]> {
  const erased = await store.erasedAfter(revision);
  return (await store.articles(erased.map(({ number }) => number))).map(({ article }) => article);
}

/** Removes the records that an import wrote before their articles were erased. Call this when its file is complete. */
export async function removeErasedSince(
  { store, path }: { readonly store: Pick<Store, 'setting' | 'erasedAfter' | 'articles'>; readonly path: string },
  revision: number,
): Promise<readonly string[]> {
  const erased = await erasedAfter(store, revision);
  return erased.length === 0 ? [] : await removeRejectedRecords(store, path, erased);
}

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
