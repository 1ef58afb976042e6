import { FORMATS } from '../feed/feeds.ts';
import { PROBLEM_KINDS } from '../publish/open-problems.ts';
import { STATUSES } from '../store/store.ts';
import { partnerMembership } from './openapi-partners.ts';
import { recordSchemas, storySchema } from './openapi-record.ts';
import { outboxSchema, statusSchema } from './openapi-status.ts';
import { address, count, type Json, list, object, oneOf, text, time } from './openapi-types.ts';

export function ref(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

const id = text('The newsroom’s id of the article.', { examples: ['2026/bridge'] });
const revision = count('Grows with every change in the store.');
const publicId = text('The id in every feed.', { examples: ['tag:www.example.com,2026:2026/bridge'] });
const publishedAt = time('The first publication; with an embargo, its end.');
const reason = text('The reason, for readers of Atom and JSON Feed.');
const code = text('One of docs/errors.md.', { examples: ['invalid_article'] });
const feedKey = text('The key of a feed: its address without the ending.', { examples: ['latest', 'section/harbour'] });

export const status = oneOf(STATUSES, 'Whether readers see the article now.');

/** What an answer says of a change that was made. */
const change = {
  id,
  revision,
  status,
  'until?': time('The end of the embargo, where the status is `embargoed`.'),
  publicId,
  publishedAt,
  feeds: list(feedKey, 'The feeds that the article belongs to. Under embargo, those that it will be in.'),
  adjustments: list(ref('Adjustment'), 'What the service removed or changed.'),
  warnings: list(ref('Problem'), 'What you may have meant otherwise. The story is published nevertheless.'),
};

const published = oneOf(['created', 'updated', 'unchanged'], 'What the change did.');

export const schemas: Json = {
  ...recordSchemas(),
  Article: object('An article as the store has it.', {
    id,
    publicId,
    revision,
    status,
    publishedAt,
    'withdrawn?': object('The withdrawal.', { at: time('The moment of the withdrawal.'), 'reason?': reason }),
    'erased?': { type: 'boolean', const: true, description: 'The article was erased: its record has what is left.' },
    record: { type: 'object', description: 'The record as the newsroom sent it.' },
  }),
  ArticlePage: object('A page of the list.', {
    articles: list(ref('Article'), 'The articles, in the order of their last change.'),
    'cursor?': text('The `cursor` of the next page. The last page has none.', { examples: ['4711'] }),
  }),
  Change: object('A change that was made.', {
    ...change,
    result: oneOf(
      ['created', 'updated', 'unchanged', 'withdrawn', 'erased'],
      'What the change did: `created`, `updated` or `unchanged` for PUT, `withdrawn`, `erased` or `unchanged` for DELETE.',
    ),
    'media?': list(
      text('The path of a file in the data folder.', { examples: ['media/bridge.jpg'] }),
      'Of an erased article, the files that no other article names. The service leaves them.',
    ),
  }),
  Rehearsal: object('What a change would do. The service keeps nothing of it.', {
    ...change,
    result: published,
    dryRun: { type: 'boolean', const: true, description: 'Nothing was kept.' },
    article: storySchema,
  }),
  Line: {
    description: 'A line of a bulk answer.',
    oneOf: [ref('PublishedLine'), ref('RefusedLine'), ref('TotalsLine')],
  },
  PublishedLine: object('The result of a line whose record was published.', {
    line: count('The number of the line in the request.', 1),
    ...change,
    result: published,
  }),
  RefusedLine: object('The result of a line whose record was refused. It did not stop the others.', {
    'line?': count('The number of the line in the request. Missing where the rest of the request was not read.', 1),
    result: { type: 'string', const: 'refused', description: 'Nothing of this line was published.' },
    code: { ...code, description: 'Why: one of docs/errors.md, such as `invalid_article` or `identity_conflict`.' },
    title: text('The error in words.'),
    problems: list(ref('Problem'), 'Every mistake of the line.'),
  }),
  TotalsLine: object('The last line. A client that misses it has not read the whole answer.', {
    totals: object('How many lines there were of each kind.', {
      created: count('New articles.'),
      updated: count('Articles that changed.'),
      unchanged: count('Articles that were the same before.'),
      refused: count('Refused lines.'),
      adjusted: count('Published lines with adjustments.'),
      warned: count('Published lines with warnings.'),
    }),
  }),
  Adjustment: object('A change that cleaning made to the story: what, where and why.', {
    kind: text('The kind of change. docs/records.md has all.', { examples: ['hidden_text_removed'] }),
    field: text('The path of the field.', { examples: ['body', 'tags[3]'] }),
    change: text('What was done, in words.'),
    'value?': text('An excerpt of what was removed or changed.'),
    reason: text('Why.'),
    count: count('How many elements, characters or entries it is about.', 1),
  }),
  ArticleFeeds: object('Every feed, with the place of the article in it.', {
    id,
    feeds: list(ref('FeedMembership'), 'Every feed, in the order of their keys.'),
    'partners?': list(partnerMembership, 'Every partner, in the order of their ids. Missing where there are none.'),
  }),
  ArticleHistory: object('What was done to an article.', {
    id,
    history: list(ref('HistoryEntry'), 'The changes, oldest first: up to 1,000, the newest.'),
  }),
  HistoryEntry: object('One change to an article.', {
    what: oneOf(
      ['published', 'corrected', 'withdrawn', 'republished', 'erased'],
      'What the change did. `republished`: published again after a withdrawal.',
    ),
    at: time('The moment of the change.'),
    revision,
    by: ref('Actor'),
    status: oneOf(STATUSES, 'The status that the change gave the article.'),
    'until?': time('The end of the embargo, where the status is `embargoed`.'),
    'reason?': text('The reason of a withdrawal.'),
  }),
  Actor: object('Who or what made a change.', {
    kind: oneOf(
      ['key', 'file', 'import', 'command', 'start'],
      'An API key, a file in articles/, an import, a command, or a start that read all stored records again.',
    ),
    'id?': text('The id of the API key.', { examples: ['1cada6413683'] }),
    'name?': text('The name of the API key, or of the command.', { examples: ['cms'] }),
    'path?': text('The path of the file in the data folder.', { examples: ['articles/2026/bridge.md'] }),
    'source?': text('The file or the address that was imported.', { examples: ['https://www.example.com/feed'] }),
  }),
  FeedMembership: object('Whether a feed contains the article, and if not, why.', {
    feed: feedKey,
    included: { type: 'boolean', description: 'Whether the current documents of the feed contain the article.' },
    'position?': count('The position in the documents.', 1),
    'rule?': oneOf(['withdrawn', 'embargo', 'expired', 'selection', 'beyond'], 'The rule that excludes the article.'),
    'reason?': text('The rule in words.'),
  }),
  FeedPage: object('A page of the list.', {
    feeds: list(ref('Feed'), 'The feeds, in the order of their keys.'),
    'cursor?': text('The `cursor` of the next page. The last page has none.', { examples: ['section/harbour'] }),
  }),
  Feed: object('A feed, with what readers can see in it.', {
    feed: feedKey,
    'title?': text('The title of the feed.'),
    articles: count('The articles that readers can see, in the whole feed.'),
    'newest?': time('The date of the newest article.'),
    addresses: object(
      'The address of the feed in each format.',
      Object.fromEntries(FORMATS.map((format) => [format, address(`The feed as ${format}.`)])),
    ),
  }),
  ProblemPage: object('A page of the list.', {
    problems: list(ref('OpenProblem'), 'What is refused now, newest first.'),
    'cursor?': text('The `cursor` of the next page. The last page has none.', { examples: ['17'] }),
  }),
  OpenProblem: object('Something that the newsroom has to put right.', {
    source: ref('ProblemSource'),
    'article?': text('The id of the article, where it is known.', { examples: ['2026/bridge'] }),
    since: time('The first report of it, at the earliest the last start.'),
    code,
    problems: list(ref('Problem'), 'Every defect.'),
  }),
  ProblemSource: {
    type: 'object',
    description: 'Where the problem is.',
    required: ['kind'],
    properties: {
      kind: oneOf(
        PROBLEM_KINDS,
        'A refused file in `articles/`, a file that is no article, a record that the API refused, a record in the store that is not valid any more, or an article that a format cannot show.',
      ),
      path: text('The path of the file below the data folder, for `file` and `other_file`.'),
      id: text('The id of the key, for `key`.'),
      name: text('The name of the key, for `key`.'),
      format: text('The format, for `rendering`.'),
    },
    additionalProperties: false,
  },
  Problem: object('One defect: the field, its value, and the rule that it breaks.', {
    field: text('The path of the field. Empty where the problem is about the whole record.', {
      examples: ['authors[0].url'],
    }),
    'value?': text('An excerpt of the value.'),
    rule: text('The rule in words.'),
    'line?': count('The line, where it is known.', 1),
    'column?': count('The column, where it is known.', 1),
  }),
  ServiceStatus: statusSchema,
  Outbox: outboxSchema,
  Error: object('Problem details (RFC 9457).', {
    title: text('The error in words.'),
    status: { type: 'integer', description: 'The HTTP status.' },
    code,
    'detail?': text('What to do next.'),
    'problems?': list(ref('Problem'), 'Every defect.'),
  }),
};
