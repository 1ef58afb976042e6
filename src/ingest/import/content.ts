import { constants } from 'node:buffer';
import { extname } from 'node:path';
import { type Problem, PublisherError } from '../../errors.ts';
import { decodeJson, parseJson } from '../../lib/json.ts';
import { LINE_FEED, linesOf } from '../../lib/lines.ts';
import { idOf, type UnparsedRecord, unparsedRecord } from '../../publish/unparsed-record.ts';
import { feedRecords } from './feed.ts';
import { readArticleFile } from './file.ts';
import type { Item, OnAdjusted, OnNote, OnProgress, OnSkipped } from './item.ts';
import { jsonListElements } from './json-list.ts';
import { notedReport } from './notes.ts';
import type { OnOldFeeds } from './old-feeds.ts';
import { UnreadableRecord } from './record.ts';
import type { ImportReport, SourceRecord } from './source-record.ts';
import { isWordpress, wordpressRecords } from './wordpress.ts';

/** The bytes of a source, which may have to be read twice. */
export interface Content {
  /** In bytes; undefined if it is unknown before the read. */
  readonly size: number | undefined;
  /** @param onRead receives the bytes of each read, which are more than the chunks if those were compressed */
  readonly open: (onRead: OnProgress) => AsyncIterable<Uint8Array>;
  readonly onProgress: OnProgress;
  readonly onSkipped: OnSkipped;
  readonly onNote?: OnNote | undefined;
  readonly onAdjusted?: OnAdjusted | undefined;
  readonly onOldFeeds?: OnOldFeeds | undefined;
  /** Gives the id of a record that names none. */
  readonly path?: string;
  /** The address that it was downloaded from. */
  readonly url?: string;
  /** The encoding that the HTTP header names. */
  readonly charset?: string | undefined;
}

/** Bytes at the beginning of a source that show its format. */
const HEAD = 4096;
/** Most bytes of a line of NDJSON. */
const MAX_LINE = 8 * 1024 * 1024;
/** Most bytes of one string in V8. */
export const LONGEST_TEXT = constants.MAX_STRING_LENGTH;

/** Reads a content and reports its progress. If it is read several times, each reports its share. */
function chunksOf({ open, onProgress }: Content, times = 1): AsyncIterable<Uint8Array> {
  return open((bytes) => onProgress(bytes / times));
}

const XML_FILES = ['.xml', '.rss', '.atom', '.wxr', '.rdf'];

/** Reads the records of a file whose name shows that it may have many. Returns undefined for other names. */
export function listedItems(file: string, name: string, content: Content): AsyncIterable<Item> | undefined {
  const extension = extname(name).toLowerCase();
  if (extension === '.ndjson' || extension === '.jsonl') return ndjsonItems(file, content);
  if (extension === '.json') return jsonItems(file, content);
  return XML_FILES.includes(extension) ? xmlItems(file, content) : undefined;
}

/** Reads the records of a download, whose content shows its format. */
export function downloadedItems(address: string, bytes: Buffer, type: string, content: Content): AsyncIterable<Item> {
  if (isNdjson(bytes, address, type)) return ndjsonItems(address, content);
  const isJson = /^\uFEFF?[ \t\r\n]*[[{]/.test(bytes.toString('utf8', 0, HEAD));
  return isJson ? jsonItems(address, content) : xmlItems(address, content);
}

/** Whether a download is NDJSON: by its name, its type, or a first line that is an object and not the only one. */
function isNdjson(bytes: Buffer, address: string, type: string): boolean {
  if (
    /\.(ndjson|jsonl)(\.gz)?$/i.test(new URL(address).pathname) ||
    /^application\/(x-)?(ndjson|jsonl|json-?lines)$/.test(type)
  )
    return true;
  const end = bytes.indexOf(LINE_FEED);
  if (end < 0 || end > MAX_LINE || bytes.toString('utf8', end, end + HEAD).trim() === '') return false;
  try {
    return typeof JSON.parse(bytes.toString('utf8', 0, end)) === 'object';
  } catch {
    return false;
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
  const { size = 0, path } = content;
  const bytes = size > LONGEST_TEXT ? undefined : await readUpTo(LONGEST_TEXT, chunksOf(content));
  if (bytes === undefined) {
    yield { file, content: { problems: [TOO_LONG_FOR_JSON] } };
    return;
  }
  try {
    const text = decodeJson(bytes);
    if (/^[ \t\r\n]*\[/.test(text)) yield* listItems(file, text);
    else if (isJsonFeed(text))
      yield* records(file, (report) => feedRecords(once(bytes), { url: content.url, report }), content);
    else {
      const value = parseJson(bytes); // reports syntax errors better than `readArticleFile`
      if (path === undefined) {
        yield { file, content: contentOf(value) };
        return;
      }
      const { record, idIsFromPath = false, locate } = readArticleFile(bytes, path);
      yield { file, locate, fileId: { id: idOf(record), isFromPath: idIsFromPath }, content: contentOf(record) };
    }
  } catch (error) {
    yield { file, content: { problems: problemsIn(error), text: bytes.toString() } };
  }
}

const TOO_LONG_FOR_JSON: Problem = {
  field: '',
  rule: `must not be longer than ${LONGEST_TEXT} bytes: convert it to NDJSON, one record a line, which may have any length`,
};

/** Returns undefined if there are more bytes. */
export async function readUpTo(limit: number, chunks: AsyncIterable<Uint8Array>): Promise<Buffer | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > limit) return undefined;
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

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
  const { charset, onSkipped, onOldFeeds, open, url } = content;
  const isExport = isWordpress(await headOf(open(() => {})));
  const read = (report: ImportReport) =>
    isExport
      ? wordpressRecords(() => chunksOf(content, 2), onSkipped, charset, report, onOldFeeds)
      : feedRecords(chunksOf(content), { url, charset, report });
  yield* records(file, read, content);
}

/** The records of a feed or an export, with notes of what is not in them. */
async function* records(
  file: string,
  read: (report: ImportReport) => AsyncIterable<SourceRecord>,
  { onNote, onAdjusted }: Pick<Content, 'onNote' | 'onAdjusted'>,
): AsyncGenerator<Item> {
  const report = notedReport(file, onNote, onAdjusted);
  try {
    for await (const { record, line, publishedAt, elements, problems } of read(report)) {
      if (problems !== undefined) yield { file, line, elements, content: { problems, text: JSON.stringify(record) } };
      else yield { file, line, elements, content: contentOf(record, publishedAt) };
    }
  } catch (error) {
    yield { file, content: { problems: problemsIn(error) } };
  }
  report.end();
}

/** @param publishedAt the date of a record that names none, unless readers know another date of its article */
export function contentOf(record: unknown, publishedAt?: string): UnparsedRecord {
  if (publishedAt === undefined) return unparsedRecord(record);
  const id = idOf(record);
  return { ...unparsedRecord(record), publishedAt, ...(id === '' ? {} : { id }) };
}

/** The problems of a record or a source that cannot be read. Throws other errors. */
export function problemsIn(error: unknown): readonly Problem[] {
  if (error instanceof UnreadableRecord || error instanceof PublisherError) return error.problems;
  throw error;
}

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function headOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  for await (const chunk of chunks) return Buffer.from(chunk).subarray(0, HEAD).toString();
  return '';
}
