import { recordJsonSchema } from '../article/article.ts';
import { address, count, type Json, language, list, object, oneOf, text, time } from './openapi-types.ts';

const date = { format: 'date-time', examples: ['2026-11-28T09:30:00+03:00'] };
/** A relative address is completed, and letters outside ASCII are encoded. */
const anyAddress = { format: 'iri-reference' };
const languageTag = language('');

/** What the fields of a record mean, by their paths: the schema that checks records gives their types. */
const FIELDS: ReadonlyMap<string, Json> = new Map(
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
      ...anyAddress,
      description: 'The story’s address. A relative one is completed with the publication’s `url`.',
      examples: ['https://www.example.com/2026/bridge', '/2026/bridge'],
    },
    title: { description: 'Plain text on one line, at most 1,000 characters.' },
    summary: { description: 'The standfirst, plain text. Without it, the beginning of the body.' },
    body: { description: 'The story, in the form that `bodyFormat` names. The service cleans it.' },
    bodyFormat: { description: 'The form of `body`.' },
    language: { ...languageTag, description: 'The language of the story (BCP 47). Without it, the publication’s.' },
    authors: { description: 'The authors, in the order of the byline.' },
    'authors.name': { description: 'The name in the byline.' },
    'authors.url': { ...anyAddress, description: 'The author’s page.' },
    'authors.email': { description: 'The author’s e-mail address.' },
    'authors.avatar': { ...anyAddress, description: 'A picture of the author.' },
    sections: { description: 'Names of sections. The first is the main one. Each has a feed.' },
    tags: { description: 'Names of tags. Each has a feed.' },
    publishedAt: {
      ...date,
      description: 'The first publication (RFC 3339, with a zone). In the future: the story appears then.',
    },
    updatedAt: { ...date, description: 'The last correction. Not in the future.' },
    embargoUntil: { ...date, description: 'The story is hidden until then, and this is its date of publication.' },
    expiresAt: { ...date, description: 'The story is hidden from then on.' },
    withdrawn: { description: 'The story is withdrawn.' },
    'withdrawn.at': { ...date, description: 'The moment of the withdrawal. Not in the future.' },
    'withdrawn.reason': { description: 'The reason, for readers of Atom and JSON Feed.' },
    image: { description: 'The main picture.' },
    'image.url': { ...anyAddress, description: 'Its address. `/media/…` is a file in the data folder’s `media/`.' },
    'image.type': { description: 'Its media type.', examples: ['image/jpeg'] },
    'image.length': { description: 'Its size in bytes.' },
    'image.width': { description: 'Its width in pixels.' },
    'image.height': { description: 'Its height in pixels.' },
    'image.alt': { description: 'What it shows, for those who cannot see it.' },
    'image.caption': { description: 'Its caption.' },
    'image.credit': { description: 'Its author and rights.' },
    media: { description: 'Sounds, films and other files of the story: enclosures in feeds.' },
    'media.url': { ...anyAddress, description: 'Its address. `/media/…` is a file in the data folder’s `media/`.' },
    'media.type': { description: 'Its media type. Required for a file elsewhere.', examples: ['audio/mpeg'] },
    'media.length': { description: 'Its size in bytes.' },
    'media.duration': { description: 'Its length in seconds.' },
    'media.title': { description: 'Its title.' },
    source: { description: 'The feed or site that the story comes from.' },
    'source.name': { description: 'Its name.' },
    'source.url': { ...anyAddress, description: 'Its address.' },
    copyright: { description: 'The holder of the rights. Without it, the publication’s.' },
    license: { ...anyAddress, description: 'The address of the license. Without it, the publication’s.' },
    translations: { description: 'The same story in other languages.' },
    'translations.language': { ...languageTag, description: 'The language of the translation (BCP 47).' },
    'translations.url': { ...anyAddress, description: 'The address of the translation.' },
  }),
);

interface Schema extends Json {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** The schema with what its properties mean. */
function explained(schema: Schema, path: string): Schema {
  const { properties, items } = schema;
  if (items !== undefined) return { ...schema, items: explained(items, path) };
  if (properties === undefined) return schema;
  const prefix = path === '' ? '' : `${path}.`;
  const entries = Object.entries(properties).map(([name, property]): [string, Schema] => {
    const own = prefix + name;
    return [name, { ...explained(property, own), ...FIELDS.get(own) }];
  });
  return { ...schema, properties: Object.fromEntries(entries) };
}

/** The schemas of a record: with its id, and at an address that has the id. */
export function recordSchemas(): Readonly<Record<'Record' | 'RecordAtAddress', Json>> {
  const { required, ...schema } = recordJsonSchema();
  const record = explained(schema, '');
  return {
    Record: {
      ...record,
      description: 'An article as the newsroom hands it over. docs/records.md has all rules.',
      required,
    },
    RecordAtAddress: {
      ...record,
      description: 'A record whose id is in the address. An `id` in the record must be the same.',
      required: required.filter((field) => field !== 'id'),
    },
  };
}

const term = {
  name: text('The name, as feeds show it.', { examples: ['Harbour'] }),
  slug: text('The name in addresses of feeds.', { examples: ['harbour'] }),
};

const mediaFacts = {
  url: address('Its address.'),
  'length?': count('Its size in bytes.'),
  'width?': count('Its width in pixels.', 1),
  'height?': count('Its height in pixels.', 1),
};

/** The story as feeds show it, after cleaning. */
export const storySchema = object('The story as feeds would show it, after cleaning.', {
  id: text('The newsroom’s id.'),
  publicId: text('The id in every feed.'),
  url: address('The story’s address.'),
  title: text('Plain text on one line.'),
  summary: text('Plain text on one line.'),
  html: text('The body as clean HTML.'),
  language: language('The language of the story (BCP 47).'),
  direction: oneOf(['ltr', 'rtl'], 'The direction of its script.'),
  authors: list(
    object('An author.', {
      ...term,
      'url?': address('The author’s page.'),
      'email?': text('The author’s e-mail address.', { format: 'email' }),
      'avatar?': address('A picture of the author.'),
    }),
    'The authors, in the order of the byline.',
  ),
  sections: list(object('A section.', term), 'The first is the main one.'),
  tags: list(object('A tag.', term), 'The tags.'),
  publishedAt: time('The first publication; with an embargo, its end.'),
  'updatedAt?': time('The last correction.'),
  'embargoUntil?': time('The end of the embargo.'),
  'expiresAt?': time('The story is hidden from then on.'),
  'withdrawn?': object('The withdrawal.', {
    at: time('The moment of the withdrawal.'),
    'reason?': text('The reason, for readers of Atom and JSON Feed.'),
  }),
  'image?': object('The main picture.', {
    ...mediaFacts,
    'type?': text('Its media type.'),
    'alt?': text('What it shows, for those who cannot see it.'),
    'caption?': text('Its caption.'),
    'credit?': text('Its author and rights.'),
  }),
  media: list(
    object('A sound, a film or another file.', {
      ...mediaFacts,
      type: text('Its media type.'),
      'duration?': { type: 'number', minimum: 0, description: 'Its length in seconds.' },
      'title?': text('Its title.'),
    }),
    'The files of the story.',
  ),
  'source?': object('The feed or site that the story comes from.', {
    name: text('Its name.'),
    url: address('Its address.'),
  }),
  'copyright?': text('The holder of the rights.'),
  'license?': address('The address of the license.'),
  translations: list(
    object('The same story in another language.', {
      language: language('The language of the translation (BCP 47).'),
      url: address('Its address.'),
    }),
    'The same story in other languages.',
  ),
});
