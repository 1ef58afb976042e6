import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { purgeTargets } from '../../src/config/purge-targets.ts';
import { freePort } from '../free-port.ts';
import { type Answer, ask, PUBLICATION, record } from '../helpers.ts';
import { type Api, startApi } from '../http/api.ts';
import { startNginx } from './nginx.ts';
import { watchOrigin } from './origin.ts';
import { peerTest, requireProgram } from './programs.ts';
import { startVarnish } from './varnish.ts';

/** The service purges a cache that is configured as docs/cdn.md says. */

const XKEY = 'varnish/vmods/libvmod_xkey.so';
const CACHE_PURGE = 'nginx/modules/ngx_http_cache_purge_module.so';
const page = readFileSync(join(import.meta.dirname, '../../docs/cdn.md'), 'utf8');
const FEED = '/feeds/latest.json';
/** No test fails because a cache or the service is slow. */
const PATIENCE = { timeout: 60_000, interval: 10 };

/** The first code block of a language in docs/cdn.md. */
function blockOf(language: string): string {
  const [, block = ''] = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page) ?? [];
  return block;
}

type Start = (port: number, originPort: number) => Promise<unknown>;

const varnish: Start = (port, originPort) =>
  startVarnish(originPort, { port, vcl: blockOf('vcl').replace('"8080"', `"${originPort}"`) });

const nginx: Start = async (port, originPort) =>
  startNginx(originPort, {
    port,
    modules: [await requireProgram(CACHE_PURGE)],
    site: () =>
      blockOf('nginx')
        .replace('/var/cache/nginx/feeds', 'feeds-cache')
        .replace('listen 80;', `listen 127.0.0.1:${port}; add_header X-Cache $upstream_cache_status always;`)
        .replaceAll('127.0.0.1:8080', `127.0.0.1:${originPort}`),
  });

/** A service, and a cache in front of it that it purges and that has purged everything. */
async function behind(kind: 'varnish' | 'url', startCache: Start, maxAge: number) {
  const [port, servicePort] = [await freePort(), await freePort()];
  const targets = purgeTargets.read(`${kind}:http://127.0.0.1:${port}/`) ?? [];
  const files = { 'publication.yaml': `${PUBLICATION}maxAge: ${maxAge}\n` };
  const origin = await watchOrigin(servicePort);
  // The cache is there first: the service tries again later and later while it cannot reach a cache.
  await startCache(port, origin.port);
  const api = await startApi(files, { port: servicePort, purge: { targets }, now: Date.now });
  const get = (path = FEED, headers = {}) => ask(port, path, { headers });
  const put = async (title: string, more = {}) => {
    const { status } = await api.put('/a', { body: record({ title, ...more }) });
    expect([200, 201]).toContain(status);
  };
  const state = async () => (await api.readStatus()).outbox?.map((one) => one.state);
  await expect.poll(state, PATIENCE).toEqual(['up to date']);
  return { api, origin, get, put, state };
}

/** How often the service has tried to purge the cache. */
async function purges({ measure }: Api): Promise<number> {
  const attempts = (await measure()).find(({ name }) => name === 'feed_publisher_outbox_attempts_total');
  return (attempts?.values ?? []).reduce((sum, { value }) => sum + value, 0);
}

function titlesIn({ text }: Answer): string[] {
  return JSON.parse(text).items.map(({ title }: { title: string }) => title);
}

/** Reads a feed until it is stopped. Returns the title of each answer, in their order, without repetitions. */
function reader(get: () => Promise<Answer>) {
  const seen: string[] = [];
  let isStopped = false;
  const reading = (async () => {
    while (!isStopped) {
      const [title = ''] = titlesIn(await get());
      if (seen.at(-1) !== title) seen.push(title);
    }
  })();
  return {
    seen,
    async stop() {
      isStopped = true;
      await reading;
      return seen;
    },
  };
}

peerTest(['varnishd', XKEY], 'Varnish keeps a feed beyond its max-age, and has a change at once', async () => {
  const { api, origin, get, put } = await behind('varnish', varnish, 1);
  await put('First');
  await expect.poll(async () => titlesIn(await get()), PATIENCE).toEqual(['First']);
  const purged = await purges(api);
  const etag = String((await get()).headers.etag);
  const asked = origin.exchanges.length;
  const end = Date.now() + 2200; // longer than the feed is fresh
  while (Date.now() < end) expect(titlesIn(await get())).toEqual(['First']);
  expect((await get(FEED, { 'If-None-Match': etag })).status).toBe(304);
  // Nothing but a purge has the cache ask again: the one of the change, or one that is repeated. It is counted when it is saved.
  const fetched = origin.exchanges.length - asked;
  await expect.poll(() => purges(api), PATIENCE).toBeGreaterThanOrEqual(purged + fetched);
  const { headers } = await get();
  expect([headers.xkey, headers['cdn-cache-control']]).toEqual([undefined, undefined]);

  await put('Second');
  await expect.poll(async () => titlesIn(await get()), PATIENCE).toEqual(['Second']);
  await api.put('/b', {
    body: record({ id: 'b', title: 'Sealed', publishedAt: new Date(Date.now() + 3000).toISOString() }),
  });
  expect(titlesIn(await get())).not.toContain('Sealed');
  await expect.poll(async () => titlesIn(await get()), PATIENCE).toContain('Sealed');
  await api.remove('/b');
  await expect.poll(async () => titlesIn(await get()), PATIENCE).not.toContain('Sealed');
});

peerTest(['varnishd', XKEY], 'no reader behind Varnish sees an old feed after a new one', async () => {
  const { get, put } = await behind('varnish', varnish, 60);
  await put('Title 0');
  await expect.poll(async () => titlesIn(await get()), PATIENCE).toEqual(['Title 0']);
  const readers = Array.from({ length: 4 }, () => reader(get));
  const titles = ['Title 0'];
  for (let change = 1; change <= 12; change += 1) {
    titles.push(`Title ${change}`);
    await put(`Title ${change}`);
    if (change % 3 === 0) await expect.poll(async () => titlesIn(await get()), PATIENCE).toEqual([titles.at(-1)]);
  }
  await expect.poll(() => readers.every(({ seen }) => seen.at(-1) === titles.at(-1)), PATIENCE).toBe(true);
  for (const { stop } of readers) {
    const seen = await stop();
    expect(seen).toEqual(titles.filter((title) => seen.includes(title)));
  }
});

peerTest(['nginx', CACHE_PURGE], 'nginx keeps a feed, and has a change at once', async () => {
  const { api, get, put } = await behind('url', nginx, 60);
  await put('First');
  for (const coding of ['gzip', 'identity']) {
    const headers = { 'Accept-Encoding': coding };
    await expect.poll(async () => (await get(FEED, headers)).headers['x-cache'], PATIENCE).toBe('HIT');
  }
  const first = (await get(FEED, { 'Accept-Encoding': 'gzip' })).headers.etag;
  await put('Second');
  await expect.poll(async () => titlesIn(await get()), PATIENCE).toEqual(['Second']);
  await expect
    .poll(async () => (await get(FEED, { 'Accept-Encoding': 'gzip' })).headers.etag, PATIENCE)
    .not.toBe(first);
  await api.remove('/a');
  await expect.poll(async () => titlesIn(await get()), PATIENCE).toEqual([]);
});
