// @module-tag soak
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, vi } from 'vitest';
import { type Answer, ask, dataFolder, decoded, PUBLICATION, put, type Running, record, start } from '../helpers.ts';
import { sized } from '../soak/sizes.ts';
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

const basicCaches: readonly Cache[] = [
  { name: 'nginx', program: 'nginx', start: (port) => startNginx(port) },
  { name: 'Varnish', program: 'varnishd', start: (port) => startVarnish(port) },
];
const withoutGzip: Cache = {
  name: 'Varnish without gzip',
  program: 'varnishd',
  start: (port) => startVarnish(port, { gzip: false }),
};
const allCaches = [...basicCaches, withoutGzip];
const caches = sized({ short: basicCaches, soak: allCaches, full: allCaches });

const FEED = '/feeds/latest.rss';

/** Seconds for which a feed is fresh if a test waits for it to expire. */
const SHORT = 1;
/** The multiples of a day are so far apart that no copy expires during a test, but for the minutes before midnight UTC. */
const LONG = 86_400;
const A_WHILE = 300;
/** Seconds after the end of an embargo on the grid: until then, a cache may serve the feed as it was. */
const LATEST = 2;
/** No test fails because a cache or the service is slow. */
const PATIENCE = { timeout: 60_000, interval: 50 };

/** A newsroom of one story long enough to be worth coding, its service, and a cache in front of it. */
async function publishBehind(cache: Cache, maxAge: number) {
  const folder = await dataFolder({
    'publication.yaml': `${PUBLICATION}maxAge: ${maxAge}\n`,
    'articles/a.json': story('As it was'),
  });
  const untilMidnight = LONG - ((Date.now() / 1000) % LONG);
  // The cache keeps its own time: a service in the past only gives copies a longer life.
  const past = maxAge === LONG && untilMidnight < A_WHILE ? A_WHILE * 1000 : 0;
  const service = await start(folder, { now: () => Date.now() - past });
  const origin = await watchOrigin(service.port);
  const server = await cache.start(origin.port);
  return { service, origin, get: (headers = {}, path = FEED) => ask(server.port, path, { headers }) };
}

function story(title: string): string {
  return JSON.stringify(record({ title, body: `<p>${'The river rose in the night. '.repeat(200)}</p>` }));
}

/** The cache's own word for what it did. */
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
      }, PATIENCE);
      expect(origin.exchanges.slice(0, 2)).toEqual([
        { path: FEED, ifNoneMatch: undefined, status: 200 },
        { path: FEED, ifNoneMatch: first.headers.etag, status: 304 },
      ]);
      await vi.waitFor(async () => expect(cacheState(await get({ 'Accept-Encoding': 'gzip' }))).toBe('HIT'), PATIENCE);
    });

    peerTest(
      cache.program,
      'a copy in another coding than the best keeps its own tag when it is confirmed',
      async () => {
        const { get, service, origin } = await publishBehind(cache, SHORT);
        const body = `<p>${'The river rose in the night. '.repeat(20_000)}</p>`; // its compression is not waited for
        const tags = Array.from({ length: 20 }, (_, index) => `t${index}`);
        await put(service.dataFolder, 'articles/a.json', JSON.stringify(record({ body, tags })));
        const headers = { 'Accept-Encoding': 'gzip' };
        // On a busy machine, a compression may be done before the first answer: then another feed is asked for.
        let [path, first] = [FEED, await get(headers)];
        for (const tag of tags) {
          if (first.headers['content-encoding'] !== 'gzip') break;
          path = `/feeds/tag/${tag}.rss`;
          first = await vi.waitFor(async () => {
            const answer = await get(headers, path);
            expect(answer.status).toBe(200);
            return answer;
          }, PATIENCE);
        }
        const best = await vi.waitFor(async () => {
          const answer = await ask(service.port, path, { headers });
          expect(answer.headers['content-encoding']).toBe('gzip');
          return answer;
        }, PATIENCE);
        await sleep(SHORT * 1000 + 200);
        const confirmed = await vi.waitFor(async () => {
          const answer = await get(headers, path);
          expect(origin.exchanges.at(-1)?.status).toBe(304);
          expect(cacheState(answer)).not.toBe('STALE');
          return answer;
        }, PATIENCE);

        expect([first.headers['content-encoding'], first.headers.etag]).not.toContain('gzip');
        expect(confirmed.body).toEqual(first.body);
        expect(confirmed.headers.etag).toBe(first.headers.etag);
        expect(confirmed.headers.etag).not.toBe(best.headers.etag);
      },
    );

    peerTest(cache.program, 'a corrected story replaces the one in the cache', async () => {
      const { get, service, origin } = await publishBehind(cache, SHORT);
      const first = await get();
      expect(first.text).toContain('As it was');
      await put(service.dataFolder, 'articles/a.json', story('As it is'));
      await vi.waitFor(async () => expect((await get()).text).toContain('As it is'), PATIENCE);
      expect((await get()).headers.etag).not.toBe(first.headers.etag);
      expect(origin.exchanges.filter(({ status }) => ![200, 304].includes(status))).toEqual([]);
    });

    peerTest(cache.program, 'a story is there two seconds after its embargo ends on the grid', async () => {
      const maxAge = 2;
      const { get, service } = await publishBehind(cache, maxAge);
      /**
       * Publishes a story whose embargo ends so many multiples later. Resolves with false where the machine was too slow
       * for the answer before the end, or for the copy that the cache takes just before it.
       */
      const appears = async (name: string, multiples: number) => {
        const path = `${FEED}?${name}`;
        const end = (Math.floor(Date.now() / 1000 / maxAge) + multiples) * maxAge * 1000;
        const later = record({ id: name, title: name, embargoUntil: new Date(end).toISOString() });
        await put(service.dataFolder, `articles/${name}.json`, JSON.stringify(later));
        await sleep(Math.max(0, end - 300 - Date.now()));
        const began = Date.now();
        const { text } = await get({}, path);
        if (Date.now() > end || Date.now() - began > 200) return false;
        expect(text).not.toContain(name);
        await sleep(end + LATEST * 1000 + 200 - Date.now());
        expect((await get({}, path)).text).toContain(name);
        return true;
      };
      for (let multiples = 1; !(await appears(`later-${multiples}`, multiples)); ) multiples *= 2;
    });

    peerTest(cache.program, 'clients of every coding get what they can decode, in any order', async () => {
      const { service, get } = await publishBehind(cache, LONG);
      const { text } = await ask(service.port, FEED);
      for (const accepted of [...acceptable, ...acceptable.toReversed()]) {
        const answer = await get(accepted === undefined ? {} : { 'Accept-Encoding': accepted });
        const coding = answer.headers['content-encoding'] ?? 'identity';
        expect(codingsIn(accepted), `${accepted}`).toContain(coding);
        expect(decoded(answer).toString(), `${accepted}`).toBe(text);
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

const deltaNginx: Cache = {
  name: 'nginx that lets deltas through',
  program: 'nginx',
  start: (port) => startNginx(port, { deltas: true }),
};
const moreDeltaCaches: readonly Cache[] = [
  {
    name: 'nginx that lets deltas through and ignores Vary',
    program: 'nginx',
    start: (port) => startNginx(port, { deltas: true, ignoresVary: true }),
  },
  {
    name: 'Varnish that lets deltas through',
    program: 'varnishd',
    start: (port) => startVarnish(port, { deltas: true }),
  },
];
const allDeltaCaches = [deltaNginx, ...moreDeltaCaches];
const deltaCaches = sized({ short: [deltaNginx], soak: allDeltaCaches, full: allDeltaCaches });

/** Caches in their default configuration, and caches that are configured to let deltas through. */
const cachesBeforeDeltas = [
  ...caches.map((cache) => ({ ...cache, letsThrough: false })),
  ...deltaCaches.map((cache) => ({ ...cache, letsThrough: true })),
];

for (const cache of cachesBeforeDeltas) {
  describe(`behind ${cache.name}`, () => {
    peerTest(cache.program, 'nobody gets the delta of another, in whatever order they ask', async () => {
      const { service, get } = await publishBehind(cache, LONG);
      const { clients, wholes } = await clientsOf(service, 3);
      let addresses = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.shuffledSubarray(clients, { minLength: 2 }),
          fc.constantFrom({}, { 'Accept-Encoding': 'gzip' }),
          async (order, accepted) => {
            addresses += 1;
            const path = `${FEED}?address=${addresses}`;
            for (const client of order) {
              const answer = await get({ ...client.headers, ...accepted }, path);
              expectFor(client, answer, wholes.slice(-1));
              if (cache.letsThrough) expect(answer.status === 226, client.name).toBe(client.delta !== undefined);
            }
            // Clients that take deltas leave the others' copy in the cache.
            expectFor(PLAIN, await get(accepted, path), wholes.slice(-1));
            const again = await get(accepted, path);
            expectFor(PLAIN, again, wholes.slice(-1));
            expect(cacheState(again)).toBe('HIT');
          },
        ),
        { numRuns: sized({ short: 4, soak: 25, full: 1000 }) },
      );
    });

    peerTest(cache.program, 'nobody gets the delta of what the cache has, in whatever order they ask', async () => {
      const { service, get } = await publishBehind(cache, SHORT);
      const { clients, wholes } = await clientsOf(service, 2);
      const orders = fc.sample(fc.shuffledSubarray(clients, { minLength: clients.length }), ORDERS);
      const everybody = async (least: number) => {
        for (const [number, order] of orders.entries()) {
          for (const client of order) {
            expectFor(client, await get(client.headers, `${FEED}?address=${number}`), wholes.slice(least));
          }
        }
      };
      await everybody(1);
      await sleep(SHORT * 1000 + 200);
      wholes.push(await VERSIONS[2](service));
      for (const client of clients) await learn(client, service);
      await everybody(1);
      await vi.waitFor(() => everybody(2), PATIENCE);
    });
  });
}

/** Orders of clients that are tried. */
const ORDERS = sized({ short: 3, soak: 12, full: 200 });

/** A client, and its delta. */
interface Client {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  delta?: string;
}

const PLAIN: Client = { name: 'a client without deltas', headers: {} };

/** Three states of the newsroom, one after the other. Each function brings the state about and returns the whole feed. */
const VERSIONS = [
  (service: Running) => ask(service.port, FEED).then(({ text }) => text),
  (service: Running) => published(service, 'b', 'Another'),
  (service: Running) => published(service, 'a', 'As it is'),
] as const;

async function published(service: Running, id: string, title: string): Promise<string> {
  const body = `<p>${'The river rose in the night. '.repeat(200)}</p>`;
  await put(service.dataFolder, `articles/${id}.json`, JSON.stringify(record({ id, title, body })));
  return (await ask(service.port, FEED)).text;
}

/** Takes the newsroom through its first states. Returns clients that have each state, and the whole feed of each. */
async function clientsOf(service: Running, states: number): Promise<{ clients: Client[]; wholes: string[] }> {
  const clients: Client[] = [
    PLAIN,
    { name: 'a client that has nothing', headers: { 'A-IM': 'feed' } },
    {
      name: 'a client with a tag that we do not know',
      headers: { 'A-IM': 'feed', 'If-None-Match': '"5f8e-62b1a0c9d4e00"' },
    },
  ];
  const wholes: string[] = [];
  for (const [index, make] of VERSIONS.slice(0, states).entries()) {
    wholes.push(await make(service));
    const tag = String((await ask(service.port, FEED)).headers.etag);
    clients.push({ name: `a client that has state ${index}`, headers: { 'A-IM': 'feed', 'If-None-Match': tag } });
    clients.push({ name: `a client that has state ${index} and takes no deltas`, headers: { 'If-None-Match': tag } });
  }
  for (const client of clients) await learn(client, service);
  return { clients, wholes };
}

async function learn(client: Client, service: Running): Promise<void> {
  const { status, text } = await ask(service.port, FEED, { headers: client.headers });
  if (status === 226) client.delta = text;
}

/** Expects the whole feed, or a 304 if the client has it, or the client's own delta, which no cache may store. */
function expectFor({ name, headers, delta }: Client, answer: Answer, wholes: readonly string[]): void {
  const text = decoded(answer).toString();
  if (answer.status === 226) {
    expect(text, name).toBe(delta ?? 'no delta');
    expect([answer.headers.im, answer.headers['cache-control']], name).toEqual(['feed', 'no-store']);
    return;
  }
  expect(answer.headers.im, name).toBeUndefined();
  if (answer.status === 304) {
    expect(String(answer.headers.etag).replace(/^W\/|-gzip(?="$)/g, ''), name).toBe(headers['If-None-Match']);
    return;
  }
  expect(answer.status, name).toBe(200);
  expect(wholes.includes(text), `${name} gets a whole`).toBe(true);
}

/** Accept-Encoding of browsers, of readers, and of clients that send none. */
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
