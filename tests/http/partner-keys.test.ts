import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Answer,
  ask,
  dataFolder,
  makeFolder,
  PUBLICATION,
  type Running,
  record,
  serving,
  start,
} from '../helpers.ts';
import { keyFor, NOW, SECOND } from './api.ts';
import { askPartner, basic, bearer, partnerKey, revoke, told } from './partners.ts';

const PARTNER = (name: string) => `name: ${name}\ndialect: plain\nfeeds: [latest, section/world]\n`;

let folder = '';
let service: Running;
let now = NOW;
let key = '';
let other = '';
let apiKey = '';

beforeAll(async () => {
  folder = await makeFolder({
    'articles/a.json': JSON.stringify(record({ sections: ['World'] })),
    'partners/wire.yaml': PARTNER('Wire'),
    'partners/paper.yaml': PARTNER('Paper'),
  });
  ({ key: apiKey } = await keyFor(folder));
  ({ key } = await partnerKey(folder, 'wire'));
  ({ key: other } = await partnerKey(folder, 'paper'));
  service = await serving(folder, { now: () => now });
});

afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true });
});

const get = (path: string, headers = {}, method = 'GET') => ask(service.port, path, { headers, method });

describe('a valid key', () => {
  test.each<[string, () => Promise<Answer>]>([
    ['as Bearer', () => get('/partners/wire/latest.rss', bearer(key))],
    ['as Bearer in small letters', () => get('/partners/wire/latest.rss', { Authorization: `bearer ${key}` })],
    ['as the password of any user', () => get('/partners/wire/latest.rss', basic('whoever', key))],
    [
      'as the password of a user with letters beyond ASCII',
      () => get('/partners/wire/latest.rss', basic('Çınar', key)),
    ],
    ['as the password of nobody', () => get('/partners/wire/latest.rss', basic('', key))],
    ['as the user, with an empty password', () => get('/partners/wire/latest.rss', basic(key, ''))],
    ['in the path', () => get(`/partners/wire/${key}/latest.rss`)],
    ['in the path, percent-encoded', () => get(`/partners/wire/%66${key.slice(1)}/latest.rss`)],
    ['in the path of a section', () => get(`/partners/wire/${key}/section/world.rss`)],
    ['in the path, with a wrong one in the header', () => get(`/partners/wire/${key}/latest.rss`, bearer('wrong'))],
    ['with a query', () => get('/partners/wire/latest.rss?_=1', bearer(key))],
    ['with a slash at the end', () => get('/partners/wire/latest.rss/', bearer(key))],
  ])('opens feeds %s', async (_, asking) => {
    const answer = await asking();
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/rss+xml; charset=utf-8']);
    expect(answer.text).toContain('<guid isPermaLink="false">tag:news.example,2026:a</guid>');
  });
});

describe('without a valid key', () => {
  const withoutPlace = ['/partners/wire/latest.rss', '/partners/nobody/latest.rss', '/partners/wire/nothing.rss'];
  const credentials: [string, () => object][] = [
    ['nothing', () => ({})],
    ['no key', () => bearer('wrong')],
    ['an unknown key', () => bearer(`fp_000000000000_${'A'.repeat(43)}`)],
    ['another secret', () => bearer(`${key.slice(0, -43)}${'A'.repeat(43)}`)],
    ['the key of another partner', () => bearer(other)],
    ['an API key', () => bearer(apiKey)],
    ['an API key with Basic', () => basic('x', apiKey)],
    ['another scheme', () => ({ Authorization: `Digest ${key}` })],
    ['broken Basic credentials', () => ({ Authorization: 'Basic !' })],
  ];

  test.each(credentials)('%s gets the same 401 at every address', async (_, headers) => {
    const paths = [...withoutPlace, '/partners/wire', '/partners/wire/changes', '/partners/wire/section/world.rss'];
    const answers = (await Promise.all(paths.map((path) => get(path, headers())))).map(told);

    const expected = {
      status: 401,
      headers: {
        'cache-control': 'private, no-store',
        connection: 'close',
        'content-length': expect.any(String),
        'content-type': 'application/problem+json; charset=utf-8',
        'referrer-policy': 'no-referrer',
        'www-authenticate': 'Basic realm="Feeds of partners", charset="UTF-8", Bearer',
        'x-content-type-options': 'nosniff',
      },
      text: `${JSON.stringify({
        title: 'This address needs the key of a partner.',
        status: 401,
        code: 'unauthorized',
        detail:
          'Send the key as “Authorization: Bearer KEY”, or with Basic as the password of any user. If you did, the key is wrong, revoked or expired: ask the publisher for a new one.',
      })}\n`,
    };
    expect(answers).toEqual(paths.map(() => expected));
  });

  test('a wrong key in the path gets the same 404 as an address that does not exist', async () => {
    const paths = [
      ...[`fp_000000000000_${'A'.repeat(43)}`, `${key.slice(0, -43)}${'A'.repeat(43)}`, other, apiKey, 'x'].map(
        (wrong) => `/partners/wire/${wrong}/latest.rss`,
      ),
      `/partners/nobody/${key}/latest.rss`,
      `/partners/nobody/nothing/latest.rss`,
      `/partners/wire/x/y/z`,
      `/partners/paper/${key}/section/world.rss`,
    ];
    const [first, ...others] = (await Promise.all(paths.map((path) => get(path)))).map(told);

    expect(first).toMatchObject({ status: 404, headers: { 'cache-control': 'private, no-store' } });
    expect(JSON.parse(first?.text ?? '')).toEqual({
      title: 'There is nothing at this address.',
      status: 404,
      code: 'not_found',
      detail: 'Check the address and the key in it.',
    });
    for (const answer of others) expect(answer).toEqual(first);
  });

  test.each(['HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE'])('%s tells nothing', async (method) => {
    const [first, ...others] = (await Promise.all(withoutPlace.map((path) => get(path, {}, method)))).map((answer) => {
      const { status, headers, text } = told(answer);
      return { status, headers: { ...headers, 'content-length': '' }, code: text === '' ? '' : JSON.parse(text).code };
    });
    for (const answer of others) expect(answer).toEqual(first);
    expect(first?.status).toBe(method === 'HEAD' ? 401 : method === 'OPTIONS' ? 204 : 405);
    expect(first?.headers['cache-control']).toBe('private, no-store');
    expect(first?.headers['access-control-allow-origin']).toBeUndefined();
  });
});

test('a browser that follows a link to a wrong address gets the same problem', async () => {
  const plain = await get('/partners/wire/wrong/latest.rss');
  const page = await get('/partners/wire/wrong/latest.rss', { Accept: 'text/html' });
  expect(told(page)).toEqual(told(plain));
});

test('a valid key gets to know the addresses of its partner, and no other', async () => {
  const answer = await get(`/partners/wire/${key}/nothing.rss`);
  expect(answer.status).toBe(404);
  expect(JSON.parse(answer.text)).toEqual({
    title: 'The partner wire has no such feed.',
    status: 404,
    code: 'feed_not_found',
    detail: `Its feeds are: ${['latest', 'section/world']
      .flatMap((feed) =>
        ['rss', 'atom', 'json'].map((format) => `https://feeds.news.example/partners/wire/${feed}.${format}`),
      )
      .join(' ')}`,
  });
  for (const path of ['latest', 'latest.xml', 'section/sport.rss', 'sections/world.rss', 'a/b/c', ''])
    expect(JSON.parse((await askPartner(service.port, `wire/${path}`, key)).text), path).toEqual(
      JSON.parse(answer.text),
    );
});

test('a key fails at the next request after it is revoked, and at the moment at which it expires', async () => {
  const short = await partnerKey(folder, 'wire', { expiresAt: NOW + SECOND });
  const lost = await partnerKey(folder, 'wire', { name: 'lost' });
  const ask = async () => [
    (await askPartner(service.port, 'wire/latest.rss', short.key)).status,
    (await get(`/partners/wire/${short.key}/latest.rss`)).status,
    (await askPartner(service.port, 'wire/latest.rss', lost.key)).status,
  ];
  const before = await ask();
  now = NOW + SECOND - 1;
  const last = await ask();
  now = NOW + SECOND;
  await revoke(folder, lost.id);
  const after = await ask();
  now = NOW;

  expect([before, last, after]).toEqual([
    [200, 200, 200],
    [200, 200, 200],
    [401, 404, 401],
  ]);
});

test('the key of a partner opens nothing else', async () => {
  const unknown = await get('/api/articles', bearer(`fp_000000000000_${'A'.repeat(43)}`));
  const answers = await Promise.all(
    ['/api/articles', '/api/feeds', '/api/partners'].map((path) => get(path, bearer(key))),
  );
  for (const answer of answers.slice(0, 2)) expect(told(answer)).toEqual(told(unknown));
  expect((await get('/api/articles/a', bearer(key), 'DELETE')).status).toBe(401);
  expect((await get('/feeds/partner/wire.rss', bearer(key))).status).toBe(404);
});

test('the feed of a page about partners, on the site before, leads to its successor', async () => {
  const site = await dataFolder({
    'publication.yaml': `${PUBLICATION}redirects:\n  - { from: /partners/feed/, to: latest }\n`,
    'articles/a.json': JSON.stringify(record()),
  });
  const { port } = await start(site, { now: () => NOW });
  const answers = await Promise.all(['/partners/feed/', '/partners/other/'].map((path) => ask(port, path)));
  expect(answers.map(({ status, headers }) => [status, headers.location])).toEqual([
    [308, '../../feeds/latest.rss'],
    [401, undefined],
  ]);
});
