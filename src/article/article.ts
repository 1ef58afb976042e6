import { z } from 'zod';
import { excerpt, type Problem, PublisherError } from '../errors.ts';
import {
  instant,
  integerBetween,
  languageTag,
  list,
  longText,
  object,
  oneOf,
  singleLine,
  singleLineOrEmpty,
  type Term,
  term,
  webAddress,
} from '../lib/fields.ts';
import { type Instant, rfc3339, utcYear } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { problemsOf } from '../lib/problems.ts';
import { composed, type Direction, directionOf, shorten, titleText, xmlText } from '../lib/text.ts';
import { isUri, linkTarget, webUrl } from '../lib/url.ts';
import { adjustment, type OnAdjustment } from './adjustments.ts';
import { BodyLimitError } from './body-limits.ts';
import { countAdjustment, countForbidden, createCounts, reportCounts } from './change-counts.ts';
import { FIELD_SYNONYMS } from './field-synonyms.ts';
import { htmlToText, MAX_DEPTH, markdownToHtml, plainTextToHtml, withDirection } from './html.ts';
import { type MediaFacts, mediaFacts } from './media-facts.ts';
import { adjustRecord, MAX_NAMES } from './record-fields.ts';
import { sanitizeBody } from './sanitize.ts';
import { limitGrowth, type ResolveUrl } from './sanitize-rules.ts';

/** A story that passed `parseArticle`: every text is XML-safe, every address absolute, every date exists. */
export interface Article {
  /** The newsroom's own id. */
  readonly id: string;
  /** The id that consumers see, the same in all formats. A URI, unless the record names an id from an earlier system. */
  readonly publicId: string;
  readonly url: string;
  readonly title: string;
  /** Plain text on one line. */
  readonly summary: string;
  /** The story as sanitized HTML. */
  readonly html: string;
  readonly language: string;
  readonly direction: Direction;
  readonly authors: readonly Author[];
  readonly sections: readonly Term[];
  readonly tags: readonly Term[];
  /** First publication; the end of the embargo where that is later, because readers could not see the story before. */
  readonly publishedAt: Instant;
  /** The last correction after first publication. */
  readonly updatedAt?: Instant;
  readonly embargoUntil?: Instant;
  readonly expiresAt?: Instant;
  readonly withdrawn?: { readonly at: Instant; readonly reason?: string };
  readonly image?: Image;
  readonly media: readonly Media[];
  /** The origin of syndicated copy. */
  readonly source?: { readonly name: string; readonly url: string };
  readonly copyright?: string;
  readonly license?: string;
  readonly translations: readonly { readonly language: string; readonly url: string }[];
}

export interface Author extends Term {
  readonly url?: string;
  readonly email?: string;
  readonly avatar?: string;
}

export interface Image extends Partial<MediaFacts> {
  readonly url: string;
  readonly alt?: string;
  readonly caption?: string;
  readonly credit?: string;
}

export interface Media extends Partial<MediaFacts> {
  readonly url: string;
  readonly type: string;
  /** Seconds. */
  readonly duration?: number;
  readonly title?: string;
}

/** The context in which records are parsed. */
export interface Newsroom {
  /** The site, e.g. `https://example.com/`: the base of relative addresses, and the host in public ids. */
  readonly url: string;
  /** The public address of the feed service, ending in a slash; media is served below it. */
  readonly feedsUrl: string;
  readonly language: string;
  /** The folder with the files that are served below `media/`. */
  readonly mediaFolder: string;
  /** Whether ordinary bodies take the fast path of the sanitizer (default true). The result is the same. */
  readonly sanitizeFastPath?: boolean;
}

const MAX_ID = 512;
/** Most characters of a body. */
export const MAX_BODY = 4 * 1024 * 1024;
/** Some Markdown takes a time that grows with the square of its length. */
const MAX_MARKDOWN = 256 * 1024;
const SUMMARY_LENGTH = 280;
const TOO_MANY_ADDRESSES =
  'must not have so many relative addresses with so long a url: each of them becomes absolute. Shorten the body or the url';

const email = z.email({ error: 'must be an e-mail address' });
const bytes = integerBetween(0, Number.MAX_SAFE_INTEGER);
const pixels = integerBetween(1, 100_000);
const mediaType = z
  .string({ error: 'must be a media type, as audio/mpeg' })
  .regex(/^[a-z0-9][a-z0-9!#$^_.+-]*\/[a-z0-9][a-z0-9!#$^_.+-]*$/i, 'must be a media type, as audio/mpeg (RFC 6838)');

const id = z
  .string({ error: (issue) => (issue.input === undefined ? 'is required' : 'must be text') })
  .transform(composed)
  .refine((value) => value !== '' && value.length <= MAX_ID, {
    error: `must have 1 to ${MAX_ID} characters`,
    abort: true,
  })
  .refine((value) => value.isWellFormed() && !/[\p{Cc}\uFFFE\uFFFF]|^\s|\s$/u.test(value), {
    error: 'must not have control characters, nor white space at its ends',
    abort: true,
  })
  .refine((value) => isUri(value) || value.split('/').every((part) => !['', '.', '..'].includes(part)), {
    error: 'must not have an empty part, “.” or “..” between slashes',
  });

/** Whether the text can be the id of a record (docs/records.md). */
export function isRecordId(text: string): boolean {
  return id.safeParse(text).success;
}

const MAX_PUBLIC_ID = 2048;

/** Consumers compare identities character by character, so that white space inside stays as it is. */
const publicId = z
  .string({ error: 'must be text' })
  .transform((value) => xmlText(value).trim())
  .refine((value) => value !== '', { error: 'must not be empty' })
  .refine((value) => value.length <= MAX_PUBLIC_ID, { error: `must not be longer than ${MAX_PUBLIC_ID} characters` });

/** The schema of docs/records.md. It resolves addresses against the newsroom, so that each newsroom has its own. */
function recordSchema(resolve: ResolveUrl) {
  const address = webAddress(resolve);
  return object({
    id,
    publicId: publicId.optional(),
    url: address,
    title: singleLine(1000),
    summary: singleLineOrEmpty(5000).optional(),
    body: longText(MAX_BODY),
    bodyFormat: oneOf(['html', 'markdown', 'text']).default('html'),
    language: languageTag.optional(),
    authors: list(
      object({ name: term, url: address.optional(), email: email.optional(), avatar: address.optional() }),
      MAX_NAMES.authors,
    ).default([]),
    sections: list(term, MAX_NAMES.sections).default([]),
    tags: list(term, MAX_NAMES.tags).default([]),
    publishedAt: instant,
    updatedAt: instant.optional(),
    embargoUntil: instant.optional(),
    expiresAt: instant.optional(),
    withdrawn: object({ at: instant, reason: singleLineOrEmpty(1000).optional() }).optional(),
    image: object({
      url: address,
      type: mediaType.optional(),
      length: bytes.optional(),
      width: pixels.optional(),
      height: pixels.optional(),
      alt: singleLineOrEmpty(2000).optional(),
      caption: singleLineOrEmpty(2000).optional(),
      credit: singleLineOrEmpty(500).optional(),
    }).optional(),
    media: list(
      object({
        url: address,
        type: mediaType.optional(),
        length: bytes.optional(),
        duration: z.number({ error: 'must be a number of seconds' }).min(0, 'must not be negative').optional(),
        title: singleLineOrEmpty(500).optional(),
      }),
      50,
    ).default([]),
    source: object({ name: singleLine(500), url: address }).optional(),
    copyright: singleLineOrEmpty(1000).optional(),
    license: address.optional(),
    translations: list(object({ language: languageTag, url: address }), 100).default([]),
  });
}

type RecordFields = z.infer<ReturnType<typeof recordSchema>>;

const schemas = new WeakMap<Newsroom, ReturnType<typeof recordSchema>>();

function schemaFor(newsroom: Newsroom): ReturnType<typeof recordSchema> {
  let schema = schemas.get(newsroom);
  if (schema === undefined) {
    const resolve = (reference: string) => mediaUrl(reference, newsroom) ?? webUrl(reference, newsroom.url);
    schema = z.compile(recordSchema(resolve), { strict: true }); // compiled to one function for valid records
    schemas.set(newsroom, schema);
  }
  return schema;
}

/**
 * Parses a record. This is the only entry for untrusted data: the article needs no further check.
 *
 * @param onAdjustment receives each change that the record needed
 * @throws PublisherError `invalid_article` with every problem of the record, each with its field, value and rule
 */
export function parseArticle(record: unknown, newsroom: Newsroom, onAdjustment?: OnAdjustment): Article {
  const adjusted = adjustRecord(holdsNull(record) ? withoutNulls(record) : record, onAdjustment);
  const result = schemaFor(newsroom).safeParse(adjusted.record);
  if (!result.success)
    throw invalid(record, problemsOf(withIndexes(result.error, adjusted.authorIndexes), record, FIELD_SYNONYMS));
  const parsed = result.data;
  const html = cleanBody(record, parsed, newsroom, onAdjustment);
  const problems = problemsBetween(parsed, html, newsroom);
  if (problems.length > 0) throw invalid(record, problems);
  const article = toArticle(parsed, html, newsroom);
  if (onAdjustment !== undefined) reportReplaced(parsed, article, onAdjustment);
  return article;
}

/** @throws PublisherError `invalid_article` for a body beyond a limit */
function cleanBody(record: unknown, parsed: RecordFields, newsroom: Newsroom, onAdjustment?: OnAdjustment): string {
  const { resolve, isExceeded } = limitGrowth(resolverFor(parsed.url, newsroom));
  const refusal = (rule: string) => invalid(record, [{ field: 'body', rule }]);
  try {
    const html = sanitizeBody(bodyHtml(record, parsed, onAdjustment), resolve, newsroom.sanitizeFastPath, onAdjustment);
    if (isExceeded()) throw refusal(TOO_MANY_ADDRESSES);
    if (html === undefined) throw refusal(`must not nest elements deeper than ${MAX_DEPTH} levels`);
    return html;
  } catch (error) {
    if (error instanceof BodyLimitError) throw refusal(error.rule);
    throw error;
  }
}

/** The issues with the indexes that the authors have in the record, where some are removed before the schema. */
function withIndexes(error: z.ZodError, indexes: readonly number[] | undefined): Pick<z.ZodError, 'issues'> {
  if (indexes === undefined) return error;
  const issues = error.issues.map((issue) => {
    const [field, index, ...rest] = issue.path;
    if (field !== 'authors' || typeof index !== 'number') return issue;
    return { ...issue, path: [field, indexes[index] ?? index, ...rest] };
  });
  return { issues };
}

/** Reports the fields of a record that are valid, and that the article does not have as they are. */
function reportReplaced(record: RecordFields, article: Article, onAdjustment: OnAdjustment): void {
  const { updatedAt, image, media } = record;
  // Content systems date every story's update. At the moment of publication it says nothing.
  if (updatedAt !== undefined && updatedAt < article.publishedAt) {
    onAdjustment(adjustment('early_update_ignored', 'updatedAt', 'ignored', { value: rfc3339(updatedAt) }));
  }
  if (image !== undefined) reportFacts('image', image, article.image, onAdjustment);
  for (const [index, item] of media.entries()) {
    reportFacts(`media[${index}]`, item, article.media[index], onAdjustment);
  }
}

const FACTS = ['type', 'length', 'width', 'height'] as const;
type Facts = { readonly [Fact in keyof MediaFacts]?: MediaFacts[Fact] | undefined };

function reportFacts(field: string, named: Facts, used: Facts = {}, onAdjustment: OnAdjustment): void {
  for (const fact of FACTS) {
    const value = named[fact];
    if (value === undefined || value === used[fact]) continue;
    const change = `replaced by ${used[fact] ?? 'nothing'}, as the file in media/ has it`;
    onAdjustment(adjustment('file_facts_used', `${field}.${fact}`, change, { value: String(value) }));
  }
}

/** Resolves the references of one body. Cleaning resolves each several times, and the media folder is asked once for each. */
function resolverFor(storyUrl: string, newsroom: Newsroom): ResolveUrl {
  const local = new Map<string, string | undefined>();
  return (reference) => {
    if (!reference.startsWith('/media/')) return linkTarget(reference, storyUrl);
    if (!local.has(reference)) local.set(reference, mediaUrl(reference, newsroom));
    return local.get(reference) ?? linkTarget(reference, storyUrl);
  };
}

function invalid(record: unknown, problems: Problem[]): PublisherError {
  const id = typeof record === 'object' && record !== null ? Reflect.get(record, 'id') : undefined;
  const name = typeof id === 'string' ? `article “${excerpt(id)}”` : 'article';
  return new PublisherError('invalid_article', `The ${name} cannot be published.`, { problems });
}

/** The body as HTML, before it is sanitized. */
function bodyHtml(record: unknown, { body, bodyFormat }: RecordFields, onAdjustment?: OnAdjustment): string {
  if (bodyFormat === 'html') return body;
  const text = xmlText(body);
  if (bodyFormat === 'markdown' && text.length > MAX_MARKDOWN) throw tooLongMarkdown(record, text);
  const counts = createCounts();
  if (text !== body) countForbidden(counts, body, 'character');
  const countUnused = (label: string) =>
    countAdjustment(counts, 'definition_removed', { noun: 'link definition' }, () => label);
  const html = bodyFormat === 'text' ? plainTextToHtml(text) : markdownToHtml(text, countUnused);
  if (onAdjustment !== undefined) reportCounts(counts, onAdjustment);
  return html;
}

function tooLongMarkdown(record: unknown, markdown: string): PublisherError {
  const rule = `must not be longer than ${MAX_MARKDOWN} characters in Markdown`;
  return invalid(record, [{ field: 'body', value: excerpt(markdown), rule }]);
}

/** The rules that concern several fields. */
function problemsBetween(record: RecordFields, html: string, newsroom: Newsroom): Problem[] {
  const problems: Problem[] = [];
  if (html === '') problems.push({ field: 'body', rule: 'must have something left to show after cleaning' });
  if (record.expiresAt !== undefined && record.expiresAt <= firstPublication(record)) {
    problems.push({ field: 'expiresAt', rule: 'must be later than publishedAt and embargoUntil' });
  }
  record.media.forEach((item, index) => {
    if (item.type === undefined && localFacts(item.url, newsroom) === undefined) {
      problems.push({ field: `media[${index}].type`, rule: 'is required for a file that this service does not hold' });
    }
  });
  return problems;
}

function toArticle(record: RecordFields, html: string, newsroom: Newsroom): Article {
  const language = record.language ?? newsroom.language;
  const direction = directionOf(language);
  const publishedAt = firstPublication(record);
  return omitUndefined({
    id: record.id,
    publicId: record.publicId ?? publicIdFor(record.id, newsroom.url, publishedAt),
    url: record.url,
    title: titleText(record.title, direction),
    summary: record.summary || shorten(htmlToText(html, SUMMARY_LENGTH), SUMMARY_LENGTH) || record.title,
    html: withDirection(html, language, direction),
    language,
    direction,
    authors: record.authors.map(({ name, ...rest }) => omitUndefined({ ...name, ...rest })),
    sections: record.sections,
    tags: record.tags,
    publishedAt,
    // An update before readers could see the story does not count.
    updatedAt: record.updatedAt !== undefined && record.updatedAt > publishedAt ? record.updatedAt : undefined,
    embargoUntil: record.embargoUntil,
    expiresAt: record.expiresAt,
    withdrawn: record.withdrawn && omitUndefined(record.withdrawn),
    image: record.image && omitUndefined({ ...record.image, ...localFacts(record.image.url, newsroom) }),
    media: record.media.map((item) =>
      omitUndefined({ ...item, type: item.type ?? '', ...localFacts(item.url, newsroom) }),
    ),
    source: record.source,
    copyright: record.copyright || undefined,
    license: record.license,
    translations: record.translations,
  });
}

function firstPublication({ publishedAt, embargoUntil }: RecordFields): Instant {
  return Math.max(publishedAt, embargoUntil ?? publishedAt);
}

/** The id if it is a URI; otherwise a tag URI (RFC 4151) of the site's host, the year of first publication and the id. */
function publicIdFor(recordId: string, siteUrl: string, publishedAt: Instant): string {
  if (isUri(recordId)) return recordId;
  const specific = encodeURIComponent(recordId).replaceAll('%2F', '/').replaceAll('%3A', ':');
  return `tag:${new URL(siteUrl).hostname},${utcYear(publishedAt)}:${specific}`;
}

/** `/media/…` is a file of this service if the file exists; otherwise it is a path of the newsroom's site. */
function mediaUrl(reference: string, newsroom: Newsroom): string | undefined {
  if (!reference.startsWith('/media/')) return undefined;
  const url = webUrl(reference.slice(1), newsroom.feedsUrl);
  return url !== undefined && localFacts(url, newsroom) !== undefined ? url : undefined;
}

/** Whether an address is that of a file in the media folder. */
export function isLocalFile(url: string, newsroom: Newsroom): boolean {
  return localFacts(url, newsroom) !== undefined;
}

function localFacts(url: string, newsroom: Newsroom): MediaFacts | undefined {
  const folder = `${newsroom.feedsUrl}media/`;
  if (!url.startsWith(folder)) return undefined;
  try {
    return mediaFacts(newsroom.mediaFolder, decodeURIComponent(url.slice(folder.length)));
  } catch {
    return undefined; // an invalid percent-encoding
  }
}

/** Levels of nesting. No valid record is deeper, and a YAML list can contain itself. */
const MAX_RECORD_DEPTH = 10;

/** Whether a copy without nulls is needed. Most records have none. A record that is too deep counts as well. */
function holdsNull(value: unknown, depth = 0): boolean {
  if (value === null || depth > MAX_RECORD_DEPTH) return true;
  return typeof value === 'object' && Object.values(value).some((item) => holdsNull(item, depth + 1));
}

/** A copy without null values: content systems write null for a missing field. */
function withoutNulls(value: unknown, depth = 0): unknown {
  if (depth > MAX_RECORD_DEPTH) {
    const problems = [{ field: '', rule: `must not be nested deeper than ${MAX_RECORD_DEPTH} levels` }];
    throw new PublisherError('invalid_article', 'The article cannot be published.', { problems });
  }
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (item === null ? [] : [[key, withoutNulls(item, depth + 1)]])),
  );
}

/** The record's JSON Schema (draft 2020-12), for editors and the API's description. */
export function recordJsonSchema(): { readonly required: readonly string[] } {
  const schema = z.toJSONSchema(recordSchema(webUrl), { io: 'input' });
  return { ...schema, required: schema.required ?? [] };
}
