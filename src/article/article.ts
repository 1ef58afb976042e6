import type { z } from 'zod';
import { excerpt, type Problem } from '../errors.ts';
import type { Term } from '../lib/fields.ts';
import { type Instant, rfc3339, utcYear } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { problemsOf } from '../lib/problems.ts';
import { type Direction, directionOf, shorten, titleText } from '../lib/text.ts';
import { isUri } from '../lib/url.ts';
import { adjustment, type OnAdjustment } from './adjustments.ts';
import { cleanBody } from './body.ts';
import { FIELD_SYNONYMS } from './field-synonyms.ts';
import { htmlToText, withDirection } from './html.ts';
import type { MediaFacts } from './media-facts.ts';
import { localFacts, type Newsroom } from './newsroom.ts';
import { holdsNull, withoutNulls } from './nulls.ts';
import { invalidRecord, type RecordFields, schemaFor } from './record.ts';
import { adjustRecord } from './record-fields.ts';

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
  /** How urgent the story is: from 1, a flash, to 9. */
  readonly urgency?: number;
  /** A correction that partners should know of, after first publication. `updatedAt` is not earlier. */
  readonly correction?: { readonly note: string; readonly at: Instant };
  /** Until when partners may have the story, and which: all where `partners` is missing. Readers' own feeds keep it. */
  readonly rights?: { readonly endsAt?: Instant; readonly partners?: readonly string[] };
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
  /** Whether partners may have the picture. */
  readonly syndicate?: boolean;
}

export interface Media extends Partial<MediaFacts> {
  readonly url: string;
  readonly type: string;
  /** Seconds. */
  readonly duration?: number;
  readonly title?: string;
  /** What is said in a sound or a film. */
  readonly transcript?: { readonly url: string; readonly type: string; readonly language?: string };
  /** The chapters of a sound or a film, as a JSON file (application/json+chapters). */
  readonly chapters?: { readonly url: string; readonly type: string };
  readonly persons?: readonly Person[];
}

/** Somebody who is heard or seen. */
export interface Person {
  readonly name: string;
  /** As `host` or `guest` (podcast taxonomy). */
  readonly role?: string;
  readonly group?: string;
  readonly url?: string;
  readonly image?: string;
}

const SUMMARY_LENGTH = 280;

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
    throw invalidRecord(record, problemsOf(withIndexes(result.error, adjusted.authorIndexes), record, FIELD_SYNONYMS));
  const parsed = result.data;
  const html = cleanBody(record, parsed, newsroom, onAdjustment);
  const problems = problemsBetween(parsed, html, newsroom);
  if (problems.length > 0) throw invalidRecord(record, problems);
  const article = toArticle(parsed, html, newsroom);
  if (onAdjustment !== undefined) reportReplaced(parsed, article, onAdjustment);
  return article;
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
  if (record.correction !== undefined && article.correction === undefined)
    onAdjustment(
      adjustment('early_update_ignored', 'correction', 'ignored', { value: excerpt(record.correction.note) }),
    );
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

/** The rules that concern several fields. */
function problemsBetween(record: RecordFields, html: string, newsroom: Newsroom): Problem[] {
  const problems: Problem[] = [];
  if (html === '') problems.push({ field: 'body', rule: 'must have something left to show after cleaning' });
  if (record.expiresAt !== undefined && record.expiresAt <= firstPublication(record)) {
    problems.push({ field: 'expiresAt', rule: 'must be later than publishedAt and embargoUntil' });
  }
  if (record.rights?.endsAt !== undefined && record.rights.endsAt <= firstPublication(record)) {
    problems.push({ field: 'rights.endsAt', rule: 'must be later than publishedAt and embargoUntil' });
  }
  if (record.correction !== undefined && correctedAt(record) === undefined) {
    problems.push({ field: 'correction.at', rule: 'is required in a record without updatedAt' });
  }
  record.media.forEach((item, index) => {
    const { transcript } = item;
    const rule = 'is required for a file that this service does not hold';
    if (lacksType(item, newsroom)) problems.push({ field: `media[${index}].type`, rule });
    if (transcript !== undefined && lacksType(transcript, newsroom))
      problems.push({ field: `media[${index}].transcript.type`, rule });
  });
  return problems;
}

function toArticle(record: RecordFields, html: string, newsroom: Newsroom): Article {
  const language = record.language ?? newsroom.language;
  const direction = directionOf(language);
  const publishedAt = firstPublication(record);
  const corrected = correctedAt(record) ?? publishedAt;
  const updatedAt = Math.max(record.updatedAt ?? publishedAt, corrected);
  const { correction, rights } = record;
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
    updatedAt: updatedAt > publishedAt ? updatedAt : undefined,
    embargoUntil: record.embargoUntil,
    expiresAt: record.expiresAt,
    withdrawn: record.withdrawn && omitUndefined(record.withdrawn),
    image: record.image && omitUndefined({ ...record.image, ...localFacts(record.image.url, newsroom) }),
    media: record.media.map((item) => mediaOf(item, newsroom)),
    source: record.source,
    copyright: record.copyright || undefined,
    license: record.license,
    translations: record.translations,
    urgency: record.urgency,
    correction: correction && corrected > publishedAt ? { note: correction.note, at: corrected } : undefined,
    rights: rights && Object.keys(rights).length > 0 ? omitUndefined(rights) : undefined,
  });
}

interface NamedFile {
  readonly type?: string | undefined;
  readonly url: string;
}

function lacksType({ type, url }: NamedFile, newsroom: Newsroom): boolean {
  return type === undefined && localFacts(url, newsroom) === undefined;
}

function mediaOf(item: RecordFields['media'][number], newsroom: Newsroom): Media {
  const { transcript, persons } = item;
  return omitUndefined({
    ...item,
    type: item.type ?? '',
    ...localFacts(item.url, newsroom),
    transcript: transcript && omitUndefined({ ...transcript, type: typeOf(transcript, newsroom) }),
    persons: persons?.map((person) =>
      omitUndefined({ ...person, role: person.role || undefined, group: person.group || undefined }),
    ),
  });
}

/** The type that a record names, otherwise that of the file. */
function typeOf({ type, url }: NamedFile, newsroom: Newsroom): string {
  return type ?? localFacts(url, newsroom)?.type ?? '';
}

/** When the story was corrected; undefined where the record does not say. */
function correctedAt({ correction, updatedAt }: RecordFields): Instant | undefined {
  return correction === undefined ? undefined : (correction.at ?? updatedAt);
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
