import { type ErrorCode, type Problem, PublisherError } from '../errors.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type { Json } from './openapi-types.ts';

interface Explained {
  /** When an operation answers this, in one sentence. */
  readonly meaning: string;
  readonly title: string;
  readonly detail?: string;
  readonly problems?: readonly Problem[];
}

/** The errors of the operations, each with an example. docs/errors.md says what to do. */
const EXPLAINED = {
  invalid_path: {
    meaning: 'The path is not percent-encoded UTF-8.',
    title: 'The path is not valid percent-encoded UTF-8.',
  },
  invalid_query: {
    meaning:
      'A query parameter is unknown, stands twice or has an invalid value, or a change has an `If-None-Match` other than `*`.',
    title: 'The query is not valid.',
    problems: [{ field: 'reasson', rule: 'is not a parameter: use reason' }],
  },
  invalid_json: {
    meaning: 'The body is not JSON in UTF-8.',
    title: 'This is not JSON that can be read.',
    problems: [{ field: '', rule: 'is not JSON here', line: 3, column: 12 }],
  },
  malformed_request: {
    meaning: 'The request is not valid HTTP/1.1, such as one with two `Host` headers.',
    title: 'A request has exactly one Host header; this one has 2.',
  },
  unauthorized: {
    meaning: 'The request has no API key, or the key is unknown or revoked.',
    title: 'This address needs an API key.',
    detail: 'Send the header “Authorization: Bearer KEY” with a key that the command “key create” made.',
  },
  forbidden: {
    meaning: 'The key may only read.',
    title: 'The key f1433427dd57 may only read.',
    detail: 'Create a key that may write with the command “key create --scope write”.',
  },
  article_not_found: {
    meaning: 'No article has this id.',
    title: 'There is no article “2026/bridge”.',
    detail: 'GET /api/articles lists all articles with their ids.',
  },
  not_found: {
    meaning: 'There is no partner with this id.',
    title: 'There is no partner “heralt”.',
    detail: 'Did you mean herald?',
  },
  request_timeout: {
    meaning: 'The head of the request did not arrive within 15 seconds, or a record not within 30 seconds.',
    title: 'The record did not arrive in time.',
  },
  identity_conflict: {
    meaning:
      'The record would change the public id or the date of first publication, which readers know the article by.',
    title: 'The article “2026/bridge” would change its identity.',
    problems: [
      {
        field: 'publishedAt',
        value: '2026-11-01T00:00:00Z',
        rule: 'must stay 2026-11-28T06:30:00Z, the date of first publication (an embargo counts as its end)',
      },
    ],
  },
  erased_article: {
    meaning: 'The record has the id or the public id of an article that was erased for good.',
    title: 'The article “2026/bridge” has the id of an article that was erased for good.',
    detail: 'Publish it with another id and another publicId if it may be published again.',
    problems: [
      {
        field: 'id',
        value: '2026/bridge',
        rule: 'is the id of an article that was erased for good: use another id',
      },
    ],
  },
  file_holds_article: {
    meaning: 'A file in articles/ holds the article that is to be erased.',
    title: 'The file articles/2026/bridge.md holds the article “2026/bridge”.',
    detail: 'Delete articles/2026/bridge.md, then erase the article again.',
    problems: [
      {
        field: 'id',
        value: '2026/bridge',
        rule: 'is the id of an article that this file holds',
      },
    ],
  },
  precondition_failed: {
    meaning: 'The article does not meet `If-Match` or `If-None-Match`. Nothing changes.',
    title: 'The article “2026/bridge” does not meet the condition of the request.',
    detail: 'Get the article, look at what has changed, and send the change again with the new ETag.',
  },
  too_large: {
    meaning: 'The record has more than 8 MiB.',
    title: 'A record may have at most 8388608 bytes.',
    problems: [{ field: 'body', rule: 'the request must not have more than 8388608 bytes' }],
  },
  unsupported_media_type: {
    meaning: 'The body is compressed.',
    title: 'A body with Content-Encoding gzip is not supported.',
    detail: 'Send the body without Content-Encoding.',
  },
  expectation_failed: {
    meaning: 'The request’s `Expect` is not `100-continue`.',
    title: 'The service does not know the expectation “200-ok”.',
    detail: 'Send the request without Expect, or with 100-continue.',
  },
  invalid_article: {
    meaning: 'The record breaks a rule. `problems` lists every broken rule at once.',
    title: 'The article “2026/bridge” cannot be published.',
    problems: [
      { field: 'title', rule: 'is required' },
      { field: 'titel', rule: 'is not a known field' },
    ],
  },
  too_many_requests: {
    meaning: 'The client has used up its tokens. Requests with a valid key are not counted.',
    title: 'This address sent too many requests.',
    detail: 'Try again in 12 seconds, and send If-None-Match: an answer without changes is nearly free.',
  },
  headers_too_large: {
    meaning: 'The request’s head has more than 16 KiB or more than 100 fields.',
    title: 'The request’s head has more than 100 fields.',
  },
  internal: {
    meaning: 'A defect of the service. Its log has the details.',
    title: 'Internal error',
  },
  overloaded: {
    meaning: 'The service has more to do than it can at the moment. It did nothing for this request.',
    title: 'The service has too much to do at the moment.',
    detail: 'Try again in 10 seconds. Feeds that are in memory are answered meanwhile.',
  },
  store_unavailable: {
    meaning: 'The store cannot be read or written.',
    title: 'The process that writes changes is restarting.',
    detail: 'Send the change again. If the first attempt succeeded, nothing changes twice.',
  },
  database_unavailable: {
    meaning: 'The database that the replicas share cannot be reached. Readers are served meanwhile.',
    title: 'The database cannot be reached.',
    detail:
      'Nothing was changed. Replicas that run go on serving readers. Send the change again when the database is back.',
  },
  store_damaged: {
    meaning: 'A part of the store is damaged: the service does not show it, and makes no change until it is mended.',
    title: 'The store is damaged: the text of the article “floods” does not match its checksum.',
    detail:
      'Stop the service and run the command verify. Then run the command repair, or restore a backup: docs/back-up-and-upgrade.md has the steps.',
  },
  not_ready: {
    meaning: 'The service starts, stops, or cannot read its store.',
    title: 'The service is starting.',
  },
  insufficient_storage: {
    meaning: 'The disk is full. The service kept no part of this change.',
    title: 'The disk is full: no part of the change was kept.',
    detail: 'Free some space and send the change again.',
  },
} satisfies Partial<Record<ErrorCode, Explained>> & Record<string, Explained>;

export type ExplainedCode = keyof typeof EXPLAINED;

const CODES = Object.keys(EXPLAINED) as readonly ExplainedCode[];

/** The answers of an operation that can have these errors, by their status. */
export function errors(...codes: readonly ExplainedCode[]): Json {
  const statuses = [...new Set(codes.map(statusOf))].sort();
  return Object.fromEntries(
    statuses.map((status) => [status, responseWith(codes.filter((code) => statusOf(code) === status))]),
  );
}

function responseWith(codes: readonly ExplainedCode[]): Json {
  const [code] = codes;
  return code !== undefined && isAlone(code) ? { $ref: `#/components/responses/${code}` } : response(codes);
}

/** @param codes those of one status */
function response(codes: readonly ExplainedCode[]): Json {
  const meanings = codes.map((code) => `\`${code}\`: ${EXPLAINED[code].meaning}`);
  const [status = 0] = codes.map(statusOf);
  const headers = HEADERS[status];
  const only = { status: { type: 'integer', const: status }, code: { type: 'string', enum: codes } };
  return {
    description: meanings.length === 1 ? meanings.join() : meanings.map((meaning) => `- ${meaning}`).join('\n'),
    ...(headers === undefined ? {} : { headers }),
    content: {
      'application/problem+json': {
        schema: { allOf: [{ $ref: '#/components/schemas/Error' }, { type: 'object', properties: only }] },
        examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  };
}

const retryAfter = {
  'Retry-After': {
    description: 'The seconds until you can send the request again.',
    required: true,
    schema: { type: 'integer', minimum: 1 },
    example: 10,
  },
};

const HEADERS: Readonly<Record<number, Json>> = {
  401: {
    'WWW-Authenticate': {
      description: 'The scheme of the key (RFC 6750).',
      required: true,
      schema: { type: 'string', const: 'Bearer' },
      example: 'Bearer',
    },
  },
  429: retryAfter,
  503: retryAfter,
};

/** An example of each error, for `components.examples`. */
export const errorExamples: Json = Object.fromEntries(CODES.map((code) => [code, example(code)]));

/** The answers with a status that only one code has, for `components.responses`. */
export const errorResponses: Json = Object.fromEntries(CODES.filter(isAlone).map((code) => [code, response([code])]));

function example(code: ExplainedCode): Json {
  const { meaning, title, detail, problems }: Explained = EXPLAINED[code];
  return { summary: meaning, value: omitUndefined({ title, status: statusOf(code), code, detail, problems }) };
}

function isAlone(code: ExplainedCode): boolean {
  return CODES.every((other) => other === code || statusOf(other) !== statusOf(code));
}

function statusOf(code: ExplainedCode): number {
  return new PublisherError(code, '').status;
}
