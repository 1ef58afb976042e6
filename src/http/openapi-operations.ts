import type { ApiScope } from '../store/store.ts';
import { type ExplainedCode, errors } from './openapi-errors.ts';
import { type Json, text } from './openapi-types.ts';

/** Errors that a request of any address can have. */
const ANY = ['malformed_request', 'request_timeout', 'expectation_failed', 'headers_too_large'] as const;
/** Errors of requests that wait for their turn: all but health checks. */
const QUEUED = [...ANY, 'too_many_requests', 'internal', 'overloaded'] as const;
const WITH_KEY = [...QUEUED, 'unauthorized', 'store_unavailable', 'store_damaged'] as const;

/** What a request needs to be answered: a key of that scope, or nothing. A probe never waits. */
type Access = ApiScope | 'public' | 'probe';

const ERRORS: Readonly<Record<Access, readonly ExplainedCode[]>> = {
  probe: ANY,
  public: QUEUED,
  read: WITH_KEY,
  write: [...WITH_KEY, 'forbidden', 'database_unavailable'],
};

interface Operation {
  /** The name of the operation in generated clients. */
  readonly id: string;
  readonly tag: string;
  readonly access: Access;
  readonly summary: string;
  readonly description: string;
  readonly parameters?: readonly Json[];
  readonly requestBody?: Json;
  readonly answers: Json;
  /** Errors beside those that every request with this access can have. */
  readonly errors?: readonly ExplainedCode[];
}

export function operation(parts: Operation): Json {
  const { id, tag, access, summary, description, answers, errors: own = [], ...rest } = parts;
  const needsKey = access === 'read' || access === 'write';
  return {
    operationId: id,
    tags: [tag],
    summary,
    description: needsKey ? `${description} Needs a key with the scope \`${access}\`.` : description,
    security: needsKey ? [{ key: [] }] : [],
    ...rest,
    responses: { ...answers, ...errors(...ERRORS[access], ...own) },
  };
}

interface Parameter {
  readonly description: string;
  readonly schema: Json;
  readonly example?: unknown;
}

export function pathParameter(name: string, parts: Parameter): Json {
  return { in: 'path', name, required: true, ...parts };
}

export function queryParameter(name: string, parts: Parameter): Json {
  return { in: 'query', name, ...parts };
}

export function headerParameter(name: string, parts: Parameter): Json {
  return { in: 'header', name, ...parts };
}

/** A header that every such answer has. */
export function header(description: string, example: string): Json {
  return { description, required: true, schema: { type: 'string' }, example };
}

interface Content {
  readonly schema: Json;
  /** By their names: a summary and the value. */
  readonly examples: Readonly<Record<string, readonly [summary: string, value: unknown]>>;
}

/** An answer in JSON. */
export function json(description: string, content: Content, headers?: Json): Json {
  return {
    description,
    ...(headers === undefined ? {} : { headers }),
    content: { 'application/json': media(content) },
  };
}

export function jsonBody(description: string, content: Content): Json {
  return { required: true, description, content: { 'application/json': media(content) } };
}

/** Lines of JSON: OpenAPI 3.1 describes them as a text, and `contentSchema` its lines as a list. */
export function lines(line: Json, description: string, examples: Content['examples']): Json {
  const contentSchema = { type: 'array', items: line };
  const schema = text(description, { contentMediaType: 'application/x-ndjson', contentSchema });
  const texts = Object.entries(examples).map(([name, [summary, values]]): [string, Json] => {
    return [
      name,
      {
        summary,
        value: [values]
          .flat()
          .map((value) => `${JSON.stringify(value)}\n`)
          .join(''),
      },
    ];
  });
  return { 'application/x-ndjson': { schema, examples: Object.fromEntries(texts) } };
}

function media({ schema, examples }: Content): Json {
  const entries = Object.entries(examples).map(([name, [summary, value]]) => [name, { summary, value }]);
  return { schema, examples: Object.fromEntries(entries) };
}
