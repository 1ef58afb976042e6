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
import { holdsArticle, readArticleFile } from './file.ts';
import type { Imported } from './imported.ts';
import { elementsOf } from './json-list.ts';
import { filesBelow } from './list-files.ts';
import { UnreadableRecord } from './record.ts';
import { isWordpress, wordpressRecords } from './wordpress.ts';

/** One record of a source, or what stands in its place. */
export interface Item {
  readonly file: string;
  readonly line?: number;
  /** The id of a record that has a file to itself. `isFromPath`: the record names no id, and the file's path is its id. */
  readonly fileId?: { readonly id: string; readonly isFromPath: boolean };
  readonly content: UnparsedRecord | { readonly problems: readonly Problem[]; readonly text?: string };
}

/** Something records can be read from. */
export interface ImportSource {
  readonly name: string;
  /** Bytes, where that is known before it is read. */
  readonly size: number | undefined;
  /**
   * @param advance told of the bytes that were read: as many as its size, however often each is read
   * @param passOver told of each that is not for readers, and why: `draft`, `of type page`
   */
  readonly items: (advance: Advance, passOver: PassOver) => AsyncIterable<Item>;
}

type Advance = (bytes: number) => void;
type PassOver = (why: string) => void;
type Open = () => AsyncIterable<Uint8Array>;

interface Content {
  /** In bytes. */
  readonly size: number;
  readonly open: Open;
  readonly advance: Advance;
  readonly passOver: PassOver;
  /** What the id of a record that names none is made of. */
  readonly path?: string;
  /** Where it was found. */
  readonly url?: string;
}

/** Megabytes an address may send. */
const MAX_DOWNLOAD = 512;
const DOWNLOAD_TIMEOUT = 60_000;
/** Bytes by which a source is known for what it is. */
const HEAD = 4096;
/** Bytes of a line at most. */
const MAX_LINE = 8 * 1024 * 1024;

/**
 * Finds what is at a path or an address: a record, many of them, a feed, a WordPress export, or a folder of these. What in
 * a folder cannot be read is refused when its turn comes.
 *
 * @throws PublisherError `usage` where there is nothing, `unreachable_source` where an address does not answer
 */
export async function findSources(place: string): Promise<ImportSource[]> {
  if (/^https?:\/\//i.test(place)) return [await download(place)];
  const status = await stat(place).catch((cause: Error) => {
    throw new PublisherError('usage', `Nothing can be read from ${place}.`, { hint: cause.message, cause });
  });
  if (!status.isDirectory()) return [fileSource(place, basename(place), status.size)];
  const unreadable: ImportSource[] = [];
  const files = await filesBelow(place, '', (folder, error) => {
    unreadable.push(unreadableSource(join(place, folder), error));
  });
  const sizes = await Promise.all(
    files.map((file) =>
      stat(join(place, file)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return [...files.map((file, index) => fileSource(join(place, file), file, sizes[index] ?? 0)), ...unreadable];
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

/** A file or folder that the system does not let be read, or not to its end. */
function unreadable(file: string, error: unknown): Item {
  if (!(error instanceof Error && 'syscall' in error)) throw error;
  return { file, content: { problems: [{ field: '', rule: `cannot be read: ${error.message}` }] } };
}

/** @param path what the id of a record that names none is made of */
function fileSource(file: string, path: string, size: number): ImportSource {
  return {
    name: file,
    size,
    async *items(advance, passOver) {
      const open: Open = () => createReadStream(file, { highWaterMark: 1 << 20 });
      try {
        yield* itemsOf(file, path, { size, open, advance, passOver });
      } catch (error) {
        yield unreadable(file, error); // and what could be read of it is not lost
      }
    },
  };
}

function itemsOf(file: string, path: string, content: Content): AsyncIterable<Item> {
  const ending = extname(file).toLowerCase();
  if (ending === '.ndjson' || ending === '.jsonl') return ndjsonItems(file, content);
  if (ending === '.json') return jsonItems(file, { ...content, path });
  if (['.xml', '.rss', '.atom', '.wxr'].includes(ending)) return xmlItems(file, content);
  return holdsArticle(file) ? articleFile(file, path, content.advance) : nothing(file);
}

/** The content from its beginning. Where it is read several times, each is a share of the way. */
async function* reading({ open, advance }: Content, times = 1): AsyncGenerator<Uint8Array> {
  for await (const chunk of open()) {
    advance(chunk.length / times);
    yield chunk;
  }
}

async function* nothing(file: string): AsyncGenerator<Item> {
  const rule = 'must end in .json, .ndjson, .md, .txt, .xml, .rss or .atom';
  yield { file, content: { problems: [{ field: '', rule }] } };
}

async function* articleFile(file: string, path: string, advance: Advance): AsyncGenerator<Item> {
  const [bytes, status] = await Promise.all([readFile(file), stat(file)]);
  advance(bytes.length);
  try {
    const { record, dateIsOptional, idIsFromPath = false } = readArticleFile(bytes, path);
    const modified = rfc3339(Math.floor(status.mtimeMs));
    const fileId = { id: idOf(record), isFromPath: idIsFromPath };
    yield { file, fileId, content: contentOf(record, dateIsOptional ? modified : undefined) };
  } catch (error) {
    yield { file, content: { problems: problemsIn(error) } };
  }
}

/** One JSON object a line. */
async function* ndjsonItems(file: string, content: Content): AsyncGenerator<Item> {
  for await (const group of linesOf(reading(content), MAX_LINE)) {
    for (const { number: line, bytes } of group) {
      yield { file, line, content: bytes === undefined ? { problems: [TOO_LONG] } : { json: bytes } };
    }
  }
}

const TOO_LONG: Problem = { field: '', rule: `must not be longer than ${MAX_LINE} bytes` };

/** A JSON Feed, a list of records, or one record. */
async function* jsonItems(file: string, content: Content): AsyncGenerator<Item> {
  const { size, path } = content;
  if (size > LONGEST_TEXT) {
    yield { file, content: { problems: [TOO_LONG_A_TEXT] } };
    return;
  }
  const bytes = await whole(reading(content));
  try {
    const text = decodeJson(bytes);
    if (/^[ \t\r\n]*\[/.test(text)) yield* listItems(file, text);
    else if (isJsonFeed(text)) yield* records(file, feedRecords(once(bytes), foundAt(content)));
    else {
      const value = parseJson(bytes); // tells better what is wrong than who reads one record
      const { record, idIsFromPath = false } = path === undefined ? { record: value } : readArticleFile(bytes, path);
      yield { file, fileId: { id: idOf(record), isFromPath: idIsFromPath }, content: contentOf(record) };
    }
  } catch (error) {
    yield { file, content: { problems: problemsIn(error), text: bytes.toString() } };
  }
}

/** In bytes: what V8 can hold as one string. */
const LONGEST_TEXT = constants.MAX_STRING_LENGTH;
const TOO_LONG_A_TEXT: Problem = {
  field: '',
  rule: `must not be longer than ${LONGEST_TEXT} bytes; as NDJSON, one record a line, it may be of any length`,
};

function* listItems(file: string, text: string): Generator<Item> {
  for (const element of elementsOf(text)) {
    if ('problems' in element) yield { file, content: element };
    else yield { file, line: element.line, content: contentOf(element.value) };
  }
}

/** Whether an object is a feed: it says so, or has items, as no record has. One that breaks off says so in time. */
function isJsonFeed(text: string): boolean {
  if (!/jsonfeed\.org|"items"/.test(text)) return false; // most texts, without reading them twice
  try {
    const { version, items } = Object(JSON.parse(text)) as { readonly version?: unknown; readonly items?: unknown };
    return Array.isArray(items) || (typeof version === 'string' && version.startsWith('https://jsonfeed.org/version/'));
  } catch {
    return /"version"\s*:\s*"https:\\?\/\\?\/jsonfeed\.org\\?\/version\\?\//.test(text.slice(0, HEAD));
  }
}

/** RSS, Atom or a WordPress export, which is read twice: pictures may stand behind the stories that show them. */
async function* xmlItems(file: string, content: Content): AsyncGenerator<Item> {
  const isExport = isWordpress(await beginning(content.open()));
  yield* records(
    file,
    isExport
      ? wordpressRecords(() => reading(content, 2), content.passOver)
      : feedRecords(reading(content), foundAt(content)),
  );
}

function foundAt({ url }: Content): { readonly url?: string } {
  return url === undefined ? {} : { url };
}

async function* records(file: string, found: AsyncIterable<Imported>): AsyncGenerator<Item> {
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
    items: (advance, passOver) => {
      const content = { size: bytes.length, open: () => once(bytes), advance, passOver, url: address };
      if (isNdjson(bytes, address, type)) return ndjsonItems(address, content);
      const isJson = /^\uFEFF?[ \t\r\n]*[[{]/.test(bytes.subarray(0, HEAD).toString());
      return isJson ? jsonItems(address, content) : xmlItems(address, content);
    },
  };
}

/** By its name, its type, or a first line that is a whole object with more behind it. */
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
    if (!response.ok || response.body === null) throw unreachable(`It answered ${response.status}.`);
    const bytes = await whole(response.body, MAX_DOWNLOAD * 1024 * 1024);
    return { bytes, type: response.headers.get('Content-Type') ?? '' };
  } catch (error) {
    if (error instanceof PublisherError) throw error;
    throw unreachable(error instanceof Error ? String(error.cause ?? error.message) : String(error), error);
  }
}

async function whole(chunks: AsyncIterable<Uint8Array>, limit = Number.POSITIVE_INFINITY): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > limit) throw new PublisherError('too_large', `More than ${limit} bytes are not read from an address.`);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function beginning(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  for await (const chunk of chunks) return Buffer.from(chunk).subarray(0, HEAD).toString();
  return '';
}

function problemsIn(error: unknown): readonly Problem[] {
  if (error instanceof UnreadableRecord || error instanceof PublisherError) return error.problems;
  throw error;
}
