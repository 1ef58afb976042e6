import { describedRecordSchema } from '../article/record-schema.ts';
import { address, count, type Json, language, list, object, oneOf, text, time } from './openapi-types.ts';

/** The schemas of a record: with its id, and at an address that has the id. */
export function recordSchemas(): Readonly<Record<'Record' | 'RecordAtAddress', Json>> {
  const { required = [], ...record } = describedRecordSchema();
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
    'syndicate?': { type: 'boolean', description: 'Whether partners may have the picture.' },
  }),
  media: list(
    object('A sound, a film or another file.', {
      ...mediaFacts,
      type: text('Its media type.'),
      'duration?': { type: 'number', minimum: 0, description: 'Its length in seconds.' },
      'title?': text('Its title.'),
      'transcript?': object('What is said in it.', {
        url: address('Its address.'),
        type: text('Its media type.'),
        'language?': language('The language of the transcript (BCP 47).'),
      }),
      'chapters?': object('Its chapters.', { url: address('Its address.'), type: text('Its media type.') }),
      'persons?': list(
        object('Somebody who is heard or seen.', {
          name: text('The name.'),
          'role?': text('The part of the person.', { examples: ['host'] }),
          'group?': text('The group of the part.', { examples: ['cast'] }),
          'url?': address('A page about the person.'),
          'image?': address('A picture of the person.'),
        }),
        'Who is heard or seen.',
      ),
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
  'urgency?': { type: 'integer', minimum: 1, maximum: 9, description: 'From 1, a flash, to 9.' },
  'correction?': object('A correction that partners must know of.', {
    note: text('What was wrong, and what is right.'),
    at: time('The moment of the correction.'),
  }),
  'rights?': object('Which partners may have the story, and how long.', {
    'endsAt?': time('Partners lose the story then.'),
    'partners?': list(text('The id of a partner.'), 'The partners that may have the story. Without it, all.'),
  }),
});
