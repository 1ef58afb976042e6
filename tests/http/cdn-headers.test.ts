import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, test } from 'vitest';
import { type PurgeKind, purgeTargets } from '../../src/config/purge-targets.ts';
import { createCdnHeaders } from '../../src/http/cdn-headers.ts';
import { ask, PUBLICATION, record } from '../helpers.ts';
import { speak } from '../raw.ts';
import { startApi } from './api.ts';

const NAMES = ['xkey', 'surrogate-key', 'cache-tag', 'cache-groups', 'cdn-cache-control', 'surrogate-control'];
const DAY = 'max-age=86400, stale-if-error=86400';
const tagOf = (key: string) => `f-${hash('sha256', key).slice(0, 8)}`;
const LATEST = tagOf('latest');
const WORLD = tagOf('section/world');

/** The headers for caches in an answer. */
function ofCaches(headers: IncomingHttpHeaders): Record<string, unknown> {
  return Object.fromEntries(NAMES.flatMap((name) => (name in headers ? [[name, headers[name]]] : [])));
}

function purging(text: string) {
  return { purge: { targets: purgeTargets.read(text) ?? [] } };
}

const ALL = 'varnish:http://127.0.0.1:9/ fastly:S cloudflare:Z';

test.each<[readonly PurgeKind[], object | undefined]>([
  [[], undefined],
  [['url'], undefined],
  [['varnish'], { xkey: `${LATEST} feeds` }],
  [['fastly'], { 'Surrogate-Key': `${LATEST} feeds`, 'Surrogate-Control': DAY }],
  [['cloudflare', 'url', 'cloudflare'], { 'Cache-Tag': `${LATEST},feeds` }],
])('caches of the kinds %j get their own headers', (kinds, expected) => {
  const common = { 'Cache-Groups': `"${LATEST}", "feeds"`, 'CDN-Cache-Control': DAY };
  expect(createCdnHeaders(kinds)?.ofDocument('latest', 'rss')).toEqual(expected && { ...common, ...expected });
});

test.each([
  ['current', { 'CDN-Cache-Control': DAY, 'Surrogate-Control': DAY }],
  ['behind', { 'CDN-Cache-Control': 'max-age=0, no-store', 'Surrogate-Control': 'max-age=0, no-store' }],
  ['unknown', {}],
] as const)('a replica that is %s says how long a cache may keep a feed, and tags it', (freshness, lifetime) => {
  const headers = createCdnHeaders(['fastly'], () => freshness);
  const tags = { 'Surrogate-Key': `${LATEST} feeds`, 'Cache-Groups': `"${LATEST}", "feeds"` };
  expect(headers?.ofDocument('latest', 'rss')).toEqual({ ...tags, ...lifetime });
});

describe('a service with caches in front', () => {
  const varnish = purging('varnish:http://127.0.0.1:9/');
  const files = {
    'publication.yaml': `${PUBLICATION}retired:\n  - feed: gone\n`,
  };

  async function serving() {
    const api = await startApi(files, varnish);
    await api.put('/a', { body: record({ id: 'a', sections: ['World'] }) });
    return api;
  }

  const feed = (tag: string) => ({
    xkey: `${tag} feeds`,
    'cache-groups': `"${tag}", "feeds"`,
    'cdn-cache-control': DAY,
  });
  const page = (tag: string) => ({
    xkey: `${tag} feed-lists feeds`,
    'cache-groups': `"${tag}", "feed-lists", "feeds"`,
  });
  const list = { xkey: 'feed-lists feeds', 'cache-groups': '"feed-lists", "feeds"' };
  const other = { xkey: 'feeds', 'cache-groups': '"feeds"' };

  test('tags every public answer that a cache may keep, and no other', async () => {
    const { port } = await serving();
    const answers = async (paths: readonly string[]) =>
      Promise.all(
        paths.map(async (path) => {
          const { status, headers } = await ask(port, path);
          return [path, status, ofCaches(headers)];
        }),
      );

    expect(await answers(['/feeds/latest.rss', '/feeds/section/world.json'])).toEqual([
      ['/feeds/latest.rss', 200, feed(LATEST)],
      ['/feeds/section/world.json', 200, feed(WORLD)],
    ]);
    expect(await answers(['/', '/feeds/section/world'])).toEqual([
      ['/', 200, page(LATEST)],
      ['/feeds/section/world', 200, page(WORLD)],
    ]);
    expect(await answers(['/feeds.opml', '/sitemap.xml', '/news-sitemap.xml'])).toEqual([
      ['/feeds.opml', 200, list],
      ['/sitemap.xml', 200, list],
      ['/news-sitemap.xml', 200, list],
    ]);
    expect(await answers(['/robots.txt', '/rss.xml', '/feeds/gone.rss', '/schema/record.json'])).toEqual([
      ['/robots.txt', 200, other],
      ['/rss.xml', 308, other],
      ['/feeds/gone.rss', 410, other],
      ['/schema/record.json', 200, other],
    ]);
    expect(await answers(['/feeds/none.rss', '/none', '/healthz', '/api/articles', '/partners/a/latest.rss'])).toEqual([
      ['/feeds/none.rss', 404, {}],
      ['/none', 404, {}],
      ['/healthz', 200, {}],
      ['/api/articles', 401, {}],
      ['/partners/a/latest.rss', 401, {}],
    ]);
  });

  test('a 304 and a HEAD have the tags of the 200; private answers have none', async () => {
    const { port } = await serving();
    const { headers } = await ask(port, '/feeds/latest.rss');
    const etag = String(headers.etag);
    const told = async (method: string, more: Record<string, string>, path = '/feeds/latest.rss') => {
      const answer = await ask(port, path, { method, headers: more });
      return [answer.status, ofCaches(answer.headers)];
    };

    for (const _ of ['through Express', 'by the fast path']) {
      expect(await told('GET', { 'If-None-Match': etag })).toEqual([304, feed(LATEST)]);
      expect(await told('HEAD', {})).toEqual([200, feed(LATEST)]);
      expect(await told('GET', { 'A-IM': 'feed' })).toEqual([200, {}]);
      expect(await told('GET', {}, '/feeds/latest.rss?format=raw')).toEqual([200, {}]);
    }
  });

  test('the fast path gives the same bytes', async () => {
    const texts = [true, false].map(async (fastPath) => {
      const { port, put } = await startApi({}, { ...purging(ALL), fastPath });
      await put('/a', { body: record({ id: 'a', updatedAt: '2026-11-20T10:00:00Z' }) });
      const said = ['', 'If-None-Match: *\r\n', 'A-IM: feed\r\n', 'Connection: close\r\n'].map(
        (more) => `GET /feeds/latest.rss HTTP/1.1\r\nHost: a\r\n${more}\r\n`,
      );
      await ask(port, '/feeds/latest.rss');
      const text = await (await speak(port, said.join(''))).closed;
      return text.replaceAll(/^(Date|Last-Modified): .*$/gm, '$1: …');
    });
    const [fast = '', slow] = await Promise.all(texts);

    expect(fast.match(/^Surrogate-Key: .*$/gm)).toEqual(Array(3).fill(`Surrogate-Key: ${LATEST} feeds`));
    expect(fast).toBe(slow);
  });

  test('a story under embargo changes no header', async () => {
    const { port, put } = await serving();
    const seen = async () => {
      const { headers } = await ask(port, '/feeds/section/world.rss');
      return [headers.etag, ofCaches(headers)];
    };
    const before = await seen();
    await put('/b', { body: record({ id: 'b', sections: ['World'], embargoUntil: '2099-01-01T00:00:00Z' }) });

    expect(await seen()).toEqual(before);
  });
});

test('without caches in front there are no such headers', async () => {
  const { port, put } = await startApi();
  await put('/a', { body: record({ id: 'a' }) });

  for (const path of ['/feeds/latest.rss', '/', '/feeds.opml', '/rss.xml'])
    expect(ofCaches((await ask(port, path)).headers)).toEqual({});
});
