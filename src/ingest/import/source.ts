import { constants } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { type Problem, PublisherError } from '../../errors.ts';
import { rfc3339 } from '../../lib/instant.ts';
import { decodeJson, parseJson } from '../../lib/json.ts';
import { LINE_FEED, linesOf } from '../../lib/lines.ts';
import { idOf } from '../../publish/publish.ts';
import { type UnparsedRecord, unparsedRecord } from '../../publish/unparsed-record.ts';
import { assumedDate } from './dates.ts';
import { feedRecords } from './feed.ts';
import { isArticleFile, readArticleFile } from './file.ts';
import { jsonListElements } from './json-list.ts';
import { filesBelow } from './list-files.ts';
import { UnreadableRecord } from './record.ts';
import type { SourceRecord } from './source-record.ts';
import { isWordpress, wordpressRecords } from './wordpress.ts';

/** One record of a source, or the reason why there is none. */
export interface Item {
  readonly file: string;
  readonly line?: number;
  /** The id of a record that has a file to itself. `isFromPath`: the record names no id, and the file's path is its id. */
  readonly fileId?: { readonly id: string; readonly isFromPath: boolean };
  readonly content: UnparsedRecord | { readonly problems: readonly Problem[]; readonly text?: string };
}

/** A file, a folder or an address with records. */
export interface ImportSource {
  readonly name: string;
  /** Bytes; undefined if they are unknown before the read. */
  readonly size: number | undefined;
  /**
   * Reads the records one by one.
   *
   * @param onProgress receives the bytes of each read; in all they are the size, even if the source is read twice
   * @param onSkipped receives the reason for each story that is not meant for readers: `draft`, `of type page`
   */
  readonly items: (onProgress: OnProgress, onSkipped: OnSkipped) => AsyncIterable<Item>;
}

type OnProgress = (bytes: number) => void;
type OnSkipped = (reason: string) => void;
type Open = () => AsyncIterable<Uint8Array>;

interface Content {
  /** In bytes. */
  readonly size: number;
  readonly open: Open;
  readonly onProgress: OnProgress;
  readonly onSkipped: OnSkipped;
  /** Gives the id of a record that names none. */
  readonly path?: string;
  /** The address that it was downloaded from. */
  readonly url?: string;
}

/** Most megabytes of a download. */
const MAX_DOWNLOAD = 512;
/** Milliseconds. */
const DOWNLOAD_TIMEOUT = 60_000;
/** Bytes at the beginning of a source that show its format. */
const HEAD = 4096;
/** Most bytes of a line of NDJSON. */
const MAX_LINE = 8 * 1024 * 1024;

/**
 * Finds the sources at a path or an address: a record, a list of records, a feed, a WordPress export, or the files of a
 * folder. A file or folder below it that cannot be read becomes a source with one problem.
 *
 * @throws PublisherError `usage` if there is no such path, `unreachable_source` if an address cannot be downloaded
 */
export async function findSources(location: string): Promise<ImportSource[]> {
  if (/^https?:\/\//i.test(location)) return [await download(location)];
  const status = await stat(location).catch((cause: Error) => {
    const hint = `Check the path and its permissions (${cause.message}).`;
    throw new PublisherError('usage', `Nothing can be read from ${location}.`, { hint, cause });
  });
  if (!status.isDirectory()) return [fileSource(location, basename(location), status.size)];
  const unreadable: ImportSource[] = [];
  const files = await filesBelow(location, '', (folder, error) => {
    unreadable.push(unreadableSource(join(location, folder), error));
  });
  const sizes = await Promise.all(
    files.map((file) =>
      stat(join(location, file)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return [...files.map((file, index) => fileSource(join(location, file), file, sizes[index] ?? 0)), ...unreadable];
}

function unreadableSource(folder: string, error: unknown): ImportSource {
  return {
    name: folder,
    size: 0,
    async *items() {
      yield unreadable(folder, error);
    },
  };
}

/** The item of a file or folder that the system fails to read, from its beginning or further on. Throws other errors. */
function unreadable(file: string, error: unknown): Item {
  if (!(error instanceof Error && 'syscall' in error)) throw error;
  return { file, content: { problems: [{ field: '', rule: `cannot be read: ${error.message}` }] } };
}

/** @param path gives the id of a record that names none */
function fileSource(file: string, path: string, size: number): ImportSource {
  return {
    name: file,
    size,
    async *items(onProgress, onSkipped) {
      const open: Open = () => createReadStream(file, { highWaterMark: 1 << 20 });
      try {
        yield* itemsOf(file, path, { size, open, onProgress, onSkipped });
      } catch (error) {
        yield unreadable(file, error); // after the items that were read
      }
    },
  };
}

function itemsOf(file: string, path: string, content: Content): AsyncIterable<Item> {
  const extension = extname(file).toLowerCase();
  if (extension === '.ndjson' || extension === '.jsonl') return ndjsonItems(file, content);
  if (extension === '.json') return jsonItems(file, { ...content, path });
  if (['.xml', '.rss', '.atom', '.wxr'].includes(extension)) return xmlItems(file, content);
  return isArticleFile(file) ? articleFile(file, path, content.onProgress) : unknownFormat(file);
}

/** Reads a content and reports its progress. If it is read several times, each reports its share. */
async function* chunksOf({ open, onProgress }: Content, times = 1): AsyncGenerator<Uint8Array> {
  for await (const chunk of open()) {
    onProgress(chunk.length / times);
    yield chunk;
  }
}

async function* unknownFormat(file: string): AsyncGenerator<Item> {
  const rule = 'must end in .json, .ndjson, .md, .txt, .xml, .rss or .atom';
  yield { file, content: { problems: [{ field: '', rule }] } };
}

async function* articleFile(file: string, path: string, onProgress: OnProgress): AsyncGenerator<Item> {
  const [bytes, status] = await Promise.all([readFile(file), stat(file)]);
  onProgress(bytes.length);
  try {
    const { record, dateIsOptional, idIsFromPath = false } = readArticleFile(bytes, path);
    const modified = rfc3339(Math.floor(status.mtimeMs));
    const fileId = { id: idOf(record), isFromPath: idIsFromPath };
    yield { file, fileId, content: contentOf(record, dateIsOptional ? modified : undefined) };
  } catch (error) {
    yield { file, content: { problems: problemsIn(error) } };
  }
}

/** NDJSON: one JSON object a line. */
async function* ndjsonItems(file: string, content: Content): AsyncGenerator<Item> {
  for await (const group of linesOf(chunksOf(content), MAX_LINE)) {
    for (const { number: line, bytes } of group) {
      yield { file, line, content: bytes === undefined ? { problems: [TOO_LONG] } : { json: bytes } };
    }
  }
}

const TOO_LONG: Problem = { field: '', rule: `must not be longer than ${MAX_LINE} bytes` };

/** JSON: a JSON Feed, a list of records, or one record. */
async function* jsonItems(file: string, content: Content): AsyncGenerator<Item> {
  const { size, path } = content;
  if (size > LONGEST_TEXT) {
    yield { file, content: { problems: [TOO_LONG_FOR_JSON] } };
    return;
  }
  const bytes = await readAll(chunksOf(content));
  try {
    const text = decodeJson(bytes);
    if (/^[ \t\r\n]*\[/.test(text)) yield* listItems(file, text);
    else if (isJsonFeed(text)) yield* records(file, feedRecords(once(bytes), feedSource(content)));
    else {
      const value = parseJson(bytes); // reports syntax errors better than `readArticleFile`
      const { record, idIsFromPath = false } = path === undefined ? { record: value } : readArticleFile(bytes, path);
      yield { file, fileId: { id: idOf(record), isFromPath: idIsFromPath }, content: contentOf(record) };
    }
  } catch (error) {
    yield { file, content: { problems: problemsIn(error), text: bytes.toString() } };
  }
}

/** Most bytes of one string in V8. */
const LONGEST_TEXT = constants.MAX_STRING_LENGTH;
const TOO_LONG_FOR_JSON: Problem = {
  field: '',
  rule: `must not be longer than ${LONGEST_TEXT} bytes: convert it to NDJSON, one record a line, which may have any length`,
};

function* listItems(file: string, text: string): Generator<Item> {
  for (const element of jsonListElements(text)) {
    if ('problems' in element) yield { file, content: element };
    else yield { file, line: element.line, content: contentOf(element.value) };
  }
}

/** Whether an object is a JSON Feed: it has its version, or items, which no record has. It may be cut off. */
function isJsonFeed(text: string): boolean {
  if (!/jsonfeed\.org|"items"/.test(text)) return false; // a quick test, so that most documents are parsed once
  try {
    const { version, items } = Object(JSON.parse(text)) as { readonly version?: unknown; readonly items?: unknown };
    return Array.isArray(items) || (typeof version === 'string' && version.startsWith('https://jsonfeed.org/version/'));
  } catch {
    return /"version"\s*:\s*"https:\\?\/\\?\/jsonfeed\.org\\?\/version\\?\//.test(text.slice(0, HEAD));
  }
}

/** XML: RSS, Atom or a WordPress export. An export is read twice: its pictures may follow the stories that use them. */
async function* xmlItems(file: string, content: Content): AsyncGenerator<Item> {
  const isExport = isWordpress(await headOf(content.open()));
  yield* records(
    file,
    isExport
      ? wordpressRecords(() => chunksOf(content, 2), content.onSkipped)
      : feedRecords(chunksOf(content), feedSource(content)),
  );
}

function feedSource({ url }: Content): { readonly url?: string } {
  return url === undefined ? {} : { url };
}

async function* records(file: string, found: AsyncIterable<SourceRecord>): AsyncGenerator<Item> {
  try {
    for await (const { record, line, problems } of found) {
      const publishedAt = assumedDate(record);
      if (problems !== undefined) yield { file, content: { problems, text: JSON.stringify(record) } };
      else yield { file, line, content: contentOf(record, publishedAt) };
    }
  } catch (error) {
    yield { file, content: { problems: problemsIn(error) } };
  }
}

/** @param publishedAt the date of a record that names none, unless readers know another date of its article */
function contentOf(record: unknown, publishedAt?: string): UnparsedRecord {
  if (publishedAt === undefined) return unparsedRecord(record);
  const id = idOf(record);
  return { ...unparsedRecord(record), publishedAt, ...(id === '' ? {} : { id }) };
}

async function download(address: string): Promise<ImportSource> {
  const { bytes, type } = await bytesAt(address);
  return {
    name: address,
    size: bytes.length,
    items: (onProgress, onSkipped) => {
      const content = { size: bytes.length, open: () => once(bytes), onProgress, onSkipped, url: address };
      if (isNdjson(bytes, address, type)) return ndjsonItems(address, content);
      const isJson = /^\uFEFF?[ \t\r\n]*[[{]/.test(bytes.subarray(0, HEAD).toString());
      return isJson ? jsonItems(address, content) : xmlItems(address, content);
    },
  };
}

/** Whether a download is NDJSON: by its name, its type, or a first line that is an object and not the only one. */
function isNdjson(bytes: Buffer, address: string, type: string): boolean {
  if (
    /\.(ndjson|jsonl)$/i.test(new URL(address).pathname) ||
    /^application\/(x-)?(ndjson|jsonl|json-?lines)\b/i.test(type)
  )
    return true;
  const end = bytes.indexOf(LINE_FEED);
  if (
    end < 0 ||
    end > MAX_LINE ||
    bytes
      .subarray(end, end + HEAD)
      .toString()
      .trim() === ''
  )
    return false;
  try {
    return typeof JSON.parse(bytes.toString('utf8', 0, end)) === 'object';
  } catch {
    return false;
  }
}

async function bytesAt(address: string): Promise<{ readonly bytes: Buffer; readonly type: string }> {
  const unreachable = (hint: string, cause?: unknown) =>
    new PublisherError('unreachable_source', `Nothing can be read from ${address}.`, { hint, cause });
  try {
    const headers = {
      Accept: 'application/feed+json, application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.8',
    };
    const response = await fetch(address, { headers, signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT) });
    if (!response.ok || response.body === null)
      throw unreachable(`The server answered with status ${response.status}. Check the address.`);
    const bytes = await readAll(response.body, MAX_DOWNLOAD * 1024 * 1024);
    return { bytes, type: response.headers.get('Content-Type') ?? '' };
  } catch (error) {
    if (error instanceof PublisherError) throw error;
    const reason = error instanceof Error ? (error.cause ?? error.message) : error;
    throw unreachable(`Check the address (${reason}).`, error);
  }
}

async function readAll(chunks: AsyncIterable<Uint8Array>, limit = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > limit)
      throw new PublisherError(
        'too_large',
        `The download is longer than ${MAX_DOWNLOAD} MB: save it to a file, and import the file.`,
      );
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function headOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  for await (const chunk of chunks) return Buffer.from(chunk).subarray(0, HEAD).toString();
  return '';
}

function problemsIn(error: unknown): readonly Problem[] {
  if (error instanceof UnreadableRecord || error instanceof PublisherError) return error.problems;
  throw error;
}
