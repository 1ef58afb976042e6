import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { openApi } from '../../src/http/openapi.ts';
import type { Answer } from '../helpers.ts';

/** The API's description as a client reads it, and what is wrong with a value or an answer by it. */

export const METHODS = ['get', 'put', 'post', 'delete'] as const;
export type Method = (typeof METHODS)[number];

export interface Example {
  readonly summary: string;
  readonly value: unknown;
}

interface Reference {
  readonly $ref: string;
}

export interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly contentSchema?: { readonly items: Schema };
}

export interface Content {
  readonly schema: Schema;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, Example | Reference>>;
}

export interface Declared {
  readonly description: string;
  readonly content: Readonly<Record<string, Content>>;
  readonly headers?: Readonly<Record<string, { readonly required?: boolean; readonly description: string }>>;
}

export interface Parameter {
  readonly in: string;
  readonly name: string;
  readonly description: string;
  readonly schema: Schema;
  readonly example: unknown;
}

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly requestBody?: { readonly description: string; readonly content: Readonly<Record<string, Content>> };
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<Record<string, Declared | Reference>>;
}

export type PathItem = Readonly<Partial<Record<Method, Operation>>> & { readonly parameters?: readonly Parameter[] };

export interface Description {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly responses: Readonly<Record<string, Declared>>;
    readonly examples: Readonly<Record<string, Example>>;
  };
}

/** The description as it comes over the wire. */
export function describedApi(): Description {
  const publication = { title: 'The Test Post', url: 'https://news.example/', feedsUrl: 'https://feeds.news.example/' };
  return JSON.parse(JSON.stringify(openApi('0.0.0', publication)));
}

export interface DescribedOperation {
  readonly path: string;
  readonly method: Method;
  readonly operation: Operation;
  readonly parameters: readonly Parameter[];
}

export function operationsOf({ paths }: Description): DescribedOperation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method): DescribedOperation[] => {
      const operation = item[method];
      if (operation === undefined) return [];
      return [{ path, method, operation, parameters: [...(item.parameters ?? []), ...(operation.parameters ?? [])] }];
    }),
  );
}

/** What a reference leads to, or the object itself. */
export function resolved<Value extends object>(description: Description, value: Value | Reference): Value {
  if (!('$ref' in value)) return value;
  const names = value.$ref.split('/').slice(1);
  return names.reduce<unknown>((place, name) => Reflect.get(Object(place), name), description) as Value;
}

const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})$/;

export type Validate = (schema: object, value: unknown) => string[];

/** Validates values against schemas of a description. */
export function validatorOf(description: Description): Validate {
  const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
  ajv.addFormat('date-time', RFC_3339).addFormat('email', /^[^@\s]+@[^@\s]+$/);
  ajv.addFormat('uri', (value) => URL.canParse(value));
  ajv.addFormat('iri-reference', (value) => URL.canParse(value, 'https://news.example/'));
  // What OpenAPI adds beside the words of JSON Schema, which a validator need not know.
  ajv.addKeyword('components');
  ajv.addSchema({ $id: 'https://api.example/', components: description.components });
  const compiled = new Map<string, ValidateFunction>();
  return (schema, value) => {
    const text = JSON.stringify(schema).replaceAll('"#/components/', '"https://api.example/#/components/');
    const check = compiled.get(text) ?? ajv.compile(JSON.parse(text));
    compiled.set(text, check);
    return check(value) ? [] : [ajv.errorsText(check.errors)];
  };
}

/** The values of a content with their schema: each line, where it is lines. */
export function valuesIn(type: string, { schema }: Content, text: string): { schema: Schema; values: unknown[] } {
  if (type === 'text/plain') return { schema, values: [text] };
  if (schema.contentSchema === undefined) return { schema, values: [JSON.parse(text)] };
  const lines = text.split('\n').filter((line) => line !== '');
  return { schema: schema.contentSchema.items, values: lines.map((line) => JSON.parse(line)) };
}

/** The path in the description that an address belongs to. */
export function templateOf(address: string): string {
  const { pathname } = new URL(address, 'http://service');
  const [, list] = /^\/api\/partners\/[^/]+\/(deliveries|skipped)$/.exec(pathname) ?? [];
  if (list !== undefined) return `/api/partners/{partner}/${list}`;
  if (!pathname.startsWith('/api/articles/')) return pathname;
  const [, view] = /^\/api\/articles\/.+\/(feeds|history)$/.exec(pathname) ?? [];
  return `/api/articles/{id}${view === undefined ? '' : `/${view}`}`;
}

type Received = Pick<Answer, 'status' | 'headers' | 'text'>;

/** What is wrong with an answer by the description: a status, type, header or content that it does not declare. */
export function undeclared(
  description: Description,
  validate: Validate,
  [method, address]: readonly [method: Method, address: string, ...rest: unknown[]],
  { status, headers, text }: Received,
): string[] {
  const template = templateOf(address);
  const where = `${method.toUpperCase()} ${template}: ${status}`;
  const found = description.paths[template]?.[method]?.responses[status];
  if (found === undefined) return [`${where} is not declared`];
  const declared = resolved(description, found);
  const type = headers['content-type']?.replace('; charset=utf-8', '') ?? 'none';
  const content = declared.content[type];
  if (content === undefined) return [`${where} with ${type} is not declared`];
  const required = Object.entries(declared.headers ?? {}).filter(([, header]) => header.required);
  const missing = required.filter(([name]) => headers[name.toLowerCase()] === undefined);
  const { schema, values } = valuesIn(type, content, text);
  return [
    ...missing.map(([name]) => `${where} lacks ${name}`),
    ...values.flatMap((value) => validate(schema, value).map((error) => `${where}: ${error}`)),
  ];
}

/** The codes of errors that an operation declares, each with its status. */
export function codesOf(description: Description, { responses }: Operation): { status: number; code: string }[] {
  return Object.entries(responses).flatMap(([status, response]) => {
    const { content } = resolved(description, response);
    const examples = content['application/problem+json']?.examples ?? {};
    return Object.keys(examples).map((code) => ({ status: Number(status), code }));
  });
}
