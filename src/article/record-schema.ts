import {
  inputSchema,
  type JsonSchema,
  type Meanings,
  mapSchema,
  withMeanings,
  withNumbers,
} from '../lib/json-schema.ts';
import { webUrl } from '../lib/url.ts';
import { recordSchema } from './record.ts';
import { TEXT_FIELDS } from './record-fields.ts';

const DATES = { examples: ['2026-11-28T09:30:00+03:00'] };
const LANGUAGES = { examples: ['en', 'ckb', 'pt-BR'] };

/** What the fields of a record mean. The schema that checks records gives their types. */
const MEANINGS: Meanings = new Map(
  Object.entries({
    id: {
      description: 'The newsroom’s own id: unique, never used again, 1 to 512 characters. It may contain slashes.',
      examples: ['2026/bridge'],
    },
    publicId: {
      description: 'The id under which readers know the story from an earlier system. Without it, one is made of `id`.',
      examples: ['https://www.example.com/?p=4711'],
    },
    url: {
      description: 'The story’s address. A relative one is completed with the publication’s `url`.',
      examples: ['https://www.example.com/2026/bridge', '/2026/bridge'],
    },
    title: { description: 'Plain text on one line, at most 1,000 characters.' },
    summary: { description: 'The standfirst, plain text. Without it, the beginning of the body.' },
    body: { description: 'The story, in the form that `bodyFormat` names. The service cleans it.' },
    bodyFormat: { description: 'The form of `body`.' },
    language: { ...LANGUAGES, description: 'The language of the story (BCP 47). Without it, the publication’s.' },
    authors: { description: 'The authors, in the order of the byline.' },
    'authors.name': { description: 'The name in the byline.' },
    'authors.url': { description: 'The author’s page.' },
    'authors.email': { description: 'The author’s e-mail address.' },
    'authors.avatar': { description: 'A picture of the author.' },
    sections: {
      description: 'Names of sections. The first is the main one. Each has a feed.',
      examples: [['Harbour']],
    },
    tags: { description: 'Names of tags. Each has a feed.' },
    publishedAt: {
      ...DATES,
      description: 'The first publication (RFC 3339, with a zone). In the future: the story appears then.',
    },
    updatedAt: { ...DATES, description: 'The last correction. Not in the future.' },
    embargoUntil: { ...DATES, description: 'The story is hidden until then, and this is its date of publication.' },
    expiresAt: { ...DATES, description: 'The story is hidden from then on.' },
    withdrawn: { description: 'The story is withdrawn.' },
    'withdrawn.at': { ...DATES, description: 'The moment of the withdrawal. Not in the future.' },
    'withdrawn.reason': { description: 'The reason, for readers of Atom and JSON Feed.' },
    image: { description: 'The main picture.' },
    'image.url': { description: 'Its address. `/media/…` is a file in the data folder’s `media/`.' },
    'image.type': { description: 'Its media type.', examples: ['image/jpeg'] },
    'image.length': { description: 'Its size in bytes.' },
    'image.width': { description: 'Its width in pixels.' },
    'image.height': { description: 'Its height in pixels.' },
    'image.alt': { description: 'What it shows, for those who cannot see it.' },
    'image.caption': { description: 'Its caption.' },
    'image.credit': { description: 'Its author and rights.' },
    'image.syndicate': { description: 'Whether partners may have the picture. Readers’ feeds have it in any case.' },
    media: { description: 'Sounds, films and other files of the story: enclosures in feeds.' },
    'media.url': { description: 'Its address. `/media/…` is a file in the data folder’s `media/`.' },
    'media.type': { description: 'Its media type. Required for a file elsewhere.', examples: ['audio/mpeg'] },
    'media.length': { description: 'Its size in bytes.' },
    'media.duration': { description: 'Its length in seconds.' },
    'media.title': { description: 'Its title.' },
    'media.transcript': { description: 'What is said in it, as a file: WebVTT, SubRip, HTML, JSON or plain text.' },
    'media.transcript.url': { description: 'Its address. `/media/…` is a file in the data folder’s `media/`.' },
    'media.transcript.type': { description: 'Its media type. Required for a file elsewhere.', examples: ['text/vtt'] },
    'media.transcript.language': { ...LANGUAGES, description: 'The language of the transcript (BCP 47).' },
    'media.chapters': { description: 'Its chapters, as a JSON file of the podcast namespace.' },
    'media.chapters.url': { description: 'Its address. `/media/…` is a file in the data folder’s `media/`.' },
    'media.chapters.type': { description: 'Its media type.' },
    'media.persons': { description: 'Who is heard or seen.' },
    'media.persons.name': { description: 'The name.' },
    'media.persons.role': { description: 'The part of the person.', examples: ['host', 'guest'] },
    'media.persons.group': { description: 'The group of the part.', examples: ['cast'] },
    'media.persons.url': { description: 'A page about the person.' },
    'media.persons.image': { description: 'A picture of the person.' },
    source: { description: 'The feed or site that the story comes from.' },
    'source.name': { description: 'Its name.' },
    'source.url': { description: 'Its address.' },
    copyright: { description: 'The holder of the rights. Without it, the publication’s.' },
    license: { description: 'The address of the license. Without it, the publication’s.' },
    translations: { description: 'The same story in other languages.' },
    'translations.language': { ...LANGUAGES, description: 'The language of the translation (BCP 47).' },
    'translations.url': { description: 'The address of the translation.' },
    urgency: { description: 'From 1, a flash, to 9. Partners may ask for urgent stories only.', examples: [4] },
    correction: { description: 'A correction that partners must know of.' },
    'correction.note': { description: 'What was wrong, and what is right. Plain text on one line.' },
    'correction.at': { ...DATES, description: 'The moment of the correction. Without it, `updatedAt`.' },
    rights: { description: 'Which partners may have the story, and how long. Readers’ feeds have it in any case.' },
    'rights.endsAt': { ...DATES, description: 'Partners lose the story then.' },
    'rights.partners': {
      description: 'The ids of the partners that may have the story. Without it, all.',
      examples: [['msn', 'wire']],
    },
  }),
);

/** The record's JSON Schema as a content system should send it. It comes from the schema that checks records. */
export function describedRecordSchema(): JsonSchema {
  return mapSchema(described(), ({ patternErrorMessage: _, ...part }) => part);
}

function described(): JsonSchema {
  return withMeanings(inputSchema(recordSchema(webUrl)), MEANINGS);
}

/**
 * The JSON Schema of a record in a file, for editors. It takes what `parseArticle` takes: null for a missing field, and numbers
 * for texts and ids. An entry of a list that would be removed is an error.
 */
export function recordFileSchema(): JsonSchema {
  const {
    $schema,
    properties,
    required = [],
    ...rest
  } = withNulls(withNumbers(described(), (field) => field === 'body' || TEXT_FIELDS.has(field)));
  const { id, ...fields } = properties ?? {};
  return {
    $schema,
    title: 'A record of Feed Publisher',
    description: 'One article. docs/records.md has all rules.',
    ...rest,
    properties: {
      id: {
        ...id,
        type: ['string', 'integer', 'null'],
        description: `${id?.description} Without it, the file’s path below articles/. Required in bulk requests, lists and NDJSON.`,
      },
      ...fields,
    },
    required: required.filter((field) => field !== 'id'),
  };
}

/** The schema in which a field that may be missing may be null. */
function withNulls(schema: JsonSchema): JsonSchema {
  return mapSchema(schema, (part) => {
    if (part.properties === undefined) return part;
    const fields = Object.entries(part.properties).map(([name, field]) => [
      name,
      part.required?.includes(name) ? field : orNull(field),
    ]);
    return { ...part, properties: Object.fromEntries(fields) };
  });
}

function orNull(field: JsonSchema): JsonSchema {
  const { type, enum: values } = field;
  const types = type === undefined ? {} : { type: [type, 'null'].flat() };
  return { ...field, ...types, ...(Array.isArray(values) ? { enum: [...values, null] } : {}) };
}
