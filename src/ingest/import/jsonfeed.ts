import { type Problem, PublisherError } from '../../errors.ts';
import { endOfString, type JsonPart, parseJsonPart, positionsIn } from '../../lib/json.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import { lineText, shorten } from '../../lib/text.ts';
import { dates, type SourceDate, sourceDate } from './dates.ts';
import { duration, type Files, files, isImage, mediaType, positiveInteger } from './media-files.ts';
import { UnreadableRecord } from './record.ts';
import {
  authors,
  identity,
  language,
  MAX_SUMMARY,
  type Person,
  type ResolveUrl,
  terms,
  urlResolver,
} from './record-fields.ts';
import type { SourceRecord } from './source-record.ts';

/** Most characters of a document. JSON can only be parsed as a whole, so that it must fit into memory. */
const MAX_JSON = 256 * 1024 * 1024;

/**
 * Reads the stories of a JSON Feed 1 or 1.1 when the document is complete. Of an invalid document it reads the complete
 * stories.
 *
 * @param address of the feed
 * @throws UnreadableRecord with line and column, after all complete stories
 */
export async function* jsonFeedRecords(
  chunks: AsyncIterable<string>,
  address: string | undefined,
): AsyncGenerator<SourceRecord> {
  let text = '';
  for await (const chunk of chunks) {
    text += chunk;
    if (text.length > MAX_JSON) throw new UnreadableRecord([{ field: '', rule: 'must not be longer than 256 MB' }]);
  }
  const parts = itemParts(text);
  const { value, problem } = parseJson(text);
  if (problem !== undefined) {
    for (const part of parts) {
      const item = part.end > text.length ? undefined : parseJson(text.slice(part.start, part.end)).value;
      if (item !== undefined) yield sourceRecord(jsonRecord(item, {}, address), text, part);
    }
    throw problem;
  }
  const feed = fieldsOf(value);
  if (!Array.isArray(feed.items)) {
    throw new UnreadableRecord([{ field: 'items', rule: 'must be a list (JSON Feed 1.1)', line: 1 }]);
  }
  const problems = problemsOf(() => parseJsonPart(withoutItems(text, parts), { ...BEGINNING, end: text.length }));
  if (problems.length > 0) throw new UnreadableRecord(problems);
  const remaining = parts.values();
  for (const item of feed.items) {
    const part = typeof item === 'object' && item !== null ? remaining.next().value : undefined;
    yield sourceRecord(jsonRecord(item, feed, address), text, part ?? { ...BEGINNING, end: 0 });
  }
}

const BEGINNING = { start: 0, line: 1, column: 1 };

/** The record of an item with the problems of its JSON: the limits on JSON apply to each item. */
function sourceRecord(record: Record<string, unknown>, text: string, part: JsonPart): SourceRecord {
  const problems = part.end === 0 ? [] : problemsOf(() => parseJsonPart(text, part));
  return { record, line: part.line, ...(problems.length === 0 ? {} : { problems }) };
}

function problemsOf(read: () => unknown): readonly Problem[] {
  try {
    read();
    return [];
  } catch (error) {
    if (error instanceof PublisherError) return error.problems;
    throw error;
  }
}

/** The document with a number for each item, which is checked by itself. All line numbers stay the same. */
function withoutItems(text: string, parts: readonly JsonPart[]): string {
  let kept = 0;
  const pieces = parts.map(({ start, end }) => {
    const before = text.slice(kept, start);
    kept = end;
    return `${before}0${'\n'.repeat(text.slice(start, end).split('\n').length - 1)}`;
  });
  return pieces.join('') + text.slice(kept);
}

function parseJson(text: string): { value?: unknown; problem?: UnreadableRecord } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const offset = Number(/at position (\d+)/.exec(message)?.[1] ?? text.length);
    const rule = `must be JSON: ${lineText(message).replace(/ in JSON at position .*/, '')}`;
    return { problem: new UnreadableRecord([{ field: '', rule, ...positionAt(text, offset) }]) };
  }
}

function positionAt(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}

/** The positions of the objects and lists in the outermost `items`, even if the JSON after them is invalid. */
function itemParts(text: string): JsonPart[] {
  const positionOf = positionsIn(text);
  const parts: JsonPart[] = [];
  let depth = 0;
  let key = '';
  let within = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === '"') {
      const end = endOfString(text, index);
      if (depth === 1) key = text.slice(index + 1, end - 1);
      index = end - 1;
    } else if (character === '{' || character === '[') {
      if (depth === 1) within = key === 'items' && character === '[';
      // The end is infinite until it is found.
      if (depth === 2 && within) parts.push({ start: index, end: Number.POSITIVE_INFINITY, ...positionOf(index) });
      depth += 1;
    } else if (character === '}' || character === ']') {
      depth -= 1;
      const last = parts.at(-1);
      if (depth === 2 && within && last !== undefined) parts[parts.length - 1] = { ...last, end: index + 1 };
    }
  }
  return parts;
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function string(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function jsonRecord(value: unknown, feed: Fields, address: string | undefined): Record<string, unknown> {
  const item = fieldsOf(value);
  const resolve = urlResolver((string(feed.home_page_url) || address) ?? (string(feed.feed_url) || undefined));
  const link = string(item.url) || string(item.external_url);
  const html = string(item.content_html);
  const text = string(item.content_text);
  const summary = lineText(string(item.summary));
  const about = shorten(summary, MAX_SUMMARY);
  const body = html || text || summary;
  return omitUndefined({
    // JSON Feed 1 allows a number as id.
    ...identity(typeof item.id === 'number' ? String(item.id) : string(item.id) || link),
    url: resolve(link) ?? (link || undefined),
    title: string(item.title) || undefined,
    summary: about === '' || body === summary || about === lineText(text) ? undefined : about,
    body: body || undefined,
    bodyFormat: html === '' && body !== '' ? 'text' : undefined,
    ...dates(jsonDate(item.date_published), jsonDate(item.date_modified)),
    language: language(string(item.language), string(feed.language)),
    authors: authors(jsonAuthors(item, resolve) ?? jsonAuthors(feed, resolve) ?? []),
    tags: terms(listOf(item.tags).map(string)),
    ...jsonFiles(item, resolve),
  });
}

function jsonDate(value: unknown): SourceDate | undefined {
  return string(value) === '' ? undefined : sourceDate(string(value));
}

function jsonAuthors(fields: Fields, resolve: ResolveUrl): Person[] | undefined {
  const people = Array.isArray(fields.authors) ? fields.authors : fields.author === undefined ? [] : [fields.author];
  if (people.length === 0) return undefined;
  return people.map(fieldsOf).map((author) => ({
    name: string(author.name),
    url: resolve(string(author.url)),
    avatar: resolve(string(author.avatar)),
  }));
}

function jsonFiles(item: Fields, resolve: ResolveUrl): Files {
  const attachments = listOf(item.attachments)
    .map(fieldsOf)
    .flatMap(({ url: address, mime_type, title, size_in_bytes, duration_in_seconds }) => {
      const url = resolve(string(address));
      if (url === undefined) return [];
      return [
        {
          url,
          type: mediaType(string(mime_type), url),
          title: string(title),
          length: positiveInteger(String(size_in_bytes)),
          duration: duration(String(duration_in_seconds)),
        },
      ];
    });
  const picture = resolve(string(item.image)) ?? resolve(string(item.banner_image));
  return files(attachments, [...(picture === undefined ? [] : [{ url: picture }]), ...attachments.filter(isImage)]);
}
