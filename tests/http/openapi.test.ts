import { createServer, request } from 'node:http';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parsePublication } from '../../src/config/publication.ts';
import { type ErrorCode, PublisherError } from '../../src/errors.ts';
import { createApp } from '../../src/http/app.ts';
import { changeHandlers } from '../../src/http/articles.ts';
import { openApi } from '../../src/http/openapi.ts';
import { createKey } from '../../src/publish/api-keys.ts';
import { createPublisher, parseHere } from '../../src/publish/publish.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { type Answer, ask, newsroom, PUBLICATION, record } from '../helpers.ts';
import { type Api, appSurroundings, keyFor, NOW, startApi } from './api.ts';

interface Content {
  readonly schema: object;
}

interface Declared {
  readonly content?: Readonly<Record<string, Content>>;
  readonly headers?: Readonly<Record<string, unknown>>;
}

interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<Record<string, Declared>>;
}

interface Parameter {
  readonly in: string;
  readonly name: string;
}

type PathItem = Readonly<Record<'get' | 'put' | 'post' | 'delete', Operation | undefined>> & {
  readonly parameters?: readonly Parameter[];
};

interface Description {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const METHODS = ['get', 'put', 'post', 'delete'] as const;
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

/** Validates values against the schemas of a description, where they stand. */
function validator(description: Description) {
  const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true, formats: { 'date-time': RFC_3339 } });
  for (const name of ['email', 'uri']) ajv.addFormat(name, true);
  // What OpenAPI adds beside the words of JSON Schema, which a validator need not know.
  for (const word of ['openapi', 'info', 'servers', 'security', 'paths', 'components']) ajv.addKeyword(word);
  ajv.addSchema({ ...description, $id: 'https://api.example/' });
  return (pointer: string, value: unknown): string[] => {
    const valid = ajv.validate({ $ref: `https://api.example/#${pointer}` }, value);
    return valid ? [] : [ajv.errorsText(ajv.errors)];
  };
}

const pointer = (...names: readonly string[]) =>
  `/${names.map((name) => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;

let description: Description;
let validate: ReturnType<typeof validator>;

beforeAll(() => {
  description = JSON.parse(JSON.stringify(openApi('0.0.0', 'https://feeds.news.example/')));
  validate = validator(description);
});

type Asked = readonly [method: (typeof METHODS)[number], path: string, options?: Options];

interface Options {
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: unknown;
  readonly key?: string;
}

/** The template of the description that an address is of. */
function templateOf(path: string): string {
  const { pathname } = new URL(path, 'http://service');
  if (pathname === '/api/articles') return pathname;
  return /^\/api\/articles\/.+\/feeds$/.test(pathname) ? '/api/articles/{id}/feeds' : '/api/articles/{id}';
}

/** What is wrong with an answer by the description: a status, type, header or content that it does not declare. */
function undeclared([method, path]: Asked, { status, headers, text }: Answer): string[] {
  const template = templateOf(path);
  const responses = description.paths[template]?.[method]?.responses ?? {};
  const name = responses[status] === undefined ? 'default' : String(status);
  const declared = responses[name];
  const where = `${method.toUpperCase()} ${template}: ${status}`;
  if (declared === undefined) return [`${where} is not declared`];
  const type = headers['content-type']?.replace('; charset=utf-8', '') ?? 'none';
  if (declared.content?.[type] === undefined) return [`${where} with ${type} is not declared`];
  const missing = Object.keys(declared.headers ?? {}).filter((header) => headers[header.toLowerCase()] === undefined);
  const values: unknown[] =
    type === 'application/x-ndjson'
      ? text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
      : [JSON.parse(text)];
  const schema = pointer('paths', template, method, 'responses', name, 'content', type, 'schema');
  return [
    ...missing.map((header) => `${where} lacks ${header}`),
    ...values.flatMap((value) => validate(schema, value).map((error) => `${where}: ${error}`)),
  ];
}

async function askAs(port: number, key: string, [method, path, { headers, body, key: other = key } = {}]: Asked) {
  return ask(port, path, {
    method: method.toUpperCase(),
    headers: { ...(other === '' ? {} : { Authorization: `Bearer ${other}` }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}

const A = '/api/articles/a';
const WORLD = { sections: ['World'], tags: ['Tigris'], authors: [{ name: 'X' }] };

/** Requests in this order, and the status of each. `READ` stands for a key that may only read, `NONE` for no key. */
const REQUESTS: readonly (readonly [number, ...Asked])[] = [
  [201, 'put', A, { body: record(WORLD) }],
  [200, 'put', A, { body: record(WORLD) }],
  [200, 'put', A, { body: record({ ...WORLD, title: 'B', image: { url: '/a.png', width: 3 } }) }],
  [201, 'put', '/api/articles/embargoed', { body: record({ id: 'embargoed', embargoUntil: '2026-12-01T00:00:00Z' }) }],
  [201, 'put', '/api/articles/expired', { body: record({ id: 'expired', expiresAt: '2026-11-21T00:00:00Z' }) }],
  [201, 'put', '/api/articles/gone', { body: record({ id: 'gone' }) }],
  [201, 'put', '/api/articles/x%2Fy', { body: record({ id: undefined, authors: [] }) }],
  [400, 'put', A, { body: '{"title":' }],
  [400, 'put', A, { body: record(), headers: { 'If-None-Match': '"1"' } }],
  [400, 'put', '/api/articles/%ff', { body: record() }],
  [401, 'put', A, { body: record(), key: '' }],
  [403, 'put', A, { body: record(), key: 'READ' }],
  [408, 'put', A, { headers: { 'Content-Length': 10 } }],
  [409, 'put', A, { body: record({ publishedAt: '2026-11-01T00:00:00Z' }) }],
  [412, 'put', A, { body: record(), headers: { 'If-Match': '"99"' } }],
  [413, 'put', A, { headers: { 'Content-Length': 9_000_000, Expect: '100-continue' } }],
  [415, 'put', A, { body: 'x', headers: { 'Content-Encoding': 'br' } }],
  [422, 'put', A, { body: record({ title: '', colour: 'red' }) }],

  [200, 'get', A],
  [200, 'get', '/api/articles/embargoed'],
  [200, 'get', '/api/articles/expired'],
  [400, 'get', '/api/articles/%ff'],
  [401, 'get', A, { key: '' }],
  [404, 'get', '/api/articles/nothing'],

  [200, 'get', `${A}/feeds`],
  [200, 'get', '/api/articles/embargoed/feeds'],
  [400, 'get', '/api/articles/%ff/feeds'],
  [401, 'get', `${A}/feeds`, { key: '' }],
  [404, 'get', '/api/articles/nothing/feeds'],

  [200, 'delete', '/api/articles/gone?reason=Wrong'],
  [200, 'delete', '/api/articles/gone'],
  [400, 'delete', `${A}?why=x`],
  [400, 'delete', A, { headers: { 'If-None-Match': '"1"' } }],
  [400, 'delete', '/api/articles/%ff'],
  [401, 'delete', A, { key: '' }],
  [403, 'delete', A, { key: 'READ' }],
  [404, 'delete', '/api/articles/nothing'],
  [412, 'delete', A, { headers: { 'If-Match': '"99"' } }],

  [200, 'get', '/api/articles'],
  [200, 'get', '/api/articles?limit=1'],
  [200, 'get', '/api/articles?status=withdrawn'],
  [200, 'get', '/api/articles?feed=nothing'],
  [400, 'get', '/api/articles?limit=x'],
  [400, 'get', '/api/articles?colour=red'],
  [401, 'get', '/api/articles', { key: '' }],

  [200, 'post', '/api/articles', { body: '' }],
  [
    200,
    'post',
    '/api/articles',
    {
      body: [
        record({ id: 'n' }),
        record({ id: 'n' }),
        record({ id: 'n', title: 'B' }),
        record({ id: 'n', title: '' }),
        record({ id: 'n', publishedAt: '2026-11-01T00:00:00Z' }),
        [],
      ]
        .map((line) => JSON.stringify(line))
        .concat('{', 'x'.repeat(9_000_000))
        .join('\n'),
    },
  ],
  [409, 'delete', '/api/articles/held?erase=true'],
  [200, 'delete', '/api/articles/n?erase=true'],
  [200, 'get', '/api/articles/n'],
  [200, 'get', '/api/articles?status=withdrawn'],
  [401, 'post', '/api/articles', { body: '', key: '' }],
  [403, 'post', '/api/articles', { body: '', key: 'READ' }],
  [415, 'post', '/api/articles', { body: 'x', headers: { 'Content-Encoding': 'br' } }],
];

describe('the description', () => {
  test('is at /api/openapi.json, for everybody, with the service’s address', async () => {
    const { port } = await startApi({}, { version: '1.2.3' });
    const { status, headers, text } = await ask(port, '/api/openapi.json');
    const served: Description = JSON.parse(text);

    expect([status, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
    expect([served.openapi, served.info.version]).toEqual(['3.1.0', '1.2.3']);
    expect(served.servers).toEqual([{ url: expect.stringMatching(/^https:\/\/feeds\.news\.example\/?$/) }]);
    expect(served.paths).toEqual(description.paths);
    expect(served.components).toEqual(description.components);
  });

  test('has addresses that lead to the API below the server’s: an address is what is behind the other', () => {
    for (const { url } of description.servers) expect(url.endsWith('/')).toBe(false);
    for (const path of Object.keys(description.paths)) expect(path).toMatch(/^\/api\//);
  });

  test('has no reference that leads nowhere, and no schema that a validator refuses', () => {
    const references = [...JSON.stringify(description).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)];

    expect(new Set(references.map(([, name = '']) => name))).toEqual(
      new Set(Object.keys(description.components.schemas)),
    );
    for (const name of Object.keys(description.components.schemas)) {
      expect(validate(pointer('components', 'schemas', name), 'not an object')).toHaveLength(1);
    }
  });

  test('declares every parameter of its paths, and for each operation at least one answer and 401', () => {
    for (const [path, item] of Object.entries(description.paths)) {
      const declared = (item.parameters ?? []).filter((one) => one.in === 'path').map(({ name }) => name);
      expect(declared, path).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      for (const method of METHODS) {
        const operation = item[method];
        if (operation !== undefined)
          expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['200', '401']));
      }
    }
  });
});

describe('every real answer is one that is declared', () => {
  let api: Api;
  let readKey: string;

  async function answerTo([method, path, options = {}]: Asked): Promise<Answer> {
    const { key } = options;
    return askAs(api.port, api.key, [method, path, key === 'READ' ? { ...options, key: readKey } : options]);
  }

  // In one test, because the requests build on one another.
  test('of the real service', async () => {
    const held = JSON.stringify(record({ id: 'held', url: '/held' }));
    api = await startApi({ 'articles/held.json': held }, { bodyDeadline: 300 });
    readKey = (await keyFor(api.dataFolder, 'read')).key;
    const wrong: string[] = [];
    const answered = new Set<string>();
    for (const [status, ...asked] of REQUESTS) {
      const waits = status === 408 || status === 413;
      const answer = await (waits ? answerWithoutBody(asked) : answerTo(asked)).catch((error: Error) => error);
      if (answer instanceof Error) wrong.push(`${asked[0]} ${asked[1]}: ${answer.message} instead of ${status}`);
      else {
        if (answer.status !== status) wrong.push(`${asked[0]} ${asked[1]}: ${answer.status} instead of ${status}`);
        answered.add(`${asked[0]} ${templateOf(asked[1])} ${answer.status}`);
        wrong.push(...undeclared(asked, answer));
      }
    }

    // And none is declared that never comes, but for those of a store that is full or out of reach.
    const declared = Object.entries(description.paths).flatMap(([path, item]) =>
      METHODS.flatMap((method) =>
        Object.keys(item[method]?.responses ?? {}).map((status) => `${method} ${path} ${status}`),
      ),
    );
    const never = declared.filter((one) => !/ (50\d|default)$/.test(one) && !answered.has(one));
    expect({ wrong: [...new Set(wrong)], never }).toEqual({ wrong: [], never: [] });
  });

  /** A head that announces a body which never comes. */
  async function answerWithoutBody([method, path, { headers = {} } = {}]: Asked): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const asked = request({
        host: '127.0.0.1',
        port: api.port,
        method: method.toUpperCase(),
        path,
        headers: { Authorization: `Bearer ${api.key}`, ...headers },
        agent: false,
      });
      asked.on('error', reject);
      asked.on('response', (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: Buffer.from(text) });
          asked.destroy();
        });
      });
      asked.flushHeaders();
    });
  }

  test.each<[ErrorCode, number]>([
    ['insufficient_storage', 507],
    ['store_unavailable', 503],
  ])('of a service whose store says %s', async (code, status) => {
    const real = openSqliteStore(':memory:');
    const { key } = await createKey(real, 'k', 'write', NOW);
    const reject = () => Promise.reject(new PublisherError(code, 'The store cannot.'));
    const store = { ...real, apply: reject, ...(status === 503 ? { find: reject, list: reject } : {}) };
    const publication = parsePublication(PUBLICATION, 'publication.yaml');
    const now = () => NOW;
    const publisher = createPublisher({
      store,
      parse: parseHere(newsroom),
      now,
      announce: () => {},
    });
    const listener = createApp({
      ...appSurroundings(),
      publication,
      store,
      changes: changeHandlers({
        store,
        publisher,
        erase: async (erasures) => ({ outcomes: await publisher.erase(erasures), media: [], remains: [] }),
        bodyDeadline: 1000,
      }),
      documentCache: { get: () => Promise.resolve(undefined) },
      now,
      mediaFolder: '/nowhere',
      version: '0.0.0',
      check: async () => {},
      phase: () => 'serving',
      fail: () => {},
    });
    const server = createServer(listener).listen(0, '127.0.0.1');
    onTestFinished(async () => {
      server.close();
      await real.close();
    });
    await new Promise((listening) => server.once('listening', listening));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const writing: Asked[] = [
      ['put', A, { body: record() }],
      ['delete', A],
    ];
    const reading: Asked[] = [
      ['get', A],
      ['get', `${A}/feeds`],
      ['get', '/api/articles'],
    ];
    const wrong: string[] = [];
    for (const asked of status === 503 ? [...writing, ...reading] : writing) {
      const answer = await askAs(port, key, asked);
      expect([answer.status, JSON.parse(answer.text).code]).toEqual([status, code]);
      wrong.push(...undeclared(asked, answer));
    }

    expect(wrong).toEqual([]);
  });
});

describe('the declared form of a record', () => {
  test('takes every record that the service takes, with the id in the address or in the record', () => {
    const schema = pointer(
      'paths',
      '/api/articles/{id}',
      'put',
      'requestBody',
      'content',
      'application/json',
      'schema',
    );
    const taken = REQUESTS.flatMap(([status, method, , options]) =>
      method === 'put' && status < 300 ? [JSON.parse(JSON.stringify(options?.body))] : [],
    );

    expect(taken.length).toBeGreaterThan(5);
    expect(taken.flatMap((body) => validate(schema, body))).toEqual([]);
  });

  test.each([
    ['an unknown field', { colour: 'red' }],
    ['a number for a title', { title: 1 }],
    ['an unknown format', { bodyFormat: 'docx' }],
    ['no body', { body: undefined }],
  ])('refuses %s', (_, fields) => {
    const schema = pointer(
      'paths',
      '/api/articles',
      'post',
      'requestBody',
      'content',
      'application/x-ndjson',
      'schema',
    );

    expect(validate(schema, JSON.parse(JSON.stringify(record(fields))))).toHaveLength(1);
  });
});
