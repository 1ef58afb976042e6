import { compact } from '../compact.ts';
import { lineText, shorten } from '../text.ts';
import { dates, type SourceDate, sourceDate } from './dates.ts';
import type { Imported } from './imported.ts';
import { duration, type Files, files, isImage, mediaType, wholeNumber } from './media-files.ts';
import { UnreadableRecord } from './record.ts';
import {
  authors,
  identity,
  language,
  MAX_SUMMARY,
  type Person,
  type Resolve,
  resolver,
  terms,
} from './record-fields.ts';

/** In characters. A JSON document is whole or nothing, so it has to fit. */
const MAX_JSON = 256 * 1024 * 1024;

/**
 * The stories of a JSON Feed 1 or 1.1, when all of it is there; of one that breaks off, those that are complete.
 *
 * @param address where the feed was found
 * @throws UnreadableRecord with line and column, after all stories that were complete
 */
export async function* jsonFeedRecords(
  chunks: AsyncIterable<string>,
  address: string | undefined,
): AsyncGenerator<Imported> {
  let text = '';
  for await (const chunk of chunks) {
    text += chunk;
    if (text.length > MAX_JSON) throw new UnreadableRecord([{ field: '', rule: 'must not be longer than 256 MB' }]);
  }
  const places = itemPlaces(text);
  const { value, problem } = parseJson(text);
  if (problem !== undefined) {
    for (const { start, end, line } of places) {
      const item = end === undefined ? undefined : parseJson(text.slice(start, end)).value;
      if (item !== undefined) yield { record: jsonRecord(item, {}, address), line };
    }
    throw problem;
  }
  const feed = fieldsOf(value);
  if (!Array.isArray(feed.items)) {
    throw new UnreadableRecord([{ field: 'items', rule: 'must be a list (JSON Feed 1.1)', line: 1 }]);
  }
  for (const [index, item] of feed.items.entries()) {
    yield { record: jsonRecord(item, feed, address), line: places[index]?.line ?? 1 };
  }
}

function parseJson(text: string): { value?: unknown; problem?: UnreadableRecord } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const position = Number(/at position (\d+)/.exec(message)?.[1] ?? text.length);
    const rule = `must be JSON: ${lineText(message).replace(/ in JSON at position .*/, '')}`;
    return { problem: new UnreadableRecord([{ field: '', rule, ...lineAt(text, position) }]) };
  }
}

function lineAt(text: string, position: number): { line: number; column: number } {
  const before = text.slice(0, position);
  return { line: before.split('\n').length, column: position - before.lastIndexOf('\n') };
}

interface ItemPlace {
  readonly start: number;
  readonly line: number;
  /** Absent where the text ends before the item does. */
  end?: number;
}

/** Where the entries of the outermost `items` stand, also in a text that is broken further down. */
function itemPlaces(text: string): ItemPlace[] {
  const places: ItemPlace[] = [];
  let depth = 0;
  let line = 1;
  let key = '';
  let within = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === '\n') line += 1;
    else if (character === '"') {
      const end = stringEnd(text, index);
      if (depth === 1) key = text.slice(index + 1, end);
      index = end;
    } else if (character === '{' || character === '[') {
      if (depth === 1) within = key === 'items' && character === '[';
      if (depth === 2 && within) places.push({ start: index, line });
      depth += 1;
    } else if (character === '}' || character === ']') {
      depth -= 1;
      const last = places.at(-1);
      if (depth === 2 && within && last !== undefined) last.end = index + 1;
    }
  }
  return places;
}

function stringEnd(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index += 1) {
    if (text[index] === '\\') index += 1;
    else if (text[index] === '"') return index;
  }
  return text.length;
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
  const resolve = resolver((string(feed.home_page_url) || address) ?? (string(feed.feed_url) || undefined));
  const link = string(item.url) || string(item.external_url);
  const html = string(item.content_html);
  const text = string(item.content_text);
  const summary = lineText(string(item.summary));
  const about = shorten(summary, MAX_SUMMARY);
  const body = html || text || summary;
  return compact({
    // Version 1 allowed numbers, to be read as text.
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

function jsonAuthors(fields: Fields, resolve: Resolve): Person[] | undefined {
  const people = Array.isArray(fields.authors) ? fields.authors : fields.author === undefined ? [] : [fields.author];
  if (people.length === 0) return undefined;
  return people.map(fieldsOf).map((author) => ({
    name: string(author.name),
    url: resolve(string(author.url)),
    avatar: resolve(string(author.avatar)),
  }));
}

function jsonFiles(item: Fields, resolve: Resolve): Files {
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
          length: wholeNumber(String(size_in_bytes)),
          duration: duration(String(duration_in_seconds)),
        },
      ];
    });
  const picture = resolve(string(item.image)) ?? resolve(string(item.banner_image));
  return files(attachments, [...(picture === undefined ? [] : [{ url: picture }]), ...attachments.filter(isImage)]);
}
