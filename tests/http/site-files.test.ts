import { rm } from 'node:fs/promises';
import { parseOpml } from 'feedsmith';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSitemap } from '../format/sitemap-rules.ts';
import {
  type Answer,
  ask,
  dataFolder,
  decoded,
  makeFolder,
  PUBLICATION,
  type Running,
  record,
  serving,
  start,
} from '../helpers.ts';
import { keyFor, NOW, SECOND } from './api.ts';

const HOUR = 60 * 60 * SECOND;
const iso = (moment: number) => new Date(moment).toISOString();
const LISTS = ['/feeds.opml', '/sitemap.xml', '/sitemap-feeds.xml', '/sitemap-2026-11.xml', '/news-sitemap.xml'];
const FILES = [...LISTS, '/robots.txt', '/favicon.ico'];

const PAPER = `${PUBLICATION}contact: { name: Newsroom, email: news@news.example }
feeds:
  - { id: rivers, title: Rivers, description: All rivers., language: ku, select: { any: [tag/dams] } }
  - { id: old, title: Old, select: { any: [tag/old] } }
retired:
  - { feed: section/old, movedTo: section/world }
`;

const clock = { now: NOW };
let api: Running;
let key: string;
let folder: string;
beforeAll(async () => {
  const stories = [
    record({
      id: 'a',
      url: '/a',
      sections: ['World'],
      tags: ['Dams'],
      authors: [{ name: 'Ann' }],
      publishedAt: iso(NOW - 40 * HOUR),
    }),
    record({
      id: 'b',
      url: '/b?x=1&y=2',
      language: 'zh-Hant',
      title: 'B & C',
      image: { url: '/media/b.png' },
      publishedAt: iso(NOW - HOUR),
    }),
    record({
      id: 'c',
      url: '/c',
      sections: ['Old'],
      publishedAt: '2025-12-31T23:59:59Z',
      updatedAt: '2026-01-02T10:00:00Z',
    }),
  ];
  folder = await makeFolder({
    'publication.yaml': PAPER,
    'media/b.png': 'b',
    ...Object.fromEntries(stories.map((story) => [`articles/${story.id}.json`, JSON.stringify(story)])),
  });
  ({ key } = await keyFor(folder));
  api = await serving(folder, { now: () => clock.now });
});
afterAll(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

const get = (path: string, headers = {}, method = 'GET'): Promise<Answer> => ask(api.port, path, { method, headers });
async function change(method: string, path: string, body = '', headers = {}): Promise<void> {
  const { status } = await ask(api.port, `/api/articles${path}`, {
    method,
    headers: { Authorization: `Bearer ${key}`, ...headers },
    body,
  });
  expect(status).toBeLessThan(300);
}
const publish = (id: string, fields: object) =>
  change('PUT', `/${id}`, JSON.stringify(record({ id, url: `/${id}`, ...fields })));
const withdraw = (id: string) => change('DELETE', `/${id}`);
const addressesIn = async (path: string) => readSitemap((await get(path)).text).entries.map(({ loc }) => loc);

test('/feeds.opml lists every feed in the groups of the page of all feeds', async () => {
  const { status, headers, text } = await get('/feeds.opml');
  expect([status, headers['content-type']]).toEqual([200, 'text/x-opml; charset=utf-8']);
  const { head, body } = parseOpml(text);
  expect(head).toEqual({ title: 'The Test Post', ownerName: 'Newsroom', ownerEmail: 'news@news.example' });
  const feed = (key: string, title: string, language: string, description: string) => ({
    text: title,
    title,
    type: 'rss',
    version: 'RSS2',
    description,
    language,
    xmlUrl: `https://feeds.news.example/feeds/${key}.rss`,
    htmlUrl: `https://feeds.news.example/feeds/${key}`,
  });
  const own = (key: string, name: string, language = 'en') =>
    feed(key, `The Test Post: ${name}`, language, `${name}. News for tests.`);
  expect(body?.outlines).toEqual([
    feed('latest', 'The Test Post', 'en', 'News for tests.'),
    { text: 'Sections', title: 'Sections', outlines: [own('section/world', 'World')] },
    {
      text: 'Languages',
      title: 'Languages',
      outlines: [own('language/en', 'English'), own('language/zh-hant', '繁體中文', 'zh-Hant')],
    },
    { text: 'Topics', title: 'Topics', outlines: [own('tag/dams', 'Dams')] },
    { text: 'Authors', title: 'Authors', outlines: [own('author/ann', 'Ann')] },
    {
      text: 'Chosen by the newsroom',
      title: 'Chosen by the newsroom',
      outlines: [feed('rivers', 'Rivers', 'ku', 'All rivers.'), feed('old', 'Old', 'en', 'News for tests.')],
    },
  ]);
});

test('/sitemap.xml names files that have every visible story and every page, each once', async () => {
  const { headers, text } = await get('/sitemap.xml');
  expect(headers['content-type']).toBe('application/xml; charset=utf-8');
  expect(readSitemap(text)).toEqual({
    kind: 'sitemapindex',
    entries: [
      { loc: 'https://feeds.news.example/sitemap-feeds.xml', images: [] },
      {
        loc: 'https://feeds.news.example/sitemap-2026-11.xml',
        lastmod: iso(NOW - HOUR).replace('.000', ''),
        images: [],
      },
      { loc: 'https://feeds.news.example/sitemap-2025-12.xml', lastmod: '2026-01-02T10:00:00Z', images: [] },
    ],
    news: [],
  });
  const november = readSitemap((await get('/sitemap-2026-11.xml')).text);
  expect(november.entries).toEqual([
    { loc: 'https://news.example/a', lastmod: '2026-11-20T20:00:00Z', images: [] },
    {
      loc: 'https://news.example/b?x=1&y=2',
      lastmod: '2026-11-22T11:00:00Z',
      images: ['https://feeds.news.example/media/b.png'],
    },
  ]);
  expect(await addressesIn('/sitemap-2025-12.xml')).toEqual(['https://news.example/c']);
  const keys = [
    'latest',
    'author/ann',
    'language/en',
    'language/zh-hant',
    'section/world',
    'tag/dams',
    'rivers',
    'old',
  ];
  expect(await addressesIn('/sitemap-feeds.xml')).toEqual([
    'https://feeds.news.example/',
    ...keys.map((key) => `https://feeds.news.example/feeds/${key}`),
  ]);
});

test('/news-sitemap.xml has the stories of two days, newest first, by the rules of Google News', async () => {
  const { entries, news } = readSitemap((await get('/news-sitemap.xml')).text);
  expect(entries.map(({ loc }) => loc)).toEqual(['https://news.example/b?x=1&y=2', 'https://news.example/a']);
  expect(news).toEqual([
    { name: 'The Test Post', language: 'zh-tw', date: '2026-11-22T11:00:00Z', title: 'B & C' },
    { name: 'The Test Post', language: 'en', date: '2026-11-20T20:00:00Z', title: 'A title' },
  ]);
});

test('a story leaves the news at the end of its two days, at that instant', async () => {
  const { headers } = await get('/news-sitemap.xml');
  const etag = headers.etag ?? '';
  const end = NOW - 40 * HOUR + 48 * HOUR;
  try {
    clock.now = end - 1;
    expect((await get('/news-sitemap.xml', { 'If-None-Match': etag })).status).toBe(304);
    clock.now = end;
    expect((await get('/news-sitemap.xml', { 'If-None-Match': etag })).status).toBe(200);
    expect(await addressesIn('/news-sitemap.xml')).toEqual(['https://news.example/b?x=1&y=2']);
    clock.now = NOW + 100 * HOUR;
    const empty = await get('/news-sitemap.xml');
    expect([empty.status, readSitemap(empty.text).entries]).toEqual([200, []]);
  } finally {
    clock.now = NOW;
  }
});

describe.each(FILES)('%s', (path) => {
  test('is answered as feeds are: codings, validators, HEAD, 405, and for every web page', async () => {
    const plain = await get(path);
    expect(plain.status).toBe(200);
    expect(plain.headers['cache-control']).toBe('public, max-age=60, stale-while-revalidate=1, stale-if-error=86400');
    expect([plain.headers.vary, plain.headers['access-control-allow-origin']]).toEqual(['Accept-Encoding', '*']);
    const tags = new Set<string | undefined>();
    for (const coding of ['identity', 'gzip', 'br', 'zstd']) {
      const coded = await get(path, { 'Accept-Encoding': coding });
      expect(coded.headers['content-encoding'] ?? 'identity').toBe(coding);
      expect(decoded(coded).equals(plain.body)).toBe(true);
      tags.add(coded.headers.etag);
      const same = await get(path, { 'Accept-Encoding': 'identity', 'If-None-Match': coded.headers.etag });
      expect([same.status, same.body.length, same.headers.etag]).toEqual([304, 0, plain.headers.etag]);
    }
    expect(tags.size).toBe(4);
    const head = await get(path, {}, 'HEAD');
    expect([head.status, head.body.length, head.headers['content-length']]).toEqual([
      200,
      0,
      String(plain.body.length),
    ]);
    const post = await get(path, {}, 'POST');
    expect([post.status, post.headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS']);
    expect((await get(path, { 'If-Match': '"other"' })).status).toBe(412);
  });
});

test('the lists have a date, except the news, which time changes', async () => {
  for (const path of LISTS) {
    const { headers } = await get(path);
    const date = headers['last-modified'];
    expect(date === undefined, path).toBe(path.startsWith('/news'));
    if (date === undefined) continue;
    expect((await get(path, { 'If-Modified-Since': date })).status, path).toBe(304);
  }
});

test('each change shows in the next answer', async () => {
  await publish('x', { tags: ['New & fresh'], publishedAt: iso(NOW - 2 * HOUR) });
  for (const path of ['/sitemap-2026-11.xml', '/news-sitemap.xml'])
    expect(await addressesIn(path), path).toContain('https://news.example/x');
  expect((await get('/feeds.opml')).text).toContain('feeds/tag/new-fresh.rss');
  await withdraw('x');
  for (const path of ['/sitemap-2026-11.xml', '/news-sitemap.xml'])
    expect(await addressesIn(path), path).not.toContain('https://news.example/x');
});

test.each([
  '/sitemap-2026-11-1.xml',
  '/sitemap-2026-11-2.xml',
  '/sitemap-2026-13.xml',
  '/sitemap-2026-10.xml',
  '/sitemap-feeds-2.xml',
  '/sitemap-feeds-1.xml',
  '/news-sitemap-1.xml',
  '/sitemap-.xml',
  '/sitemap-constructor.xml',
  '/sitemap-2026-11-99999999999.xml',
])('there is nothing at %s', async (path) => {
  expect((await get(path)).status).toBe(404);
});

test.each([
  '/sitemap_index.xml',
  '/wp-sitemap.xml',
  '/wp-sitemap-posts-post-1.xml',
  '/post-sitemap.xml',
  '/post-sitemap2.xml',
])('the sitemap of WordPress at %s leads to ours', async (path) => {
  const { status, headers } = await get(path);
  expect([status, headers.location]).toEqual([308, 'sitemap.xml']);
});

test('an icon at the address of the icon itself is the own one of the service: a redirect would lead in a circle', async () => {
  const settings = 'icon: /media/a.png\nfavicon: https://feeds.news.example/favicon.ico?v=2\n';
  const { port } = await start(await dataFolder({ 'publication.yaml': PUBLICATION + settings, 'articles/.keep': '' }));
  const { status, headers } = await ask(port, '/favicon.ico?v=2');
  expect([status, headers['content-type']]).toEqual([200, 'image/vnd.microsoft.icon']);
});

// The last test: it leaves its stories.
test('more news than a file may have are in several files, which the address of the news then names', async () => {
  const many = Array.from({ length: 1200 }, (_, index) =>
    record({
      id: `m${index}`,
      url: `/m${index}`,
      publishedAt: iso(NOW - 30 * HOUR - index * SECOND),
    }),
  );
  const lines = many.map((story) => JSON.stringify(story)).join('\n');
  await change('POST', '', lines, { 'Content-Type': 'application/x-ndjson' });
  const parts = ['https://feeds.news.example/news-sitemap-1.xml', 'https://feeds.news.example/news-sitemap-2.xml'];
  expect(readSitemap((await get('/news-sitemap.xml')).text)).toMatchObject({ kind: 'sitemapindex' });
  expect(await addressesIn('/news-sitemap.xml')).toEqual(parts);
  const found = await Promise.all(['/news-sitemap-1.xml', '/news-sitemap-2.xml'].map(addressesIn));
  expect(found.map(({ length }) => length)).toEqual([1000, 202]);
  expect(new Set(found.flat()).size).toBe(1202);
  const files = ['/sitemap-2026-11.xml', '/sitemap-2026-11-2.xml'];
  expect(await addressesIn('/sitemap.xml')).toEqual(
    expect.arrayContaining(files.map((path) => `https://feeds.news.example${path}`)),
  );
  const stories = await Promise.all(files.map(addressesIn));
  expect(stories.map(({ length }) => length)).toEqual([1000, 202]);
  expect(new Set(stories.flat()).size).toBe(1202);
  // A story that comes changes the last file of its month alone.
  const old = (await get('/sitemap-2026-11.xml')).headers.etag;
  await publish('late', { publishedAt: iso(NOW - SECOND) });
  expect((await get('/sitemap-2026-11.xml', { 'If-None-Match': old })).status).toBe(304);
  expect(await addressesIn('/sitemap-2026-11-2.xml')).toContain('https://news.example/late');
});
