import { rm } from 'node:fs/promises';
import type { OutgoingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, ask, makeFolder, PUBLICATION, type Running, record, serving } from '../helpers.ts';
import { keyFor, NOW } from './api.ts';

const CMS = 'https://cms.news.example';
const LOCAL = 'http://localhost:3000';
const ORIGINS = `origins: ["${CMS}", "${LOCAL}"]\n`;
const A = '/api/articles/a';

/** A service that writes, and one that reads and forwards changes to it. */
let writer: Running;
let reader: Running;
let key: string;
let release: () => Promise<void>;

beforeAll(async () => {
  const folder = await makeFolder({ 'publication.yaml': `${PUBLICATION}${ORIGINS}`, 'articles/.keep': '' });
  key = (await keyFor(folder)).key;
  const socket = join(folder, 'writer');
  const readersEnded = Promise.withResolvers<void>();
  const now = () => NOW;
  writer = await serving(folder, { now, part: { role: 'writer', socket, readersEnded: readersEnded.promise } });
  reader = await serving(folder, { now, part: { role: 'reader', socket } });
  await ask(writer.port, A, { method: 'PUT', headers: withKey(), body: JSON.stringify(record()) });
  release = async () => {
    await reader.close();
    readersEnded.resolve();
    await writer.close();
    await rm(folder, { recursive: true });
  };
});

afterAll(() => release());

interface Asked {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

const withKey = () => ({ Authorization: `Bearer ${key}` });

/** The headers of an answer that decide what web pages may do with it, and what caches may. */
function permission({ headers }: Answer): Record<string, unknown> {
  const names = Object.keys(headers).filter((name) => /^(access-control-.*|vary)$/.test(name));
  return Object.fromEntries(names.map((name) => [name, headers[name]]));
}

const READABLE = (origin: string) => ({
  vary: 'Origin',
  'access-control-allow-origin': origin,
  'access-control-expose-headers': 'ETag, Location',
});

/** One request for each way in which the API answers. */
const REQUESTS: readonly (readonly [string, number, string, Asked])[] = [
  ['a change', 200, A, { method: 'PUT', body: JSON.stringify(record()) }],
  ['an article', 200, A, {}],
  ['its head', 200, A, { method: 'HEAD' }],
  ['a list', 200, '/api/articles', {}],
  ['the feeds', 200, '/api/feeds', {}],
  ['the problems', 200, '/api/problems', {}],
  ['the status', 200, '/api/status', {}],
  ['the description', 200, '/api/openapi.json', {}],
  ['many', 200, '/api/articles', { method: 'POST', body: `${JSON.stringify(record())}\n{` }],
  ['a record that is refused', 422, A, { method: 'PUT', body: '{"title":5}' }],
  [
    'a condition that fails',
    412,
    A,
    { method: 'PUT', body: JSON.stringify(record()), headers: { 'If-Match': '"99"' } },
  ],
  ['no key', 401, A, { headers: { Authorization: 'Bearer none' } }],
  ['a compressed body', 415, A, { method: 'PUT', body: 'x', headers: { 'Content-Encoding': 'gzip' } }],
  ['a method that is none', 405, A, { method: 'PATCH' }],
  ['a path that is none', 400, '/api/articles/%ff', {}],
  ['an address that is none', 404, '/api/nothing', {}],
  ['the API in capitals', 200, '/API/articles', {}],
  ['an expectation', 417, A, { headers: { Expect: 'magic' } }],
];

describe.each(['writer', 'reader'] as const)('the API of a %s', (role) => {
  const api = (path: string, { headers, ...asked }: Asked = {}) =>
    ask((role === 'writer' ? writer : reader).port, path, { ...asked, headers: { ...withKey(), ...headers } });

  test.each(REQUESTS)('lets a page of a listed origin read %s: %i', async (name, status, path, asked) => {
    for (const origin of [CMS, LOCAL]) {
      const answer = await api(path, { ...asked, headers: { ...asked.headers, Origin: origin } });
      expect([answer.status, permission(answer)], name).toEqual([status, READABLE(origin)]);
      expect(answer.headers['cache-control'], name).toBe('no-store');
    }
  });

  test.each(REQUESTS)('lets no other page read %s, and no cache mix the two', async (name, _status, path, asked) => {
    const others = [
      undefined,
      'https://evil.example',
      `${CMS}.evil.example`,
      `${CMS}:443`,
      `${CMS}/`,
      'null',
      '*',
      CMS.toUpperCase(),
    ];
    for (const origin of others) {
      const headers = { ...asked.headers, ...(origin === undefined ? {} : { Origin: origin }) };
      expect(permission(await api(path, { ...asked, headers })), `${name} ${origin}`).toEqual({ vary: 'Origin' });
    }
  });

  test.each([
    [A, 'PUT', 'GET, HEAD, PUT, DELETE, OPTIONS'],
    ['/api/articles', 'POST', 'GET, HEAD, POST, OPTIONS'],
    ['/api/problems', 'GET', 'GET, HEAD, OPTIONS'],
  ])('answers the preflight of %s', async (path, method, methods) => {
    const preflight = (origin: string) =>
      ask((role === 'writer' ? writer : reader).port, path, {
        method: 'OPTIONS',
        headers: {
          Origin: origin,
          'Access-Control-Request-Method': method,
          'Access-Control-Request-Headers': 'authorization',
        },
      });
    const answer = await preflight(CMS);
    expect([answer.status, answer.headers.allow, permission(answer)]).toEqual([
      204,
      methods,
      {
        vary: 'Origin',
        'access-control-allow-origin': CMS,
        'access-control-allow-methods': methods,
        'access-control-allow-headers': 'Authorization, Content-Type, If-Match, If-None-Match',
        'access-control-max-age': '3600',
      },
    ]);
    const other = await preflight('https://evil.example');
    expect([other.status, other.headers.allow, permission(other)]).toEqual([204, methods, { vary: 'Origin' }]);
  });
});

test('feeds stay open to every page, and do not vary by origin', async () => {
  for (const origin of [CMS, 'https://reader.example']) {
    for (const path of ['/feeds/latest.json', '/feeds/nothing.rss']) {
      expect(permission(await ask(writer.port, path, { headers: { Origin: origin } }))).toMatchObject({
        'access-control-allow-origin': '*',
        'access-control-expose-headers': 'ETag, IM, Last-Modified, Link, Retry-After, Content-Length',
      });
    }
  }
});

test('without origins, no page may read the API, errors included', async () => {
  const folder = await makeFolder({ 'articles/.keep': '' });
  const service = await serving(folder, { now: () => NOW });
  try {
    for (const [path, method] of [
      [A, 'GET'],
      [A, 'OPTIONS'],
      ['/api/openapi.json', 'GET'],
    ] as const) {
      const headers = { Origin: CMS, 'Access-Control-Request-Method': 'PUT' };
      expect(permission(await ask(service.port, path, { method, headers }))).toEqual({});
    }
  } finally {
    await service.close();
    await rm(folder, { recursive: true });
  }
});
