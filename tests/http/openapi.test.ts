import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { parsePublication } from '../../src/config/publication.ts';
import { type ErrorCode, PublisherError } from '../../src/errors.ts';
import { createApp } from '../../src/http/app.ts';
import { changeHandlers } from '../../src/http/article-changes.ts';
import { createKey } from '../../src/publish/api-keys.ts';
import { createPublisher, parseHere } from '../../src/publish/publish.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { type Answer, ask, newsroom, PUBLICATION, record } from '../helpers.ts';
import { type Api, appSurroundings, keyFor, NOW, startApi } from './api.ts';
import {
  codesOf,
  type Description,
  describedApi,
  type Method,
  operationsOf,
  resolved,
  type Schema,
  templateOf,
  undeclared,
  type Validate,
  validatorOf,
  valuesIn,
} from './description.ts';

let description: Description;
let validate: Validate;

beforeAll(() => {
  description = describedApi();
  validate = validatorOf(description);
});

type Asked = readonly [method: Method, path: string, options?: Options];

interface Options {
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: unknown;
  readonly key?: string;
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

const HIDDEN = '<p>A body.</p><p hidden>A secret.</p>';
const WITHDRAWN = { withdrawn: { at: '2026-11-21T00:00:00Z', reason: 'Wrong' } };
const LINK = 'https://news.example/x';
const EVERY_FIELD = {
  ...record(WORLD),
  id: undefined,
  publicId: 'from an earlier system',
  url: '/full',
  summary: 'A summary.',
  body: HIDDEN,
  language: 'pt-br',
  authors: [{ name: 'X', url: '/x', email: 'x@news.example', avatar: '/media/x.png' }],
  updatedAt: '2026-11-21T10:00:00+03:00',
  embargoUntil: '2026-11-20T12:00:00Z',
  expiresAt: '2027-11-20T10:00:00Z',
  image: { url: LINK, type: 'image/png', length: 1, width: 1, height: 1, alt: 'A', caption: 'B', credit: 'C' },
  media: [{ url: LINK, type: 'audio/mpeg', length: 1, duration: 1.5, title: 'T' }],
  source: { name: 'S', url: LINK },
  copyright: 'C',
  license: LINK,
  translations: [{ language: 'ku', url: LINK }],
};

/** Requests in this order, and the status of each. `READ` stands for a key that may only read, `NONE` for no key. */
const REQUESTS: readonly (readonly [number, ...Asked])[] = [
  [201, 'put', A, { body: record(WORLD) }],
  [200, 'put', A, { body: record(WORLD) }],
  [200, 'put', A, { body: record({ ...WORLD, title: 'B', image: { url: '/a.png', width: 3 } }) }],
  [201, 'put', '/api/articles/embargoed', { body: record({ id: 'embargoed', embargoUntil: '2026-12-01T00:00:00Z' }) }],
  [201, 'put', '/api/articles/expired', { body: record({ id: 'expired', expiresAt: '2026-11-21T00:00:00Z' }) }],
  [201, 'put', '/api/articles/gone', { body: record({ id: 'gone' }) }],
  [201, 'put', '/api/articles/x%2Fy', { body: record({ id: undefined, authors: [] }) }],
  [200, 'put', `${A}?dry-run`, { body: record(WORLD) }],
  [200, 'put', '/api/articles/new?dry-run=true', { body: EVERY_FIELD }],
  [201, 'put', '/api/articles/full', { body: EVERY_FIELD }],
  [200, 'put', '/api/articles/withdrawn?dry-run', { body: record({ ...WITHDRAWN, id: 'withdrawn' }) }],
  [400, 'put', A, { body: '{"title":' }],
  [400, 'put', `${A}?dry-run=perhaps`, { body: record() }],
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

  [200, 'get', `${A}/history`],
  [200, 'get', '/api/articles/embargoed/history'],
  [200, 'get', '/api/articles/filed/history'],
  [400, 'get', '/api/articles/%ff/history'],
  [401, 'get', `${A}/history`, { key: '' }],
  [404, 'get', '/api/articles/nothing/history'],
  [200, 'get', `${A}?view=feeds`],
  [200, 'get', `${A}?view=history`],
  [400, 'get', `${A}?view=all`],
  [400, 'get', `${A}/feeds?view=all`],
  [400, 'get', `${A}/history?view=all`],

  [200, 'delete', '/api/articles/gone?reason=Wrong'],
  [200, 'delete', '/api/articles/gone'],

  [200, 'get', `${A}?view=feeds`],
  [200, 'get', `${A}?view=history`],
  [400, 'get', `${A}?view=x`],
  [200, 'get', `${A}/history`],
  [200, 'get', '/api/articles/embargoed/history'],
  [200, 'get', '/api/articles/gone/history'],
  [400, 'get', '/api/articles/%ff/history'],
  [401, 'get', `${A}/history`, { key: '' }],
  [404, 'get', '/api/articles/nothing/history'],

  [400, 'delete', `${A}?why=x`],
  [400, 'delete', A, { headers: { 'If-None-Match': '"1"' } }],
  [400, 'delete', '/api/articles/%ff'],
  [401, 'delete', A, { key: '' }],
  [403, 'delete', A, { key: 'READ' }],
  [404, 'delete', '/api/articles/nothing'],
  [412, 'delete', A, { headers: { 'If-Match': '"99"' } }],

  [200, 'delete', '/api/articles/full?erase=true'],
  [200, 'delete', '/api/articles/full?erase'],
  [400, 'delete', '/api/articles/full?erase=perhaps'],
  [409, 'delete', '/api/articles/filed?erase=true'],
  [409, 'put', '/api/articles/full', { body: EVERY_FIELD }],
  [200, 'get', '/api/articles/full'],
  [200, 'get', '/api/articles/full/history'],

  [200, 'get', '/api/feeds'],
  [200, 'get', '/api/feeds?limit=1&kind=section'],
  [400, 'get', '/api/feeds?limit=x'],
  [400, 'get', '/api/feeds?kind=sections'],
  [401, 'get', '/api/feeds', { key: '' }],

  [200, 'get', '/api/problems'],
  [200, 'get', '/api/problems?limit=1'],
  [400, 'get', '/api/problems?limit=x'],
  [401, 'get', '/api/problems', { key: '' }],

  [200, 'get', '/api/partners'],
  [400, 'get', '/api/partners?limit=0'],
  [401, 'get', '/api/partners', { key: '' }],
  [200, 'get', '/api/partners/herald/skipped'],
  [400, 'get', '/api/partners/herald/skipped?cursor=x'],
  [400, 'get', '/api/partners/%ff/skipped'],
  [401, 'get', '/api/partners/herald/skipped', { key: '' }],
  [404, 'get', '/api/partners/heralt/skipped'],
  [200, 'get', '/api/partners/herald/deliveries'],
  [400, 'get', '/api/partners/herald/deliveries?cursor=x'],
  [400, 'get', '/api/partners/%ff/deliveries'],
  [401, 'get', '/api/partners/herald/deliveries', { key: '' }],
  [404, 'get', '/api/partners/heralt/deliveries'],

  [200, 'get', '/api/withdrawals'],
  [200, 'get', '/api/withdrawals?partner=herald&since=2026-11-01'],
  [400, 'get', '/api/withdrawals?partner=heralt'],
  [401, 'get', '/api/withdrawals', { key: '' }],

  [200, 'get', '/api/status'],
  [400, 'get', '/api/status?limit=1'],
  [401, 'get', '/api/status', { key: '' }],
  [200, 'get', '/api/outbox'],
  [400, 'get', '/api/outbox?limit=1'],
  [401, 'get', '/api/outbox', { key: '' }],

  [200, 'get', '/api/articles'],
  [200, 'get', '/api/articles?limit=1'],
  [200, 'get', '/api/articles?status=withdrawn'],
  [200, 'get', '/api/articles?feed=tag/nothing'],
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
  [409, 'put', '/api/articles/n', { body: record({ id: 'n' }) }],
  [200, 'get', '/api/articles/n'],
  [200, 'get', '/api/articles?status=withdrawn'],
  [401, 'post', '/api/articles', { body: '', key: '' }],
  [403, 'post', '/api/articles', { body: '', key: 'READ' }],
  [400, 'post', '/api/articles?dry-run', { body: JSON.stringify(record({ id: 'rehearsed' })) }],
  [415, 'post', '/api/articles', { body: 'x', headers: { 'Content-Encoding': 'br' } }],

  [200, 'get', '/api/openapi.json', { key: '' }],
  [200, 'get', '/healthz', { key: '' }],
  [200, 'get', '/readyz', { key: '' }],
];

/** Codes of every operation, which tests/http/openapi-errors.test.ts provokes, and of a store that fails, as below. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  'malformed_request',
  'request_timeout',
  'expectation_failed',
  'headers_too_large',
  'too_many_requests',
  'overloaded',
  'internal',
  'store_unavailable',
  'store_damaged',
  'database_unavailable',
  'insufficient_storage',
  'not_ready',
]);

describe('the description', () => {
  test('is at /api/openapi.json, for everybody, with the service’s address', async () => {
    const { port } = await startApi({}, { version: '1.2.3' });
    const { status, headers, text } = await ask(port, '/api/openapi.json');
    const served: Description = JSON.parse(text);

    expect([status, headers['content-type']]).toEqual([200, 'application/json; charset=utf-8']);
    expect([served.openapi, served.info.version]).toEqual(['3.1.0', '1.2.3']);
    expect(served.servers).toEqual([
      { url: 'https://feeds.news.example', description: 'The service of The Test Post.' },
    ]);
    expect(served.paths).toEqual(description.paths);
    expect(served.components).toEqual(description.components);
  });

  test('has every address of the app that is for programs of the newsroom, with its methods', () => {
    const source = readFileSync(join(import.meta.dirname, '../../src/http/app.ts'), 'utf8');
    const routes = [...source.matchAll(/\['(\/[^']+)',\s*\{([^}]+)\}/g)];
    const answered = routes
      .filter(([, path = '']) => /^\/(api\/|healthz|readyz)/.test(path))
      .flatMap(([, path = '', handlers = '']) =>
        [...handlers.matchAll(/\b(get|put|post|delete):/g)].map(
          ([, method]) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`,
        ),
      );
    const described = operationsOf(description).map(
      ({ path, method }) => `${method} ${path.replace(/^(\/api\/articles\/)\{id\}.*$/, '$1*path')}`,
    );

    expect(answered.length).toBeGreaterThan(5);
    expect(new Set(described)).toEqual(new Set(answered));
  });

  test('has addresses that lead to the API below the server’s: an address is what is behind the other', () => {
    for (const { url } of description.servers) expect(url.endsWith('/')).toBe(false);
    for (const path of Object.keys(description.paths)) expect(path).toMatch(/^\/(api\/|healthz$|readyz$)/);
  });

  test('has no reference that leads nowhere, and no schema that a validator refuses', () => {
    const references = [...JSON.stringify(description).matchAll(/"\$ref":"([^"]+)"/g)].map(
      ([, reference]) => reference,
    );
    const parts = Object.entries(description.components).filter(([name]) => name !== 'securitySchemes');
    const existing = parts.flatMap(([part, all]) => Object.keys(all).map((name) => `#/components/${part}/${name}`));

    expect(new Set(references)).toEqual(new Set(existing));
    for (const name of Object.keys(description.components.schemas)) {
      expect(validate({ $ref: `#/components/schemas/${name}` }, 'not an object')).toHaveLength(1);
    }
  });

  test('gives each operation a name of its own, a tag that is explained, words, and a key or none', () => {
    const operations = operationsOf(description).map(({ operation }) => operation);
    const names = operations.map(({ operationId }) => operationId);

    expect(names).toEqual([
      'listArticles',
      'publishArticles',
      'getArticle',
      'publishArticle',
      'withdrawArticle',
      'listFeedsOfArticle',
      'getArticleHistory',
      'listFeeds',
      'listProblems',
      'getStatus',
      'getOutbox',
      'listPartners',
      'listSkipped',
      'listDeliveries',
      'listWithdrawals',
      'getApiDescription',
      'getLiveness',
      'getReadiness',
    ]);
    expect(new Set(operations.flatMap(({ tags }) => tags))).toEqual(new Set(description.tags.map(({ name }) => name)));
    for (const { operationId, summary, description: words, security, responses } of operations) {
      expect([summary, words], operationId).toEqual([expect.stringMatching(/\w$/), expect.stringMatching(/\.$/)]);
      expect(security, operationId).toEqual('401' in responses ? [{ key: [] }] : []);
    }
  });

  test('declares every parameter of its paths, and explains every parameter, property, answer and header', () => {
    const silent: string[] = [];
    for (const { path, operation, parameters } of operationsOf(description)) {
      const declared = parameters.filter((one) => one.in === 'path').map(({ name }) => name);
      expect(declared, path).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      const answers = Object.values(operation.responses).map((response) => resolved(description, response));
      const headers = answers.flatMap((answer) => Object.values(answer.headers ?? {}));
      const all = [...parameters, ...answers, ...headers, ...(operation.requestBody ? [operation.requestBody] : [])];
      silent.push(
        ...all.filter((one) => !isExplained(one)).map((one) => `${operation.operationId} ${JSON.stringify(one)}`),
      );
    }
    const unexplained = (schema: Schema, path: string): string[] => [
      ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) => [
        ...('$ref' in property || isExplained(property) ? [] : [`${path}.${name}`]),
        ...unexplained(property, `${path}.${name}`),
      ]),
      ...(schema.items === undefined ? [] : unexplained(schema.items, `${path}[]`)),
    ];
    for (const [name, schema] of Object.entries(description.components.schemas)) {
      if (!isExplained(schema)) silent.push(name);
      silent.push(...unexplained(schema, name));
    }

    expect(silent).toEqual([]);
  });

  function isExplained({ description: words = '' }: { readonly description?: string }): boolean {
    return /\S/.test(words);
  }

  test('has an example of every parameter, request and answer, and each is one by its schema', () => {
    const wrong: string[] = [];
    let examples = 0;
    const check = (where: string, schema: Schema, value: unknown) => {
      examples += 1;
      wrong.push(...validate(schema, value).map((error) => `${where}: ${error}`));
    };
    for (const { operation, parameters } of operationsOf(description)) {
      const { operationId, requestBody, responses } = operation;
      for (const { name, schema, example } of parameters) check(`${operationId} ${name}`, schema, example);
      const answers = Object.values(responses).map((response) => resolved(description, response));
      for (const { content } of requestBody === undefined ? answers : [requestBody, ...answers]) {
        for (const [type, media] of Object.entries(content)) {
          const named = Object.values(media.examples ?? {}).map((one) => resolved(description, one).value);
          const values = 'example' in media ? [...named, media.example] : named;
          expect(values.length, `${operationId} ${type}`).toBeGreaterThan(0);
          for (const value of values) {
            const text = typeof value === 'string' ? value : JSON.stringify(value);
            const content = valuesIn(type, media, text);
            for (const one of content.values) check(operationId, content.schema, one);
          }
        }
      }
    }

    expect(examples).toBeGreaterThan(100);
    expect(wrong).toEqual([]);
  });

  test('names codes of errors with the statuses that they have', () => {
    const codes = operationsOf(description).flatMap(({ operation }) => codesOf(description, operation));
    const statuses = codes.map(({ code }) => new PublisherError(code as ErrorCode, '').status);

    expect(codes.length).toBeGreaterThan(80);
    expect(statuses).toEqual(codes.map(({ status }) => status));
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
    const files = {
      'articles/held.json': JSON.stringify(record({ id: 'held', url: '/held' })),
      'articles/filed.json': JSON.stringify(record({ id: 'filed' })),
      'articles/refused.json': '{"title":',
      'articles/notes.docx': 'x',
      'partners/herald.yaml': 'name: The Herald\nfeeds: [latest]\ndialect: plain\n',
    };
    api = await startApi(files, { bodyDeadline: 300 });
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
        if (answer.status >= 400) answered.add(`${asked[0]} ${templateOf(asked[1])} ${JSON.parse(answer.text).code}`);
        wrong.push(...undeclared(description, validate, asked, answer));
      }
    }

    // And none is declared that never comes.
    const never = operationsOf(description).flatMap(({ path, method, operation }) => [
      ...Object.keys(operation.responses)
        .filter((status) => status < '300' && !answered.has(`${method} ${path} ${status}`))
        .map((status) => `${method} ${path} ${status}`),
      ...codesOf(description, operation)
        .filter(({ code }) => !ELSEWHERE.has(code) && !answered.has(`${method} ${path} ${code}`))
        .map(({ code }) => `${method} ${path} ${code}`),
    ]);
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
    ['store_damaged', 503],
    ['database_unavailable', 503],
  ])('of a service whose store says %s', async (code, status) => {
    const real = openSqliteStore(':memory:');
    const { key } = await createKey(real, 'k', 'write', NOW);
    const reject = () => Promise.reject(new PublisherError(code, 'The store cannot.'));
    const store = { ...real, apply: reject, ...(code.startsWith('store_') ? { find: reject, list: reject } : {}) };
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
        rehearse: publisher.publish,
        feedsUrl: publication.feedsUrl,
        now,
        bodyDeadline: 1000,
      }),
      listProblems: () => {},
      showStatus: () => {},
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
    for (const asked of code.startsWith('store_') ? [...writing, ...reading] : writing) {
      const answer = await askAs(port, key, asked);
      expect([answer.status, JSON.parse(answer.text).code]).toEqual([status, code]);
      wrong.push(...undeclared(description, validate, asked, answer));
    }

    expect(wrong).toEqual([]);
  });
});

describe('the declared form of a record', () => {
  const formOf = (name: string) => ({ $ref: `#/components/schemas/${name}` });

  test('takes every record that the service takes, with the id in the address or in the record', () => {
    const taken = REQUESTS.flatMap(([status, method, , options]) =>
      method === 'put' && status < 300 ? [JSON.parse(JSON.stringify(options?.body))] : [],
    );

    expect(taken.length).toBeGreaterThan(5);
    expect(taken.flatMap((body) => validate(formOf('RecordAtAddress'), body))).toEqual([]);
  });

  test.each([
    ['an unknown field', { colour: 'red' }],
    ['a number for a title', { title: 1 }],
    ['an unknown format', { bodyFormat: 'docx' }],
    ['no body', { body: undefined }],
    ['a date without a time', { publishedAt: '2026-11-20' }],
    ['a language in words', { language: 'in English' }],
  ])('refuses %s', (_, fields) => {
    expect(validate(formOf('Record'), JSON.parse(JSON.stringify(record(fields))))).toHaveLength(1);
  });
});
