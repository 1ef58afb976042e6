import {
  inputSchema,
  type JsonSchema,
  type Meanings,
  mapSchema,
  withMeanings,
  withNumbers,
} from '../lib/json-schema.ts';
import { isPartnerText, partnerSchema } from './partners.ts';

const feedKeys = (which: string) => ({
  description: `The selection has the articles that are in ${which} of these feeds: section/…, tag/…, author/…, language/… or latest.`,
});
const LENGTH = {
  minutes: { description: 'Minutes.', examples: [30] },
  hours: { description: 'Hours.' },
  days: { description: 'Days.' },
};

/** What the fields of partners' files mean. The schema that reads the files gives their types and defaults. */
const MEANINGS: Meanings = new Map(
  Object.entries({
    name: { description: 'The partner’s name, for people. The name of the file is the id.', examples: ['MSN'] },
    dialect: { description: 'The form in which the partner reads feeds. docs/dialects.md describes each.' },
    feeds: {
      description: 'Feeds of the publication that the partner may fetch. Either these or `select`.',
      examples: [['latest'], ['section/world', 'rivers']],
    },
    select: {
      description: 'A selection of the partner’s own, at the address selection.{format}. Either this or `feeds`.',
    },
    'select.any': feedKeys('at least one'),
    'select.all': feedKeys('all'),
    'select.none': feedKeys('none'),
    'select.urgency': {
      description: 'The least urgent story: from 1, a flash, to 9. A story without an urgency counts as 5.',
      examples: [4],
    },
    contentType: { description: 'What the entries are, for dialects that take one kind a feed.' },
    language: {
      description: 'The language of the feeds, for consumers that want a region. By default that of each feed.',
      examples: ['en-GB'],
    },
    content: { description: '`full`, the whole story, or `summary`, the standfirst. By default that of the dialect.' },
    window: { description: 'Which stories a document has, the newest first.' },
    'window.entries': { description: 'The most stories. By default that of the dialect.' },
    'window.offset': { description: 'The newest stories that are left out.' },
    'window.minutes': { description: 'Minutes since its publication for which a story is in the document.' },
    'window.hours': { description: 'Hours since its publication for which a story is in the document.' },
    'window.days': { description: 'Days since its publication for which a story is in the document.' },
    delay: { description: 'The holdback: how long after its publication a story appears. By default at once.' },
    copyright: {
      description: 'The copyright line of every story. {copyright} stands for that of the story.',
      examples: ['{copyright}, via MSN'],
    },
    terms: { description: 'The terms of the contract: an address or a sentence.' },
    media: { description: 'Which pictures the partner gets. By default all but those with `syndicate: false`.' },
    'media.withoutCredits': {
      description: 'Pictures whose credit contains one of these texts are left out.',
      examples: [['Reuters', 'AFP']],
    },
    'media.onlySyndicated': { description: 'Whether only pictures with `syndicate: true` are passed on.' },
    campaign: {
      description: 'Parameters that are added to the link of every story.',
      examples: [{ utm_source: 'msn' }],
    },
    podcast: { description: 'What a podcast says of itself, for the dialect podcast.' },
    'podcast.category': { description: 'A category of Apple’s list. By default News.' },
    'podcast.subcategory': { description: 'A subcategory of the category.', examples: ['Daily News'] },
    'podcast.explicit': { description: 'Whether it has language or scenes that are not for children.' },
    'podcast.image': {
      description: 'A square picture of 1,400 to 3,000 pixels, JPEG or PNG. By default the icon of the publication.',
    },
    'podcast.owner': { description: 'Whom directories write to. By default the contact of the publication.' },
    'podcast.owner.name': { description: 'The name.' },
    'podcast.owner.email': { description: 'The e-mail address.' },
    rate: { description: 'Requests a minute and key. By default the limit of the service alone.', examples: [60] },
    retention: { description: 'How long the feeds list a story that was withdrawn or has ended. By default 30 days.' },
    ...Object.fromEntries(
      ['delay', 'retention'].flatMap((field) =>
        Object.entries(LENGTH).map(([unit, meaning]) => [`${field}.${unit}`, meaning]),
      ),
    ),
  }),
);

/**
 * The JSON Schema of partners' files, for editors. It takes what `parsePartner` takes, and refuses what it refuses, but for limits
 * of length, for feeds that do not exist, and for the units of a window.
 */
export function partnerFileSchema(): JsonSchema {
  const { $schema, ...schema } = withValuesAsText(
    withNumbers(
      withMeanings(inputSchema(partnerSchema), MEANINGS),
      (field) => isPartnerText(field) && !CHOICES.has(field),
    ),
  );
  return {
    $schema,
    title: 'A partner of Feed Publisher',
    description: 'partners/{id}.yaml: a licensed consumer and its feeds. docs/partners.md has all rules.',
    ...schema,
    oneOf: [{ required: ['feeds'] }, { required: ['select'] }],
  };
}

/** The fields that are one of a list of words. */
const CHOICES: ReadonlySet<string> = new Set(['dialect', 'contentType', 'content', 'category']);

/** The values of a campaign are text, and YAML takes some for numbers. */
function withValuesAsText(schema: JsonSchema): JsonSchema {
  return mapSchema(schema, (part, path) =>
    path === 'campaign.*' && part.type === 'string' ? { ...part, type: ['string', 'number'] } : part,
  );
}
