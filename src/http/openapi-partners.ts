import { CONTENT_TYPES, DIALECTS } from '../feed/dialects.ts';
import { FORMATS } from '../feed/feeds.ts';
import { MEMBERSHIP_RULES } from '../partner/memberships.ts';
import { json, operation, pathParameter, queryParameter } from './openapi-operations.ts';
import { address, count, type Json, list, object, oneOf, text, time } from './openapi-types.ts';

const partner = text('The id of the partner: the name of its file without `.yaml`.', { examples: ['herald'] });
const feedName = text('The feed as addresses of the partner have it; `selection` is a selection of its own.', {
  examples: ['latest', 'selection'],
});
const nextCursor = (example: string) =>
  text('The `cursor` of the next page. The last page has none.', { examples: [example] });

const PARTNER = object('A partner, with the addresses of its feeds and of its change feed.', {
  partner,
  name: text('The name of the partner.', { examples: ['The Herald'] }),
  dialect: oneOf(DIALECTS, 'The form in which the partner reads feeds.'),
  contentType: oneOf(CONTENT_TYPES, 'What the entries are.'),
  feeds: list(
    object('A feed of the partner.', {
      feed: feedName,
      addresses: object(
        'The address of the feed in each format of the dialect, without a key.',
        Object.fromEntries(FORMATS.map((format) => [`${format}?`, address(`The feed as ${format}.`)])),
      ),
    }),
    'The feeds of the partner.',
  ),
  changes: address('The address of the change feed, without a key.'),
});

const SKIPPED = object('A story that a rule leaves out of a feed.', {
  feed: feedName,
  article: text('The newsroom’s id of the article.', { examples: ['2026/bridge'] }),
  revision: count('The revision of the article that breaks the rule.', 1),
  since: time('When this revision would have come to the partner.'),
  rule: text('The id of the rule. `unrenderable`: the story cannot be rendered.', { examples: ['title-too-short'] }),
  reason: text('What is wrong with the story.', { examples: ['The title has 12 characters, fewer than 21.'] }),
  field: text('The field of the record; empty where the rule is about none.', { examples: ['title'] }),
  asks: text('What the consumer asks.', { examples: ['A title has 21 to 150 characters.'] }),
  'evidence?': oneOf(
    ['D', 'C', 'P', 'T', 'M'],
    'Whose word the rule is. D: the consumer’s page. C: code that follows it. P: a third party. T: tried. M: memory.',
  ),
  'source?': text('Where the rule stands.'),
  'read?': text('The day on which the source was read.', { examples: ['2026-11-29'] }),
});

export const partnerSchemas: Json = {
  PartnerPage: object('A page of the list.', {
    partners: list(PARTNER, 'The partners, in the order of their ids.'),
    'cursor?': nextCursor('herald'),
  }),
  SkippedPage: object('A page of the list.', {
    partner,
    skipped: list(SKIPPED, 'Feed by feed, newest story first.'),
    'cursor?': nextCursor('0.100'),
  }),
};

/** Whether a partner gets an article, for the schema of its feeds. */
export const partnerMembership = object('Whether a partner gets the article, and if not, why.', {
  partner,
  'feed?': feedName,
  included: { type: 'boolean', description: 'Whether the current documents of the feed contain the article.' },
  'address?': address('The feed, without a key.'),
  'position?': count('The position among the stories of the documents. Missing where very many partners have it.', 1),
  'rule?': oneOf(MEMBERSHIP_RULES, 'The rule that excludes the article.'),
  'dialectRule?': text('The id of the rule of the partner’s dialect.', { examples: ['title-too-short'] }),
  'reason?': text('The rule in words.'),
});

const partnerPage = {
  partners: [
    {
      ...{ partner: 'herald', name: 'The Herald', dialect: 'msn', contentType: 'article' },
      feeds: [{ feed: 'latest', addresses: { rss: 'https://feeds.example.com/partners/herald/latest.rss' } }],
      changes: 'https://feeds.example.com/partners/herald/changes',
    },
  ],
  cursor: 'herald',
};

const skippedPage = {
  partner: 'herald',
  skipped: [
    {
      ...{ feed: 'latest', article: '2026/bridge', revision: 4711, since: '2026-11-28T06:30:00Z' },
      ...{ rule: 'title-too-short', reason: 'The title has 12 characters, fewer than 21.', field: 'title' },
      ...{ asks: 'A title has 21 to 150 characters.', evidence: 'D' },
      ...{ source: 'https://helpcenter.microsoftstart.com/', read: '2026-11-29' },
    },
  ],
};

const limit = queryParameter('limit', {
  description: 'Entries on a page. A page may have fewer.',
  schema: { type: 'integer', minimum: 1, maximum: 500, default: 100 },
  example: 100,
});

function cursor(example: string): Json {
  return queryParameter('cursor', {
    description: 'The `cursor` of the page before.',
    schema: { type: 'string', minLength: 1 },
    example,
  });
}

function page(name: 'PartnerPage' | 'SkippedPage', summary: string, value: unknown): Json {
  const schema = { $ref: `#/components/schemas/${name}` };
  return { 200: json('A page. The last page has no `cursor`.', { schema, examples: { page: [summary, value] } }) };
}

const listPartners = operation({
  id: 'listPartners',
  tag: 'Partners',
  access: 'read',
  summary: 'List partners',
  description: 'The partners with the addresses of their feeds and change feeds.',
  parameters: [cursor('herald'), limit],
  answers: page('PartnerPage', 'A page that is not the last', partnerPage),
  errors: ['invalid_query'],
});

const listSkipped = operation({
  id: 'listSkipped',
  tag: 'Partners',
  access: 'read',
  summary: 'List what a partner does not get',
  description:
    'The stories that rules of its dialect leave out of the current documents of a partner, with the rule and since when.',
  parameters: [
    pathParameter('partner', {
      description: 'The id of the partner: the name of its file without `.yaml`.',
      schema: { type: 'string', minLength: 1 },
      example: 'herald',
    }),
    cursor('0.100'),
    limit,
  ],
  answers: page('SkippedPage', 'A story with a title that is too short', skippedPage),
  errors: ['invalid_query', 'invalid_path', 'not_found'],
});

export const partnerPaths: Json = {
  '/api/partners': { get: listPartners },
  '/api/partners/{partner}/skipped': { get: listSkipped },
};
