import {
  adjusted,
  article,
  embargoed,
  history,
  memberships,
  record,
  refusal,
  story,
  totals,
  visible,
  withdrawn,
  withdrawnArticle,
} from './openapi-examples.ts';
import {
  header,
  headerParameter,
  json,
  jsonBody,
  lines,
  operation,
  pathParameter,
  queryParameter,
} from './openapi-operations.ts';
import { ref, status } from './openapi-schemas.ts';
import type { Json } from './openapi-types.ts';
import { VIEWS } from './query.ts';

const id = pathParameter('id', {
  description:
    'The newsroom’s id of the article. Percent-encode it. Its slashes may be encoded (`2026%2Fbridge`, as generated clients do) or stand as they are (`2026/bridge`): OpenAPI has `allowReserved` for query parameters only.',
  schema: { type: 'string', minLength: 1 },
  example: '2026/bridge',
});

const ETAG = 'The revision, for `If-Match`.';
const etag = { ETag: header(ETAG, '"1"') };

const conditions = [
  headerParameter('If-Match', {
    description:
      'The change is made only if the article is at this revision: the ETag that GET or the last change returned, in its quotation marks. `*` means any revision.',
    schema: { type: 'string' },
    example: '"1"',
  }),
  headerParameter('If-None-Match', {
    description: 'The change is made only if there is no article with this id.',
    schema: { type: 'string', const: '*' },
    example: '*',
  }),
];

const listArticles = operation({
  id: 'listArticles',
  tag: 'Articles',
  access: 'read',
  summary: 'List articles',
  description:
    'A page of articles, in the order of their last change. A cursor that you keep shows later what has changed since.',
  parameters: [
    queryParameter('cursor', {
      description: 'The `cursor` of the page before.',
      schema: { type: 'string', pattern: '^[0-9]+$' },
      example: '4711',
    }),
    queryParameter('limit', {
      description: 'Articles on a page. A page of large records may have fewer.',
      schema: { type: 'integer', minimum: 1, maximum: 500, default: 50 },
      example: 100,
    }),
    queryParameter('feed', {
      description: 'Only articles that belong to this feed.',
      schema: { type: 'string' },
      example: 'section/harbour',
    }),
    queryParameter('status', {
      description: 'Only articles with this status.',
      schema: status,
      example: 'embargoed',
    }),
  ],
  answers: {
    200: json('A page. The last page has no `cursor`.', {
      schema: ref('ArticlePage'),
      examples: { page: ['A page that is not the last', { articles: [article], cursor: '1' }] },
    }),
  },
  errors: ['invalid_query'],
});

const publishArticles = operation({
  id: 'publishArticles',
  tag: 'Articles',
  access: 'write',
  summary: 'Publish many articles',
  description:
    'Publishes or corrects one article for each line of the request. The answer comes while the request is still being sent. A refused line does not stop the others: check every line, because the status is 200 in any case. A line whose record is too large, comes too late or meets a full disk is refused with `too_large`, `request_timeout` or `insufficient_storage`.',
  requestBody: {
    required: true,
    description: 'One record a line, each with its `id` and at most 8 MiB. Any number of lines.',
    content: lines(ref('Record'), 'NDJSON: one record a line.', {
      records: [
        'Two records',
        [
          { id: '2026/bridge', ...record },
          { id: '2026/piano', ...record, title: 'A piano' },
        ],
      ],
    }),
  },
  answers: {
    200: {
      description: 'The result of each line, in the order of the lines, and the totals at the end.',
      content: lines(ref('Line'), 'NDJSON: one result a line.', {
        results: ['One line published, one refused', [{ line: 1, ...visible }, { line: 2, ...refusal }, { totals }]],
      }),
    },
  },
  errors: ['unsupported_media_type'],
});

const getArticle = operation({
  id: 'getArticle',
  tag: 'Articles',
  access: 'read',
  summary: 'Get an article',
  description: 'The article with the record as the newsroom sent it, visible or not; or its feeds or its history.',
  parameters: [
    queryParameter('view', {
      description:
        'Answers the feeds or the history of the article instead, as `/feeds` and `/history` do. Unlike these addresses, it works beside an article whose id ends in them.',
      schema: { type: 'string', enum: VIEWS },
      example: 'history',
    }),
  ],
  answers: {
    200: json(
      'The article, or the view of it.',
      {
        schema: { oneOf: [ref('Article'), ref('ArticleFeeds'), ref('ArticleHistory')] },
        examples: {
          visible: ['An article that readers see', article],
          withdrawn: ['An article that was withdrawn', withdrawnArticle],
          history: ['The history of an article', history],
        },
      },
      { ETag: { ...header(`${ETAG} A view has none.`, '"2"'), required: false } },
    ),
  },
  errors: ['invalid_path', 'invalid_query', 'article_not_found'],
});

const publishArticle = operation({
  id: 'publishArticle',
  tag: 'Articles',
  access: 'write',
  summary: 'Publish or correct an article',
  description:
    'Replaces the whole record: a field that you leave out is gone. The answer means that the change is on disk and in the next answer of every feed. The same request again changes nothing. With `dry-run`, the answer is what the change would do, and nothing is kept.',
  parameters: [
    ...conditions,
    queryParameter('dry-run', {
      description: 'Without a value or with `true`: answers what would happen, and keeps nothing.',
      schema: { type: 'string', enum: ['', 'true', 'false'], default: 'false' },
      example: 'true',
    }),
  ],
  requestBody: jsonBody('The record, at most 8 MiB.', {
    schema: ref('RecordAtAddress'),
    examples: {
      story: ['A story', record],
      embargoed: ['A story under embargo', { ...record, embargoUntil: '2026-12-01T09:00:00+03:00' }],
    },
  }),
  answers: {
    200: json(
      'The article was corrected, or is the same as before; or what a dry run would do.',
      {
        schema: { oneOf: [ref('Change'), ref('Rehearsal')] },
        examples: {
          updated: ['A correction that the service adjusted', adjusted],
          unchanged: ['The same record again', { ...visible, result: 'unchanged' }],
          rehearsed: ['What a dry run would do', { ...visible, dryRun: true, article: story }],
        },
      },
      { ETag: { ...header(`${ETAG} A dry run has none.`, '"2"'), required: false } },
    ),
    201: json(
      'The article is new.',
      {
        schema: ref('Change'),
        examples: {
          created: ['A story that readers see now', visible],
          embargoed: ['A story under embargo', embargoed],
        },
      },
      {
        ...etag,
        Location: header('The address of the article.', 'https://feeds.example.com/api/articles/2026/bridge'),
      },
    ),
  },
  errors: [
    'invalid_path',
    'invalid_query',
    'invalid_json',
    'identity_conflict',
    'erased_article',
    'precondition_failed',
    'too_large',
    'unsupported_media_type',
    'invalid_article',
    'insufficient_storage',
  ],
});

const withdrawArticle = operation({
  id: 'withdrawArticle',
  tag: 'Articles',
  access: 'write',
  summary: 'Withdraw or erase an article',
  description:
    'Removes the article from every feed. Readers of Atom and JSON Feed learn of the withdrawal. PUT publishes the article again, unless it was erased: then its text is removed for good, and nothing is published again under its ids.',
  parameters: [
    ...conditions,
    queryParameter('reason', {
      description: 'The reason, for readers of Atom and JSON Feed. The service cuts it at 1,000 characters.',
      schema: { type: 'string' },
      example: 'Wrong bridge',
    }),
    queryParameter('erase', {
      description:
        'Whether the text of the article is removed for good. `reason` must be left out then. `warnings` of the answer name places that may still have text.',
      schema: { type: 'string', enum: ['true', 'false'], default: 'false' },
      example: 'true',
    }),
  ],
  answers: {
    200: json(
      'The article is withdrawn or erased, now (`withdrawn`, `erased`) or since before (`unchanged`).',
      {
        schema: ref('Change'),
        examples: {
          withdrawn: ['The article was withdrawn now', withdrawn],
          unchanged: ['The article was withdrawn before', { ...withdrawn, result: 'unchanged' }],
          erased: ['The article was erased now', { ...withdrawn, result: 'erased', media: ['media/bridge.jpg'] }],
        },
      },
      etag,
    ),
  },
  errors: [
    'invalid_path',
    'invalid_query',
    'article_not_found',
    'file_holds_article',
    'precondition_failed',
    'insufficient_storage',
  ],
});

const listFeedsOfArticle = operation({
  id: 'listFeedsOfArticle',
  tag: 'Articles',
  access: 'read',
  summary: 'List the feeds of an article',
  description: 'Every feed, whether it contains the article, and if not, why.',
  answers: {
    200: json('Every feed.', {
      schema: ref('ArticleFeeds'),
      examples: { feeds: ['A story in two of three feeds', memberships] },
    }),
  },
  errors: ['invalid_path', 'invalid_query', 'article_not_found'],
});

const getArticleHistory = operation({
  id: 'getArticleHistory',
  tag: 'Articles',
  access: 'read',
  summary: 'List the changes to an article',
  description:
    'What was done to the article, when and by whom, oldest first, within the last `auditDays`. If an article has an id that ends in `/history`, its address returns that article: `GET /api/articles/{id}?view=history` always returns the history.',
  answers: {
    200: json('The changes.', {
      schema: ref('ArticleHistory'),
      examples: { history: ['A story that was corrected and withdrawn', history] },
    }),
  },
  errors: ['invalid_path', 'invalid_query', 'article_not_found'],
});

/** The addresses below `/api/articles`. */
export const articlePaths: Json = {
  '/api/articles': { get: listArticles, post: publishArticles },
  '/api/articles/{id}': { parameters: [id], get: getArticle, put: publishArticle, delete: withdrawArticle },
  '/api/articles/{id}/feeds': { parameters: [id], get: listFeedsOfArticle },
  '/api/articles/{id}/history': { parameters: [id], get: getArticleHistory },
};
