import { FEED_KINDS } from '../store/store.ts';
import { feedPage, problemPage } from './openapi-examples.ts';
import { json, operation, queryParameter } from './openapi-operations.ts';
import { ref } from './openapi-schemas.ts';
import { outboxExample, statusExample } from './openapi-status.ts';
import type { Json } from './openapi-types.ts';

const limit = queryParameter('limit', {
  description: 'Entries on a page. A page may have fewer.',
  schema: { type: 'integer', minimum: 1, maximum: 500, default: 100 },
  example: 100,
});

const listFeeds = operation({
  id: 'listFeeds',
  tag: 'Overviews',
  access: 'read',
  summary: 'List feeds',
  description: 'The feeds that readers can get, with what they can see in each. Retired feeds are not listed.',
  parameters: [
    queryParameter('cursor', {
      description: 'The `cursor` of the page before.',
      schema: { type: 'string', minLength: 1 },
      example: 'section/harbour',
    }),
    limit,
    queryParameter('kind', {
      description: 'Only feeds of this kind. `custom` are the feeds of `publication.yaml`.',
      schema: { type: 'string', enum: FEED_KINDS },
      example: 'section',
    }),
  ],
  answers: {
    200: json('A page. The last page has no `cursor`.', {
      schema: ref('FeedPage'),
      examples: { page: ['A page that is not the last', feedPage] },
    }),
  },
  errors: ['invalid_query'],
});

const listProblems = operation({
  id: 'listProblems',
  tag: 'Overviews',
  access: 'read',
  summary: 'List problems',
  description: 'What is refused now, newest first. A problem ends when its story is published, withdrawn or removed.',
  parameters: [
    queryParameter('cursor', {
      description: 'The `cursor` of the page before.',
      schema: { type: 'string', pattern: '^[0-9]+$' },
      example: '17',
    }),
    limit,
  ],
  answers: {
    200: json('A page. The last page has no `cursor`.', {
      schema: ref('ProblemPage'),
      examples: { page: ['A refused file and a refused request', problemPage] },
    }),
  },
  errors: ['invalid_query'],
});

const getStatus = operation({
  id: 'getStatus',
  tag: 'Overviews',
  access: 'read',
  summary: 'Get the state of the service',
  description:
    'What needs a hand, articles by status, answers and subscribers of the last 24 hours, queues and store: what the page `/status` on the operator’s port shows.',
  answers: {
    200: json('The state of the service now.', {
      schema: ref('ServiceStatus'),
      examples: { status: ['A service that is well, with one of its 24 hours', statusExample] },
    }),
  },
  errors: ['invalid_query'],
});

const getOutbox = operation({
  id: 'getOutbox',
  tag: 'Overviews',
  access: 'read',
  summary: 'List the systems that learn of changes',
  description: 'The caches that the service purges, what each knows, and why it could not be told.',
  answers: {
    200: json('All of them; none where the service purges no cache.', {
      schema: ref('Outbox'),
      examples: { outbox: ['A cache that refuses requests, and one that knows everything', outboxExample] },
    }),
  },
  errors: ['invalid_query'],
});

/** The addresses of what the newsroom watches. */
export const overviewPaths: Json = {
  '/api/feeds': { get: listFeeds },
  '/api/problems': { get: listProblems },
  '/api/status': { get: getStatus },
  '/api/outbox': { get: getOutbox },
};
