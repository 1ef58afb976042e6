import { expect, test } from 'vitest';
import { type PurgeTarget, purgeTargets } from '../../../src/config/purge-targets.ts';
import { feedTag } from '../../../src/feed/cache-tags.ts';
import { purgeRequests } from '../../../src/service/push/purge-requests.ts';

const feeds = ['latest', 'section/wörld'];
const tags = [...feeds.map(feedTag), 'feed-lists'];
const changed = { feeds, hasRemovals: false };
const everything = { feeds: undefined, hasRemovals: true };
const HARD = { isSoft: false, token: 'secret' };
const SOFT = { ...HARD, isSoft: true };

function target(text: string): PurgeTarget {
  const [found] = purgeTargets.read(text) ?? [];
  if (found === undefined) throw new Error(`no target: ${text}`);
  return found;
}

test('a tag is a short hash of the key', () => {
  expect(feedTag('latest')).toMatch(/^f-[0-9a-f]{8}$/);
  expect(feedTag('latest')).not.toBe(feedTag('section/world'));
});

test('Varnish gets the tags in a header', () => {
  const varnish = target('varnish:http://10.0.0.7:6081');
  const request = { method: 'PURGE', url: 'http://10.0.0.7:6081/' };
  const bearer = { Authorization: 'Bearer secret' };
  const named = tags.join(' ');
  expect(purgeRequests(varnish, changed, HARD)).toEqual([{ ...request, headers: { ...bearer, 'xkey-purge': named } }]);
  expect(purgeRequests(varnish, changed, { ...SOFT, token: undefined })).toEqual([
    { ...request, headers: { 'xkey-softpurge': named } },
  ]);
  expect(purgeRequests(varnish, { ...changed, hasRemovals: true }, SOFT)).toEqual([
    { ...request, headers: { ...bearer, 'xkey-purge': named } },
  ]);
  expect(purgeRequests(varnish, everything, SOFT)).toEqual([
    { ...request, headers: { ...bearer, 'xkey-purge': 'feeds' } },
  ]);
});

test('Fastly gets the tags as surrogate keys', () => {
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json', 'Fastly-Key': 'secret' };
  const request = { method: 'POST', url: 'https://api.fastly.com/service/S1/purge', headers };
  expect(purgeRequests(target('fastly:S1'), changed, HARD)).toEqual([
    { ...request, body: JSON.stringify({ surrogate_keys: tags }) },
  ]);
  expect(purgeRequests(target('fastly:S1'), changed, SOFT)).toEqual([
    { ...request, headers: { ...headers, 'Fastly-Soft-Purge': '1' }, body: JSON.stringify({ surrogate_keys: tags }) },
  ]);
});

test.each([
  ['fastly:S1', 256, 'surrogate_keys'],
  ['cloudflare:Z1', 100, 'tags'],
])('%s takes %i tags in one request', (text, most, field) => {
  const many = Array.from({ length: most }, (_, index) => `tag/${index}`);
  const bodies = purgeRequests(target(text), { feeds: many, hasRemovals: false }, HARD).map(
    ({ body = '' }) => JSON.parse(body)[field],
  );
  expect(bodies).toEqual([many.map(feedTag), ['feed-lists']]);
});

test('Cloudflare gets the tags of a zone', () => {
  expect(purgeRequests(target('cloudflare:Z1'), everything, SOFT)).toEqual([
    {
      method: 'POST',
      url: 'https://api.cloudflare.com/client/v4/zones/Z1/purge_cache',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json', Authorization: 'Bearer secret' },
      body: '{"tags":["feeds"]}',
    },
  ]);
});

test('a cache without tags gets the addresses, each in both codings', () => {
  const requests = purgeRequests(target('url:http://10.0.0.8/base'), changed, { ...HARD, token: undefined });
  expect(requests.filter(({ headers }) => headers['Accept-Encoding'] === 'gzip').map(({ url }) => url)).toEqual([
    'http://10.0.0.8/base/feeds/latest.rss',
    'http://10.0.0.8/base/feeds/latest.atom',
    'http://10.0.0.8/base/feeds/latest.json',
    'http://10.0.0.8/base/feeds/latest',
    'http://10.0.0.8/base/feeds/section/w%C3%B6rld.rss',
    'http://10.0.0.8/base/feeds/section/w%C3%B6rld.atom',
    'http://10.0.0.8/base/feeds/section/w%C3%B6rld.json',
    'http://10.0.0.8/base/feeds/section/w%C3%B6rld',
    'http://10.0.0.8/base/',
    'http://10.0.0.8/base/feeds.opml',
    'http://10.0.0.8/base/sitemap.xml',
    'http://10.0.0.8/base/news-sitemap.xml',
  ]);
  expect(requests[0]).toEqual({
    method: 'PURGE',
    url: 'http://10.0.0.8/base/feeds/latest.rss',
    headers: { 'Accept-Encoding': 'identity' },
    absent: [404, 412],
  });
  expect(requests).toHaveLength(24);
});
