import { setTimeout as sleep } from 'node:timers/promises';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { type Answer, ask, dataFolder, PUBLICATION, put, record, start } from '../helpers.ts';
import { startNginx } from './nginx.ts';
import { watchOrigin } from './origin.ts';
import type { Server } from './processes.ts';
import { peerTest } from './programs.ts';
import { startVarnish } from './varnish.ts';

interface Cache {
  readonly name: string;
  readonly program: string;
  readonly start: (originPort: number) => Promise<Server>;
}

const caches: readonly Cache[] = [
  { name: 'nginx', program: 'nginx', start: startNginx },
  { name: 'Varnish', program: 'varnishd', start: (port) => startVarnish(port) },
  { name: 'Varnish without gzip', program: 'varnishd', start: (port) => startVarnish(port, { gzip: false }) },
];

const FEED = '/feeds/latest.rss';

/** Seconds a feed is fresh where a test waits for it to expire. */
const SHORT = 1;
const LONG = 300;

/** A newsroom of one story long enough to be worth coding, its service, and a cache in front of it. */
async function publishBehind(cache: Cache, maxAge: number) {
  const folder = await dataFolder({
    'publication.yaml': `${PUBLICATION}maxAge: ${maxAge}\n`,
    'articles/a.json': story('As it was'),
  });
  const service = await start(folder);
  const origin = await watchOrigin(service.port);
  const server = await cache.start(origin.port);
  onTestFinished(server.stop);
  return { service, origin, get: (headers = {}, path = FEED) => ask(server.port, path, { headers }) };
}

function story(title: string): string {
  return JSON.stringify(record({ title, body: `<p>${'The river rose in the night. '.repeat(200)}</p>` }));
}

/** What the cache says that it did. */
function cacheState({ headers }: Answer): string {
  return String(headers['x-cache-status'] ?? headers['x-cache']);
}

for (const cache of caches) {
  describe(`behind ${cache.name}`, () => {
    peerTest(cache.program, 'a second request does not reach the service', async () => {
      const { get, origin } = await publishBehind(cache, LONG);
      const first = await get();
      const second = await get();
      expect([cacheState(first), cacheState(second)]).toEqual(['MISS', 'HIT']);
      expect(second.body).toEqual(first.body);
      expect(origin.exchanges).toHaveLength(1);
    });

    peerTest(cache.program, 'a client that has the feed gets its 304 from the cache', async () => {
      const { get, origin } = await publishBehind(cache, LONG);
      const { headers } = await get();
      const byTag = await get({ 'If-None-Match': headers.etag });
      const byDate = await get({ 'If-Modified-Since': headers['last-modified'] });
      expect([byTag.status, byDate.status]).toEqual([304, 304]);
      expect(byTag.headers).toMatchObject({ etag: headers.etag, 'cache-control': headers['cache-control'] });
      expect(origin.exchanges).toHaveLength(1);
    });

    peerTest(cache.program, 'an expired feed is confirmed with a 304 and is fresh again', async () => {
      const { get, origin } = await publishBehind(cache, SHORT);
      const first = await get({ 'Accept-Encoding': 'gzip' });
      await sleep(SHORT * 1000 + 200);
      await vi.waitFor(async () => {
        expect((await get({ 'Accept-Encoding': 'gzip' })).body).toEqual(first.body);
        expect(origin.exchanges.length).toBeGreaterThan(1);
      });
      expect(origin.exchanges.slice(0, 2)).toEqual([
        { path: FEED, ifNoneMatch: undefined, status: 200 },
        { path: FEED, ifNoneMatch: first.headers.etag, status: 304 },
      ]);
      await vi.waitFor(async () => expect(cacheState(await get({ 'Accept-Encoding': 'gzip' }))).toBe('HIT'));
    });

    peerTest(cache.program, 'a corrected story replaces the one in the cache', async () => {
      const { get, service, origin } = await publishBehind(cache, SHORT);
      const first = await get();
      expect(first.text).toContain('As it was');
      await put(service.dataFolder, 'articles/a.json', story('As it is'));
      await vi.waitFor(async () => expect((await get()).text).toContain('As it is'), { timeout: 4_000, interval: 100 });
      expect((await get()).headers.etag).not.toBe(first.headers.etag);
      expect(origin.exchanges.filter(({ status }) => ![200, 304].includes(status))).toEqual([]);
    });

    peerTest(cache.program, 'a story is there the moment its embargo ends', async () => {
      const { get, service } = await publishBehind(cache, LONG);
      const embargoUntil = new Date(Math.ceil(Date.now() / 1000) * 1000 + 2000).toISOString();
      const later = record({ id: 'b', title: 'Later', embargoUntil });
      await put(service.dataFolder, 'articles/b.json', JSON.stringify(later));
      await vi.waitUntil(async () => (await ask(service.port, FEED)).headers['cache-control']?.includes('max-age=1,'), {
        timeout: 3_000,
      });
      expect((await get()).text).not.toContain('Later');
      await sleep(Date.parse(embargoUntil) - Date.now() + 20);
      expect((await get()).text).toContain('Later');
    });

    peerTest(cache.program, 'clients of every coding get what they can decode, in any order', async () => {
      const { service, get } = await publishBehind(cache, LONG);
      const { text } = await ask(service.port, FEED);
      for (const accepted of [...acceptable, ...acceptable.toReversed()]) {
        const answer = await get(accepted === undefined ? {} : { 'Accept-Encoding': accepted });
        const coding = answer.headers['content-encoding'] ?? 'identity';
        expect(codingsIn(accepted), `${accepted}`).toContain(coding);
        expect(decode(answer.body, coding), `${accepted}`).toBe(text);
      }
    });

    peerTest(cache.program, 'a query that means nothing to the service changes nothing', async () => {
      const { get } = await publishBehind(cache, LONG);
      const plain = await get();
      const queried = await get({}, `${FEED}?_=17&utm_source=x`);
      expect([queried.status, queried.headers.etag, queried.text]).toEqual([200, plain.headers.etag, plain.text]);
      const again = await get({ 'If-None-Match': plain.headers.etag }, `${FEED}?_=18`);
      expect(again.status).toBe(304);
    });
  });
}

/** What clients send as Accept-Encoding: browsers, readers, and those that send none. */
const acceptable = [
  'br',
  'gzip, deflate, br, zstd',
  undefined,
  'gzip',
  'zstd',
  'identity',
  'gzip;q=1, br;q=0',
  'zstd, gzip;q=0.5',
] as const;

function codingsIn(accepted: string | undefined): readonly string[] {
  const named = (accepted ?? '').split(',').map((part) => part.trim());
  return ['identity', ...named.filter((part) => !part.endsWith(';q=0')).map((part) => part.replace(/;.*/, ''))];
}

function decode(body: Buffer, coding: string): string {
  if (coding === 'br') return brotliDecompressSync(body).toString();
  if (coding === 'zstd') return zstdDecompressSync(body).toString();
  return (coding === 'gzip' ? gunzipSync(body) : body).toString();
}
