import { recordJsonSchema } from '../article/article.ts';
import { SCOPES, STATUSES } from '../store/store.ts';

type Json = Readonly<Record<string, unknown>>;

const text = { type: 'string' };
const revision = { type: 'integer', minimum: 0, description: 'Grows with every change in the store.' };

const problem = {
  type: 'object',
  required: ['title', 'status', 'code'],
  properties: {
    title: text,
    status: { type: 'integer' },
    code: { ...text, description: 'One of docs/errors.md.' },
    detail: text,
    problems: { type: 'array', items: { $ref: '#/components/schemas/Problem' } },
  },
};

const record = recordJsonSchema();

const schemas = {
  Record: record,
  RecordAtAddress: { ...record, required: record.required.filter((field) => field !== 'id') },
  Article: {
    type: 'object',
    required: ['id', 'publicId', 'revision', 'status', 'publishedAt', 'record'],
    properties: {
      id: text,
      publicId: { ...text, description: 'The id in every feed.' },
      revision,
      status: { enum: STATUSES },
      publishedAt: {
        ...text,
        format: 'date-time',
        description: 'The time of first publication; with an embargo, its end.',
      },
      withdrawn: {
        type: 'object',
        required: ['at'],
        properties: { at: { ...text, format: 'date-time' }, reason: text },
      },
      erased: { const: true, description: 'The article was erased for good: the record has only what is left.' },
      record: { type: 'object', description: 'The record as the newsroom sent it.' },
    },
    additionalProperties: false,
  },
  Change: {
    type: 'object',
    required: ['id', 'result', 'revision'],
    properties: { id: text, result: { enum: ['created', 'updated', 'unchanged', 'withdrawn'] }, revision },
    additionalProperties: false,
  },
  Erasure: {
    type: 'object',
    required: ['id', 'result', 'revision', 'media', 'adjustments', 'warnings'],
    properties: {
      id: text,
      result: { enum: ['erased', 'unchanged'] },
      revision,
      media: {
        type: 'array',
        items: text,
        description: 'Files in the data folder that no other article names. The service leaves them.',
      },
      adjustments: { type: 'array', maxItems: 0 },
      warnings: {
        type: 'array',
        items: { $ref: '#/components/schemas/Problem' },
        description: 'Places that may still have text of the article, each with the reason.',
      },
    },
    additionalProperties: false,
  },
  Line: {
    type: 'object',
    required: ['result'],
    properties: {
      line: {
        type: 'integer',
        minimum: 1,
        description: 'Missing where the service did not read the rest of the request.',
      },
      id: text,
      result: { enum: ['created', 'updated', 'unchanged', 'refused'] },
      revision,
      code: text,
      title: text,
      problems: { type: 'array', items: { $ref: '#/components/schemas/Problem' } },
    },
    additionalProperties: false,
  },
  FeedMembership: {
    type: 'object',
    required: ['feed', 'included'],
    properties: {
      feed: text,
      included: { type: 'boolean' },
      position: { type: 'integer', minimum: 1 },
      rule: { enum: ['withdrawn', 'embargo', 'expired', 'selection', 'beyond'] },
      reason: text,
    },
    additionalProperties: false,
  },
  Problem: {
    type: 'object',
    required: ['field', 'rule'],
    properties: { field: text, value: text, rule: text, line: { type: 'integer' }, column: { type: 'integer' } },
    additionalProperties: false,
  },
  Error: problem,
};

/** The newsroom's API as OpenAPI 3.1, from the schemas that parse the records. */
export function openApi(version: string, serviceUrl: string): Json {
  return {
    openapi: '3.1.0',
    info: { title: 'Feed Publisher', version, description: 'Publish, correct, withdraw and read articles.' },
    servers: [{ url: serviceUrl.replace(/\/$/, '') }],
    security: [{ key: [] }],
    paths: {
      '/api/articles': {
        get: operation('List articles in the order of their last change', 'read', {
          parameters: [
            parameter('query', 'cursor', text, 'The cursor of the previous page.'),
            parameter('query', 'limit', { type: 'integer', minimum: 1, maximum: 500, default: 50 }),
            parameter('query', 'feed', text, 'Only articles of this feed, such as section/world.'),
            parameter('query', 'status', { enum: STATUSES }),
          ],
          responses: {
            200: json('A page; the last page has no cursor', {
              type: 'object',
              required: ['articles'],
              properties: { articles: { type: 'array', items: ref('Article') }, cursor: text },
              additionalProperties: false,
            }),
            ...errors(400, 401),
          },
        }),
        post: operation('Publish many records, one JSON object a line', 'write', {
          requestBody: { required: true, content: { 'application/x-ndjson': { schema: ref('Record') } } },
          responses: {
            200: {
              description: 'The result of each line, one object a line, sent while the request still comes',
              content: { 'application/x-ndjson': { schema: ref('Line') } },
            },
            ...errors(401, 403, 415),
          },
        }),
      },
      '/api/articles/{id}': {
        parameters: [parameter('path', 'id', text, 'The newsroom’s id. It may contain slashes.')],
        get: operation('Get an article', 'read', {
          responses: { 200: json('The article', ref('Article'), revisionHeader), ...errors(400, 401, 404) },
        }),
        put: operation('Publish or correct an article', 'write', {
          parameters: conditions,
          requestBody: { required: true, content: { 'application/json': { schema: ref('RecordAtAddress') } } },
          responses: {
            200: json('Updated, or the same as before', ref('Change'), revisionHeader),
            201: json('Created', ref('Change'), revisionHeader),
            ...errors(400, 401, 403, 408, 409, 412, 413, 415, 422, 507),
          },
        }),
        delete: operation('Withdraw an article, or erase it for good', 'write', {
          parameters: [
            ...conditions,
            parameter('query', 'reason', text, 'The reason, for readers of Atom and JSON Feed. Not with erase.'),
            parameter('query', 'erase', { enum: ['true', 'false'] }, 'true removes the text of the article for good.'),
          ],
          responses: {
            200: json('Withdrawn or erased, now or before', { oneOf: [ref('Change'), ref('Erasure')] }, revisionHeader),
            ...errors(400, 401, 403, 404, 409, 412, 507),
          },
        }),
      },
      '/api/articles/{id}/feeds': {
        parameters: [parameter('path', 'id', text)],
        get: operation('List every feed, whether it contains the article, and if not, why', 'read', {
          responses: {
            200: json('Every feed', {
              type: 'object',
              required: ['id', 'feeds'],
              properties: { id: text, feeds: { type: 'array', items: ref('FeedMembership') } },
              additionalProperties: false,
            }),
            ...errors(400, 401, 404),
          },
        }),
      },
    },
    components: {
      schemas,
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description: `A key that “key create” made, with the scope ${SCOPES.join(' or ')}.`,
        },
      },
    },
  };
}

const conditions = [
  parameter('header', 'If-Match', text, 'The ETag of the revision that the change is based on.'),
  parameter('header', 'If-None-Match', { const: '*' }, 'Create the article only if it does not exist.'),
];

const revisionHeader = { ETag: { schema: text, description: 'The revision, for If-Match.' } };

function operation(summary: string, scope: string, rest: Json): Json {
  return { summary, description: `Needs a key with the scope ${scope}.`, ...rest };
}

function parameter(place: 'query' | 'path' | 'header', name: string, schema: Json, description?: string): Json {
  return {
    in: place,
    name,
    schema,
    ...(place === 'path' ? { required: true } : {}),
    ...(description ? { description } : {}),
  };
}

function ref(name: keyof typeof schemas): Json {
  return { $ref: `#/components/schemas/${name}` };
}

function json(description: string, schema: Json, headers?: Json): Json {
  return { description, content: { 'application/json': { schema } }, ...(headers === undefined ? {} : { headers }) };
}

function errors(...statuses: readonly number[]): Json {
  const content = { 'application/problem+json': { schema: ref('Error') } };
  const error = { description: 'See docs/errors.md', content };
  return Object.fromEntries([...statuses, 'default'].map((status) => [status, error]));
}
