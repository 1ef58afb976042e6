import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, dataFolder, makeFolder, PUBLICATION, put, type Running, record, serving, start } from '../helpers.ts';

const NEWSROOM = {
  'publication.yaml': `${PUBLICATION}retired:
  - { feed: section/sport, movedTo: tag/football }
  - { feed: Tag/Soccer, movedTo: Tag/Football }
  - { feed: ticker, movedTo: latest }
redirects:
  - { from: /news.php, to: latest, format: atom }
  - { from: /old.xml }
  - { from: "/rubrik/{slug}/rss", to: "tag/{slug}" }
  - { from: "/?page=feed", to: tag/football }
  - { from: /feeds/all, to: latest }
  - { from: /feeds/latest, to: tag/football }
  - { from: /feeds/tag/soccer.rss }
  - { from: "/{any}/latest.rss", to: tag/football }
`,
  'articles/a.json': JSON.stringify(record({ tags: ['football'] })),
};

let shared: Running;
beforeAll(async () => {
  shared = await serving(await makeFolder(NEWSROOM), {});
});
afterAll(async () => {
  await shared.close();
  await rm(shared.dataFolder, { recursive: true });
});

test.each([
  ['/rss.xml', '/feeds/latest.rss'],
  ['/feed', '/feeds/latest.rss'],
  ['/atom.xml', '/feeds/latest.atom'],
  ['/feed.json', '/feeds/latest.json'],
  ['/feed?utm_source=x', '/feeds/latest.rss'],
  ['/feeds/latest.rss/', '/feeds/latest.rss'],
  ['/feeds/tag/football.json/?_=1', '/feeds/tag/football.json'],
  ['/feeds/ticker.atom', '/feeds/latest.atom'],
  ['/feeds/section/sport.json', '/feeds/tag/football.json'],
  ['/feeds/tag/soccer.rss', '/feeds/tag/football.rss'],
  ['/feeds/section%2Fsport.rss', '/feeds/tag/football.rss'],
  ['/news.php?id=7', '/feeds/latest.atom'],
  ['/rubrik/Football/rss/', '/feeds/tag/football.rss'],
  ['/?page=feed', '/feeds/tag/football.rss'],
  ['/?feed=rss2', '/feeds/latest.rss'],
  ['/index.php?feed=atom', '/feeds/latest.atom'],
  ['/tag/football/feed/', '/feeds/tag/football.rss'],
  ['/blog/tag/football/feed/atom', '/feeds/tag/football.atom'],
  ['/TAGS/Football/index.xml', '/feeds/tag/football.rss'],
  ['//feed//', '/feeds/latest.rss'],
  ['/feeds/all', '/feeds/latest.rss'],
  ['/feeds/posts/default?alt=rss', '/feeds/latest.rss'],
  ['/feeds/posts/default/-/football', '/feeds/tag/football.atom'],
])('%s leads to %s, at the top of a host and below a path', async (path, target) => {
  const { port } = shared;
  const { status, headers } = await ask(port, path);
  const location = String(headers.location);

  expect(status).toBe(308);
  expect(location).not.toMatch(/^\/|[?#:]/);
  expect(new URL(location, `https://feeds.example${path}`).href).toBe(`https://feeds.example${target}`);
  expect(new URL(location, `https://example.com/a/b${path}`).href).toBe(`https://example.com/a/b${target}`);
  expect((await ask(port, target)).status).toBe(200);
});

test.each([
  ['*', 204],
  ['http://news.example', 204],
  ['/nothing', 404],
])('OPTIONS %s is answered with %i', async (path, status) => {
  const { port } = shared;
  const answer = await ask(port, path, { method: 'OPTIONS' });

  expect([answer.status, answer.headers.allow]).toEqual([
    status,
    status === 204 ? 'GET, HEAD, OPTIONS, POST, PUT, DELETE' : undefined,
  ]);
});

test('a condition changes nothing about an alias', async () => {
  const { port } = shared;
  const { headers } = await ask(port, '/feed', { headers: { 'If-None-Match': '*' } });

  expect(headers.location).toBe('feeds/latest.rss');
});

test.each([
  ['/feeds/latest.rss', 200], // a feed wins over a redirect
  ['/feeds/latest', 200],
  ['/feeds/tag/soccer.rss', 308], // so does one that has moved
  ['/', 200],
  ['/?q=football', 200],
  ['/?page=feeds', 200],
  ['/api/articles/feed', 401],
  ['/media/feed', 404],
  ['/old.xml', 410],
  ['/comments/feed/', 410],
  ['/2026/11/a/feed/', 410],
  ['/rubrik/nothing/rss', 404],
  ['/feeds/tag/nothing/feed', 404],
  ['/tag/football/', 404],
  ['/%E7/feed', 404],
])('%s is answered with %i', async (path, status) => {
  const { port } = shared;

  expect((await ask(port, path)).status).toBe(status);
});

test.each([
  ['GET', '/feed/', 308, undefined],
  ['HEAD', '/feed/', 308, undefined],
  ['POST', '/feed/', 405, 'GET, HEAD, OPTIONS'],
  ['OPTIONS', '/feed/', 204, 'GET, HEAD, OPTIONS'],
  ['GET', '/comments/feed/', 410, undefined],
  ['HEAD', '/comments/feed/', 410, undefined],
  ['DELETE', '/comments/feed/', 405, 'GET, HEAD, OPTIONS'],
  ['PUT', '/tag/nothing/feed/', 404, undefined],
])('%s %s is answered with %i', async (method, path, status, allow) => {
  const { port } = shared;
  const answer = await ask(port, path, { method });

  expect([answer.status, answer.headers.allow]).toEqual([status, allow]);
});

test.each([
  ['/feed/', 308, 'public'],
  ['/old.xml', 410, 'public'],
  ['/?feed=rss2', 308, 'private'],
  ['/?feed=rss2&p=5', 410, 'private'],
  ['/index.php?feed=comments-rss2', 410, 'private'],
  ['/news.php?id=7', 308, 'private'],
  ['/feed/?feed=atom', 308, 'private'],
])('%s is answered with %i, which %s caches may keep: a query may have decided it', async (path, status, caches) => {
  for (const Accept of ['*/*', 'text/html']) {
    const answer = await ask(shared.port, path, { headers: { Accept } });
    expect([answer.status, answer.headers['cache-control']]).toEqual([status, `${caches}, max-age=86400`]);
  }
});

test('an address that is gone says so to readers and to people', async () => {
  const { port } = shared;
  const reader = await ask(port, '/old.xml');
  const person = await ask(port, '/old.xml', { headers: { Accept: 'text/html' } });

  expect(JSON.parse(reader.text)).toEqual({
    title: 'The feed at /old.xml is gone for good.',
    status: 410,
    code: 'feed_gone',
    detail: 'Remove it from your reader.',
  });
  expect(reader.headers['cache-control']).toBe('public, max-age=86400');
  expect([person.status, person.headers['content-type']]).toEqual([410, 'text/html; charset=utf-8']);
});

test('without pages and built-in redirects, the redirects of publication.yaml are left', async () => {
  const publication = `${NEWSROOM['publication.yaml']}pages: off\nbuiltInRedirects: off\n`;
  const { port } = await start(await dataFolder({ ...NEWSROOM, 'publication.yaml': publication }));
  const statusOf = async (path: string) => (await ask(port, path)).status;

  expect(await Promise.all(['/?page=feed', '/news.php', '/old.xml', '/feeds/all'].map(statusOf))).toEqual([
    308, 308, 410, 308,
  ]);
  expect(await Promise.all(['/?feed=rss2', '/feed/', '/rss.xml', '/comments/feed/', '/'].map(statusOf))).toEqual([
    404, 404, 404, 404, 404,
  ]);
});

test('lines of redirects.txt with a mistake are left out, and the log names them once', async () => {
  const text = `# by hand
/a/feed latest
/b/feed
/c/feed latest xml
d/feed latest
/e/feed tag/football json
/{f}/{f}/feed latest
/api/feed latest
/g/feed latest rss 308
`;
  const { port, told } = await start(await dataFolder({ ...NEWSROOM, 'redirects.txt': text }));
  const statuses = await Promise.all(
    ['/a/feed', '/e/feed', '/b/feed', '/a/feed'].map(async (path) => (await ask(port, path)).status),
  );
  const warnings = told.filter(({ file }) => file?.endsWith('redirects.txt'));

  expect(statuses).toEqual([308, 308, 404, 308]);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]?.problems?.map(({ line, rule }) => [line, rule])).toEqual([
    [3, 'must be an address, a feed and perhaps a format, with spaces between'],
    [4, 'must name a format behind the feed: rss, atom, json'],
    [5, 'must be a path that begins with a slash, as /feed/, or a whole address'],
    [7, 'has two parameters of one name: give each a name of its own'],
    [8, 'begins with /api, where the service answers itself: it cannot lead elsewhere'],
    [9, 'must be an address, a feed and perhaps a format, with spaces between'],
  ]);
});

test('a change of redirects changes no feed', async () => {
  const folder = await dataFolder(NEWSROOM);
  const first = await start(folder);
  const before = await ask(first.port, '/feeds/latest.rss');
  await first.close();
  await put(folder, 'publication.yaml', `${NEWSROOM['publication.yaml']}builtInRedirects: off\n`);
  const { port } = await start(folder);

  expect((await ask(port, '/feeds/latest.rss')).headers['last-modified']).toBe(before.headers['last-modified']);
});
