import { type Problem, PublisherError } from '../../errors.ts';
import { endOfString, type JsonPart, parseJsonPart, positionsIn, syntaxProblem } from '../../lib/json.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import { lineText, shorten } from '../../lib/text.ts';
import { dates, type SourceDate, sourceDate } from './dates.ts';
import { checkZones } from './item-elements.ts';
import { duration, type Files, files, isImage, mediaType, positiveInteger } from './media-files.ts';
import { UnreadableRecord } from './record.ts';
import {
  authors,
  identity,
  language,
  MAX_SUMMARY,
  MAX_TAGS,
  type Person,
  terms,
  type UrlResolver,
  urlResolver,
} from './record-fields.ts';
import type { ImportReport, SourceRecord, Warn } from './source-record.ts';
import { type Story, storyOf } from './story.ts';
import { withoutStrayBytes } from './utf8.ts';
import type { DocumentText } from './xml-encoding.ts';

/** Above the limit of a record, which has 50. */
const MAX_FILES = 100;
/** Most characters of a document. JSON can only be parsed as a whole, so that it must fit into memory. */
const MAX_JSON = 256 * 1024 * 1024;

interface JsonContext {
  /** The address of the feed. */
  readonly url?: string | undefined;
  readonly report: ImportReport;
}

/**
 * Reads the stories of a JSON Feed 1 or 1.1 when the document is complete. Of an invalid document it reads the complete
 * stories.
 *
 * @throws UnreadableRecord with line and column, after all complete stories
 */
export async function* jsonFeedRecords(
  { chunks, encoding }: DocumentText,
  { url: address, report }: JsonContext,
): AsyncGenerator<SourceRecord> {
  let text = '';
  for await (const chunk of chunks) {
    text += chunk;
    if (text.length > MAX_JSON) throw new UnreadableRecord([{ field: '', rule: 'must not be longer than 256 MB' }]);
  }
  if (encoding.isBroken) text = withoutStrayBytes(text, () => '\uFFFD');
  const context = { text, address, report, isBroken: encoding.isBroken };
  const parts = itemParts(text);
  const { value, problem } = parseJson(text);
  if (problem !== undefined) {
    for (const part of parts) {
      const item = part.end > text.length ? undefined : parseJson(text.slice(part.start, part.end)).value;
      if (item !== undefined) yield sourceRecord(item, {}, part, context);
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
    yield sourceRecord(item, feed, part ?? { ...BEGINNING, end: 0 }, context);
  }
}

const BEGINNING = { start: 0, line: 1, column: 1 };

interface DocumentContext {
  readonly text: string;
  readonly address: string | undefined;
  readonly report: ImportReport;
  /** Whether bytes of the document were not in its encoding. */
  readonly isBroken: boolean;
}

/** The record of an item with the problems of its JSON: the limits on JSON apply to each item. */
function sourceRecord(value: unknown, feed: Fields, part: JsonPart, context: DocumentContext): SourceRecord {
  const { text, address, report, isBroken } = context;
  const faults: [rule: string, element: string][] = [];
  const { problems: own, ...story } = jsonStory(fieldsOf(value), feed, address, (rule, element) =>
    faults.push([rule, element]),
  );
  const { title } = story.record;
  const lost = isBroken ? text.slice(part.start, part.end).indexOf('\uFFFD') : -1;
  if (lost >= 0) faults.push(['must be UTF-8 (RFC 8259 §8.1): other bytes are read as �', '']);
  for (const [rule, element] of faults) report.warning({ field: element, rule, line: part.line }, title);
  const ofJson = part.end === 0 ? [] : problemsOf(() => parseJsonPart(text, part));
  const problems = ofJson.length === 0 ? (own ?? []) : ofJson;
  if (problems.length > 0) return { ...story, line: part.line, problems };
  for (const name of Object.keys(fieldsOf(value))) if (!USED.has(name)) report.unused(name);
  return { ...story, line: part.line };
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
    return { problem: new UnreadableRecord([syntaxProblem(text, error)]) };
  }
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

/** The fields of an item by the fields of a record. */
const ELEMENTS: ReadonlyMap<string, string> = new Map([
  ['id', 'id'],
  ['publicId', 'id'],
  ['url', 'url'],
  ['title', 'title'],
  ['summary', 'summary'],
  ['body', 'content_html'],
  ['publishedAt', 'date_published'],
  ['updatedAt', 'date_modified'],
  ['authors', 'authors'],
  ['tags', 'tags'],
  ['language', 'language'],
  ['image', 'image'],
  ['media', 'attachments'],
]);
const USED = new Set([...ELEMENTS.values(), ...['author', 'banner_image', 'content_text', 'external_url']]);

function jsonStory(item: Fields, feed: Fields, address: string | undefined, warn: Warn): Story {
  const resolve = urlResolver((string(feed.home_page_url) || address) ?? (string(feed.feed_url) || undefined));
  const id = typeof item.id === 'number' ? String(item.id) : string(item.id); // JSON Feed 1 allows a number
  const link = string(item.url) || string(item.external_url) || (/^https?:/i.test(id) ? id : '');
  const html = string(item.content_html);
  const text = string(item.content_text);
  const summary = lineText(string(item.summary));
  const about = shorten(summary, MAX_SUMMARY);
  const body = html || text || summary;
  const published = jsonDate(item.date_published, 'date_published');
  const updated = jsonDate(item.date_modified, 'date_modified');
  checkZones([published, updated], warn);
  const times = dates(published, updated);
  const record = omitUndefined({
    ...identity(id || link),
    url: resolve(link) ?? (link || undefined),
    title: string(item.title) || undefined,
    summary: about === '' || body === summary || about === lineText(text) ? undefined : about,
    body: body || undefined,
    bodyFormat: html === '' && body !== '' ? 'text' : undefined,
    ...times,
    language: language(
      [
        [string(item.language), 'language'],
        [string(feed.language), 'language'],
      ],
      warn,
    ),
    authors: authors(jsonAuthors(item, resolve) ?? jsonAuthors(feed, resolve) ?? [], warn, 'authors'),
    tags: terms(jsonTags(item.tags), MAX_TAGS, warn, 'tags'),
    ...jsonFiles(item, { resolve, body, warn }),
  });
  return storyOf(record, { elements: ELEMENTS, times, published, hasId: id !== '' });
}

/** Some feeds write all tags as one text. */
function jsonTags(tags: unknown): string[] {
  return typeof tags === 'string' ? tags.split(/[,،]/) : listOf(tags).map(string);
}

function jsonDate(value: unknown, name: string): SourceDate | undefined {
  return string(value) === '' ? undefined : sourceDate(string(value), name);
}

function jsonAuthors(fields: Fields, resolve: UrlResolver): Person[] | undefined {
  const people = Array.isArray(fields.authors) ? fields.authors : fields.author === undefined ? [] : [fields.author];
  const named = people.map(fieldsOf).filter(({ name }) => string(name) !== '');
  if (named.length === 0) return undefined;
  return named.map((author) => ({
    name: string(author.name),
    url: resolve(string(author.url)),
    avatar: resolve(string(author.avatar)),
  }));
}

function jsonFiles(
  item: Fields,
  { resolve, body, warn }: { readonly resolve: UrlResolver; readonly body: string; readonly warn: Warn },
): Files {
  const attachments = listOf(item.attachments)
    .slice(0, MAX_FILES)
    .map(fieldsOf)
    .flatMap(({ url: address, mime_type, title, size_in_bytes, duration_in_seconds }) => {
      const url = resolve(string(address));
      if (url === undefined) {
        warn(
          `${JSON.stringify(string(address).slice(0, 100))} is no http or https address: the file is left out`,
          'attachments',
        );
        return [];
      }
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
  return files(
    {
      media: attachments.filter((file) => !isImage(file)),
      pictures: [...(picture === undefined ? [] : [{ url: picture }]), ...attachments.filter(isImage)],
      body,
    },
    warn,
    'attachments',
  );
}
