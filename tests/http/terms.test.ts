import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { type Answer, ask, dataFolder, decoded, PUBLICATION, type Running, record, start } from '../helpers.ts';
import { NOW } from './api.ts';
import { READY_WAY, unmemorable, watchWays } from './ways.ts';

const TERMS = `terms:
  search: yes
  aiTraining: ask
  dataMining: ask
  contact: { email: licences@news.example }
  contentUsage: yes
`;

const LICENSE = '<https://feeds.news.example/license.xml>; rel="license"; type="application/rsl+xml"';
const STATED = {
  'tdm-reservation': '1',
  'tdm-policy': 'https://feeds.news.example/tdm-policy.json',
  'content-usage': 'train-ai=n, search=y',
};
const DOCUMENTS = [
  ...['latest', 'latest/archive/1'].flatMap((feed) =>
    ['.rss', '.atom', '.json', ''].map((end) => `/feeds/${feed}${end}`),
  ),
  '/',
];
const FILES = ['/license.xml', '/.well-known/tdmrep.json', '/tdm-policy.json'];

/** The oldest of the stories is in the archive. */
async function folderWith(terms: string): Promise<string> {
  const archived = ['b', 'c', 'd'].map((id, day): [string, string] => {
    const publishedAt = `2026-11-0${day + 1}T00:00:00Z`;
    return [`articles/${id}.json`, JSON.stringify(record({ id, url: `/${id}`, publishedAt }))];
  });
  return dataFolder({
    'publication.yaml': `${PUBLICATION}entries: 2\n${terms}`,
    'articles/a.json': JSON.stringify(record({ id: 'a', sections: ['World'], image: { url: '/media/a.png' } })),
    ...Object.fromEntries(archived),
    'media/a.png': 'a',
  });
}

function stated({ headers }: Answer): Record<string, unknown> {
  return Object.fromEntries(Object.keys(STATED).map((name) => [name, headers[name]]));
}

/** The headers of an answer without Date, which may differ by a second. */
function undated({ headers }: Answer): Record<string, unknown> {
  return { ...headers, date: '' };
}

describe('a publication with terms', () => {
  let service: Running;
  beforeEach(async () => {
    service = await start(await folderWith(TERMS), { now: () => NOW });
  });

  test('states them with every feed and page, by the fast path and by Express', async () => {
    const ways = watchWays();
    for (const path of DOCUMENTS) {
      await ask(service.port, path);
      ways();
      const answers = [await ask(service.port, path), await ask(service.port, unmemorable(path))];
      // The page of all feeds has no fast path.
      expect([path, ways()]).toEqual([path, [path === '/' ? 'Express' : READY_WAY, 'Express']]);
      for (const answer of answers) {
        expect([path, answer.status, stated(answer)]).toEqual([path, 200, STATED]);
        expect(String(answer.headers.link).endsWith(`, ${LICENSE}`)).toBe(true);
      }
      const head = await ask(service.port, path, { method: 'HEAD' });
      const [known, byExpress, asHead] = [...answers, head].map(undated);
      expect([byExpress, asHead]).toEqual([known, known]);
    }
  });

  test('a 304 states none: they are about the content', async () => {
    for (const path of DOCUMENTS) {
      const { headers } = await ask(service.port, path);
      const same = { headers: { 'If-None-Match': headers.etag } };
      for (const address of [path, unmemorable(path)]) {
        const answer = await ask(service.port, address, same);
        expect([answer.status, answer.headers.link, ...Object.values(stated(answer))]).toEqual([
          304,
          ...Array(4).fill(undefined),
        ]);
      }
    }
  });

  test('a delta and a feed as plain text state them', async () => {
    const { headers } = await ask(service.port, '/feeds/latest.rss');
    const older = headers.etag?.replace(/"[\w-]{16}/, `"${'A'.repeat(16)}`);
    const delta = await ask(service.port, '/feeds/latest.rss', { headers: { 'A-IM': 'feed', 'If-None-Match': older } });
    const raw = await ask(service.port, '/feeds/latest.rss?format=raw');
    expect([delta.status, stated(delta), raw.status, stated(raw)]).toEqual([226, STATED, 200, STATED]);
  });

  test.each([
    ['/license.xml', 'application/rsl+xml; charset=utf-8', '<rsl xmlns="https://rslstandard.org/rsl"'],
    ['/.well-known/tdmrep.json', 'application/json; charset=utf-8', '"location": "/"'],
    ['/tdm-policy.json', 'application/json; charset=utf-8', '"vcard:hasEmail": "mailto:licences@news.example"'],
  ])('%s', async (path, type, part) => {
    const plain = await ask(service.port, path);
    expect([plain.status, plain.headers['content-type'], plain.text.includes(part)]).toEqual([200, type, true]);
    expect(plain.headers['cache-control']).toBe('public, max-age=60, stale-while-revalidate=1, stale-if-error=86400');
    const tags = new Set([plain.headers.etag]);
    for (const coding of ['br', 'zstd', 'gzip']) {
      const answer = await ask(service.port, path, { headers: { 'Accept-Encoding': coding } });
      expect([answer.headers['content-encoding'], decoded(answer).toString()]).toEqual([coding, plain.text]);
      tags.add(answer.headers.etag);
    }
    expect(tags.size).toBe(4);
    const asked = (method: string, headers = {}) => ask(service.port, path, { method, headers });
    for (const tag of tags) expect((await asked('GET', { 'If-None-Match': tag })).status).toBe(304);
    expect((await asked('GET', { 'If-Match': '"other"' })).status).toBe(412);
    // It has no date, so these do not count (RFC 9110 §13.1.3).
    expect((await asked('GET', { 'If-Modified-Since': new Date(NOW).toUTCString() })).status).toBe(200);
    const head = await asked('HEAD');
    expect([head.status, undated(head), head.text]).toEqual([200, undated(plain), '']);
    expect([(await asked('OPTIONS')).headers.allow, (await asked('PUT')).status]).toEqual(['GET, HEAD, OPTIONS', 405]);
  });

  test('errors, redirects, files and the API state none', async () => {
    for (const path of [
      '/nothing',
      '/feeds/nothing.rss',
      '/rss.xml',
      '/media/a.png',
      '/api/articles',
      '/healthz',
      ...FILES,
    ]) {
      const answer = await ask(service.port, path);
      expect([path, ...Object.values(stated(answer))]).toEqual([path, ...Array(3).fill(undefined)]);
      expect([path, String(answer.headers.link).includes('license')]).toEqual([path, false]);
    }
  });
});

test('a publication without terms says nothing at any address', async () => {
  const service = await start(await folderWith('license: https://news.example/licence\ncopyright: © T\n'), {
    now: () => NOW,
  });
  const others = [
    '/feeds/section/world.rss',
    '/?q=world',
    '/feeds/latest.rss?format=raw',
    '/media/a.png',
    '/rss.xml',
    '/feed/',
    '/nothing',
    '/feeds/nothing.rss',
    '/healthz',
    '/readyz',
    '/api/openapi.json',
  ];
  const vocabularies =
    /rslstandard|application\/rsl|tdm-|content-usage|content-signal|_terms|creativeCommons|license\.xml/i;
  for (const path of [...DOCUMENTS, ...others, ...FILES]) {
    const { status, headers, text } = await ask(service.port, path, { headers: { Accept: 'text/html' } });
    expect([
      path,
      status,
      vocabularies.exec(`${JSON.stringify(headers)}\n${text}`.replace(`There is nothing at ${path}`, '')),
    ]).toEqual([path, status, null]);
    if (FILES.includes(path)) expect(status).toBe(404);
  }
});

/** Every change of the terms, of which some change no byte of any document. */
test.each([
  ['added', '', TERMS],
  ['removed', TERMS, ''],
  ['a header more', TERMS.replace('contentUsage: yes', 'contentUsage: no'), TERMS],
  ['another value of a header', TERMS, TERMS.replace('dataMining: ask', 'dataMining: no')],
  ['another value in the documents', TERMS, TERMS.replace('licences@', 'rights@')],
])('changed terms change tags and dates: %s', async (_, before, after) => {
  const folder = await folderWith(before);
  const clock = { now: NOW };
  const answers = async (service: Running) => Promise.all(DOCUMENTS.map((path) => ask(service.port, path)));
  const first = await start(folder, { now: () => clock.now });
  const old = await answers(first);
  await first.close();
  await writeFile(join(folder, 'publication.yaml'), `${PUBLICATION}entries: 2\n${after}`);
  clock.now += 60_000;
  const second = await start(folder, { now: () => clock.now });
  const fresh = await answers(second);
  for (const [index, path] of DOCUMENTS.entries()) {
    const isSaid =
      path.endsWith('.json') ||
      JSON.stringify(stated(old[index] as Answer)) !== JSON.stringify(stated(fresh[index] as Answer));
    if (isSaid) expect([path, fresh[index]?.headers.etag]).not.toEqual([path, old[index]?.headers.etag]);
    expect([path, fresh[index]?.headers['last-modified']]).not.toEqual([path, old[index]?.headers['last-modified']]);
  }
});
