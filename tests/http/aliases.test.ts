import { expect, test } from 'vitest';
import { ask, dataFolder, PUBLICATION, record, start } from '../helpers.ts';

const NEWSROOM = {
  'publication.yaml': `${PUBLICATION}retired:
  - { feed: section/sport, movedTo: tag/football }
  - { feed: Tag/Soccer, movedTo: Tag/Football }
  - { feed: ticker, movedTo: latest }
`,
  'articles/a.json': JSON.stringify(record({ tags: ['football'] })),
};

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
])('%s leads to %s, at the top of a host and below a path', async (path, target) => {
  const { port } = await start(await dataFolder(NEWSROOM));
  const { status, headers } = await ask(port, path);
  const location = String(headers.location);

  expect(status).toBe(308);
  expect(new URL(location, `https://feeds.example${path}`).href).toBe(`https://feeds.example${target}`);
  expect(new URL(location, `https://example.com/a/b${path}`).href).toBe(`https://example.com/a/b${target}`);
  expect((await ask(port, target)).status).toBe(200);
});

test.each([
  ['*', 204],
  ['http://news.example', 204],
  ['/nothing', 404],
])('OPTIONS %s is answered with %i', async (path, status) => {
  const { port } = await start(await dataFolder(NEWSROOM));
  const answer = await ask(port, path, { method: 'OPTIONS' });

  expect([answer.status, answer.headers.allow]).toEqual([
    status,
    status === 204 ? 'GET, HEAD, OPTIONS, POST, PUT, DELETE' : undefined,
  ]);
});

test('a condition changes nothing about an alias', async () => {
  const { port } = await start(await dataFolder(NEWSROOM));
  const { headers } = await ask(port, '/feed', { headers: { 'If-None-Match': '*' } });

  expect(headers.location).toBe('feeds/latest.rss');
});
