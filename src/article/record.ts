import { z } from 'zod';
import { excerpt, type Problem, PublisherError } from '../errors.ts';
import {
  email,
  ID,
  instant,
  integerBetween,
  languageTag,
  list,
  longText,
  MAX_NAME,
  object,
  oneOf,
  singleLine,
  singleLineOrEmpty,
  term,
  webAddress,
} from '../lib/fields.ts';
import { composed, xmlText } from '../lib/text.ts';
import { isUri, webUrl } from '../lib/url.ts';
import { mediaUrl, type Newsroom } from './newsroom.ts';
import { MAX_NAMES } from './record-fields.ts';
import type { ResolveUrl } from './sanitize-rules.ts';

const MAX_ID = 512;
/** Most persons who are heard or seen in one sound or film. */
const MAX_PERSONS = 100;
const RIGHTS_RULE = 'must be an object with endsAt, partners or both. The holder of the rights is copyright';
/** Most characters of a body. */
export const MAX_BODY = 4 * 1024 * 1024;

/** The media type of a file with chapters, whatever its ending is (podcast namespace). */
const CHAPTERS = 'application/json+chapters';

const bytes = integerBetween(0, Number.MAX_SAFE_INTEGER);
const pixels = integerBetween(1, 100_000);
const MEDIA_TYPE_RULE = 'must be a media type, as audio/mpeg (RFC 6838)';
const mediaType = z
  .string({ error: 'must be a media type, as audio/mpeg' })
  // Both cases of letters: a pattern of JSON Schema has no flags.
  .regex(/^[A-Za-z0-9][A-Za-z0-9!#$^_.+-]*\/[A-Za-z0-9][A-Za-z0-9!#$^_.+-]*$/, MEDIA_TYPE_RULE)
  .meta({ patternErrorMessage: MEDIA_TYPE_RULE });

const flag = z.boolean({ error: 'must be true or false' });

const PARTNER_RULE = 'must be the id of a partner: the name of its file in partners/, without .yaml';
export const partner = z
  .string({ error: PARTNER_RULE })
  .transform(composed)
  .refine((value) => ID.test(value), { error: PARTNER_RULE });

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
export function recordSchema(resolve: ResolveUrl) {
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
      syndicate: flag.optional(),
    }).optional(),
    media: list(
      object({
        url: address,
        type: mediaType.optional(),
        length: bytes.optional(),
        duration: z.number({ error: 'must be a number of seconds' }).min(0, 'must not be negative').optional(),
        title: singleLineOrEmpty(500).optional(),
        transcript: object({
          url: address,
          type: mediaType.optional(),
          language: languageTag.optional(),
        }).optional(),
        chapters: object({ url: address, type: mediaType.default(CHAPTERS) }).optional(),
        persons: list(
          object({
            name: singleLine(MAX_NAME),
            role: singleLineOrEmpty(100).optional(),
            group: singleLineOrEmpty(100).optional(),
            url: address.optional(),
            image: address.optional(),
          }),
          MAX_PERSONS,
        ).optional(),
      }),
      50,
    ).default([]),
    source: object({ name: singleLine(500), url: address }).optional(),
    copyright: singleLineOrEmpty(1000).optional(),
    license: address.optional(),
    translations: list(object({ language: languageTag, url: address }), 100).default([]),
    urgency: integerBetween(1, 9).optional(),
    correction: object({ note: singleLine(2000), at: instant.optional() }).optional(),
    rights: object({ endsAt: instant.optional(), partners: list(partner, 1000).optional() }, RIGHTS_RULE).optional(),
  });
}

/** A record that fits the schema. */
export type RecordFields = z.infer<ReturnType<typeof recordSchema>>;

const schemas = new WeakMap<Newsroom, ReturnType<typeof recordSchema>>();

/** The schema for the records of a newsroom, compiled. */
export function schemaFor(newsroom: Newsroom): ReturnType<typeof recordSchema> {
  let schema = schemas.get(newsroom);
  if (schema === undefined) {
    const resolve = (reference: string) => mediaUrl(reference, newsroom) ?? webUrl(reference, newsroom.url);
    schema = z.compile(recordSchema(resolve), { strict: true }); // compiled to one function for valid records
    schemas.set(newsroom, schema);
  }
  return schema;
}

/** The error for a record that breaks these rules. */
export function invalidRecord(record: unknown, problems: Problem[]): PublisherError {
  const id = typeof record === 'object' && record !== null ? Reflect.get(record, 'id') : undefined;
  const name = typeof id === 'string' ? `article “${excerpt(id)}”` : 'article';
  return new PublisherError('invalid_article', `The ${name} cannot be published.`, { problems });
}
