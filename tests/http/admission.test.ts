import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createAdmission } from '../../src/http/admission.ts';
import type { Answer as Document } from '../../src/http/answer.ts';
import { createClientOf } from '../../src/http/client.ts';
import { createClientQuota } from '../../src/http/load/client-quota.ts';
import { CONNECTION_LIMITS, createConnections } from '../../src/http/load/connections.ts';
import { createQueueSlots } from '../../src/http/load/queue-slots.ts';
import { createRequestQueue, type LaneLimits, type RequestQueue } from '../../src/http/load/request-queue.ts';
import type { AuthorizedPartner } from '../../src/http/partner-authorization.ts';
import { respondWithDocument } from '../../src/http/respond.ts';
import { createKey } from '../../src/publish/api-keys.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { type Answer, ask, dataFolder, makeFolder, type Running, record, serving, start } from '../helpers.ts';
import { partner } from '../partner/room.ts';
import { speak } from '../raw.ts';
import { NOW, startApi } from './api.ts';
import { bearer, partnerKey } from './partners.ts';
import { unmemorable } from './ways.ts';

const FEED = '/feeds/latest.rss';

describe('a client', () => {
  /** Nine answers with content and hardly one more a minute, for whom a proxy on this machine speaks. */
  async function service(burst = 9) {
    const api = await startApi(
      { 'articles/a.json': JSON.stringify(record({ tags: ['One', 'Two'] })) },
      { trustProxy: 'loopback', rate: { perMinute: 1, burst } },
    );
    const from =
      (client: string) =>
      (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Answer> =>
        ask(api.port, path, { method, headers: { 'X-Forwarded-For': client, ...headers } });
    return { ...api, from };
  }

  async function statuses(times: number, asked: () => Promise<Answer>): Promise<number[]> {
    const answers: number[] = [];
    for (let time = 0; time < times; time += 1) answers.push((await asked()).status);
    return answers;
  }

  const all = (status: number, times: number) => Array(times).fill(status);

  test('that asks for everything again and again is told to wait, in whole seconds', async () => {
    const { from } = await service();
    const ask = from('203.0.113.7');
    expect(await statuses(9, () => ask(FEED))).toEqual(all(200, 9));
    const { status, headers, text } = await ask(FEED);

    expect([status, headers['cache-control'], headers['content-type']]).toEqual([
      429,
      'no-store',
      'application/problem+json; charset=utf-8',
    ]);
    expect(headers['retry-after']).toMatch(/^2\d\d$/); // of nine tokens half, one a minute
    expect(JSON.parse(text)).toEqual({
      title: 'This address sent too many requests.',
      status: 429,
      code: 'too_many_requests',
      detail: `Try again in ${headers['retry-after']} seconds, and send If-None-Match: an answer without changes is nearly free.`,
    });
  });

  test('that has had its share is told all the same that its copy is current, of feeds at hand and of others', async () => {
    const { from } = await service(3);
    const ask = from('203.0.113.7');
    const { etag = '', 'last-modified': date = '' } = (await ask(FEED)).headers;
    const other = (await ask('/feeds/tag/one.rss')).headers.etag ?? '';
    await ask(FEED);

    expect((await ask(FEED)).status).toBe(429);
    expect((await ask(FEED, { 'If-None-Match': etag })).status).toBe(304);
    expect((await ask(FEED, { 'If-Modified-Since': date })).status).toBe(304);
    expect((await ask('/feeds/tag/one.rss', { 'If-None-Match': other })).status).toBe(304);
    // Under an address that was not asked for before, and so goes the long way.
    expect((await ask('/feeds/tag/%6Fne.rss', { 'If-None-Match': other })).status).toBe(304);
  });

  test.each([
    ['a feed at hand', FEED, 429],
    ['a feed not at hand', '/feeds/tag/two.atom', 429],
    ['no feed', '/feeds/tag/three.rss', 429],
    ['no address', '/nothing', 429],
    ['a file', '/media/a.png', 429],
    ['the list of articles', '/api/articles', 429],
  ])('that has had its share does not get %s by pretending to have a copy', async (_, path, expected) => {
    const { from } = await service(1);
    const ask = from('203.0.113.7');
    await ask(FEED);

    expect((await ask(path, { 'If-None-Match': '"x"' })).status).toBe(expected);
  });

  test('that has had its share has no more documents made than it had answered', async () => {
    const tags = Array.from({ length: 30 }, (_, number) => `T${number}`);
    const { port, measure } = await startApi(
      { 'articles/a.json': JSON.stringify(record({ tags })) },
      { trustProxy: 'loopback', rate: { perMinute: 1, burst: 5 } },
    );
    const pretend = (tag: string) =>
      ask(port, `/feeds/tag/${tag.toLowerCase()}.rss`, {
        headers: { 'X-Forwarded-For': '203.0.113.7', 'If-None-Match': '"x"' },
      });
    const answers: number[] = [];
    for (const tag of tags) answers.push((await pretend(tag)).status);
    const made = (await measure()).find(({ name }) => name === 'feed_publisher_documents_made_total');

    expect(answers).toEqual([...all(200, 5), ...all(429, 25)]);
    expect(made?.values.map(({ value }) => value)).toEqual([10]);
  });

  test('that opens feeds in a browser pays next to nothing for the way to their pages, but has to have it', async () => {
    const { from } = await service(2);
    const ask = from('203.0.113.7');
    const open = (more = {}) => ask(FEED, { 'Sec-Fetch-Dest': 'document', ...more });

    expect(await statuses(10, () => open())).toEqual(all(303, 10));
    expect((await ask(FEED)).status).toBe(200);
    expect((await open()).status).toBe(429);
    expect((await open({ 'If-None-Match': '*' })).status).toBe(429);
    expect((await ask(FEED, { 'If-None-Match': '*' })).status).toBe(304);
  });

  test('that owes as much as its share is still told that its copy of a feed at hand is current', async () => {
    const { from } = await service(2);
    const ask = from('203.0.113.7');
    const { etag = '' } = (await ask(FEED)).headers;
    await ask(FEED);
    const pretended = await statuses(3, () => ask('/feeds/tag/one.rss', { 'If-None-Match': '"x"' }));

    expect(pretended).toEqual(all(429, 3));
    expect((await ask(FEED, { 'If-None-Match': etag })).status).toBe(304);
    expect((await ask(`${FEED}?_=1`, { 'If-None-Match': etag })).status).toBe(304);
    expect((await ask(FEED, { 'If-None-Match': '"x"' })).status).toBe(429);
    expect((await ask('/feeds/%6Catest.rss', { 'If-None-Match': etag })).status).toBe(429);
  });

  test('that has had its share and has nothing but current copies owes next to nothing, however it asks', async () => {
    const { from } = await service(2);
    const ask = from('203.0.113.7');
    const { etag = '' } = (await ask(FEED)).headers;
    await ask(FEED);
    let number = 0;
    /** Another spelling each time, which was not answered before. */
    const spelt = () => {
      number += 1;
      const letters = [...'latest'].map((letter, at) =>
        (number >> at) & 1 ? `%${Buffer.from(letter).toString('hex')}` : letter,
      );
      return `/feeds/${letters.join('')}.rss`;
    };

    expect(await statuses(20, () => ask(spelt(), { 'If-None-Match': etag }))).toEqual(all(304, 20));
  });

  test('pays next to nothing for what has no content', async () => {
    const { from } = await service(3);
    const ask = from('203.0.113.7');
    const { etag = '' } = (await ask(FEED)).headers;

    expect(await statuses(10, () => ask(FEED, { 'If-None-Match': etag }))).toEqual(all(304, 10));
    expect(await statuses(8, () => ask(FEED, {}, 'HEAD'))).toEqual(all(200, 8));
    // The long way costs no more than the short one.
    expect(await statuses(1, () => ask('/feeds/tag/one.rss', { 'If-None-Match': etag }))).toEqual([200]);
    expect((await ask(FEED)).status).toBe(429);
  });

  test('pays for addresses that are none', async () => {
    const { from } = await service(3);
    const ask = from('203.0.113.7');

    expect(await statuses(4, () => ask('/feeds/nothing.rss'))).toEqual([404, 404, 404, 429]);
  });

  test.each([
    '/healthz',
    '/readyz',
    '/healthz?x=1',
    '/readyz?',
    '/HealthZ',
    '/READYZ?x=1',
    'http://news.example/healthz?x',
  ])('that has had its share gets %s all the same', async (probe) => {
    const { from } = await service(1);
    const ask = from('203.0.113.7');
    await ask(FEED);

    expect((await ask('/nothing')).status).toBe(429);
    expect((await ask(probe)).status).toBe(200);
  });

  test.each(['/Feeds/tag/one.rss', '/FEEDS/tag/one.rss?_=1', 'http://news.example/feeds/tag/one.rss'])(
    'that has had its share hears at %s that its copy is current',
    async (address) => {
      const { from } = await service(2);
      const ask = from('203.0.113.7');
      const { etag = '' } = (await ask('/feeds/tag/one.rss')).headers;
      await ask(FEED);

      expect((await ask(FEED)).status).toBe(429);
      expect((await ask(address, { 'If-None-Match': etag })).status).toBe(304);
    },
  );

  test.each(['/API/articles', '/Api/Articles?limit=5', 'http://news.example/api/articles'])(
    'with a key of the newsroom is not counted at %s',
    async (address) => {
      const { from, key } = await service(2);
      const asNewsroom = () => from('203.0.113.7')(address, { Authorization: `Bearer ${key}` });

      expect(await statuses(5, asNewsroom)).toEqual(all(200, 5));
    },
  );

  test('is not another, nor one whose address it writes into the header itself', async () => {
    const { from } = await service(1);
    await from('203.0.113.7')(FEED);

    expect((await from('203.0.113.7')(FEED)).status).toBe(429);
    expect((await from('198.51.100.1, 203.0.113.7')(FEED)).status).toBe(429);
    expect((await from('127.0.0.1, 203.0.113.7')(FEED)).status).toBe(429);
    expect((await from('203.0.113.8')(FEED)).status).toBe(200);
  });

  test('is the same in every form in which proxies write its address', async () => {
    const { from, port, lines } = await service(6);
    const forms = ['203.0.113.9', '203.0.113.9:5678', '"203.0.113.9"', '::ffff:cb00:7109', '[::ffff:203.0.113.9]:443'];
    const byForwarded = () => ask(port, FEED, { headers: { Forwarded: 'proto=https;for="203.0.113.9:5678"' } });
    const answers = [...(await Promise.all(forms.map((form) => from(form)(FEED)))), await byForwarded()];

    expect(answers.map(({ status }) => status)).toEqual(all(200, 6));
    expect((await from('203.0.113.9:1')(FEED)).status).toBe(429);
    expect((await byForwarded()).status).toBe(429);
    expect(lines).toEqual([]);
  });

  test('that no form names in a readable way shares one limit with all such, and the log says so once', async () => {
    const { from, port, lines, told } = await service(4);
    const forms = ['_hidden:443', 'unknown', 'client.example', '203.0.113.256'];
    const answers = await Promise.all(forms.map((form) => from(form)(FEED)));

    expect(answers.map(({ status }) => status)).toEqual(all(200, 4));
    expect((await from('another')(FEED)).status).toBe(429);
    expect((await ask(port, '/nothing', { headers: { Forwarded: 'for=_secret' } })).status).toBe(429);
    expect((await from('203.0.113.7')(FEED)).status).toBe(200);
    expect(lines).toEqual([
      expect.stringMatching(
        /^A trusted proxy names its client “(?:_hidden:443|unknown|client\.example|203\.0\.113\.256)”, which is no address\. /,
      ),
    ]);
    expect(told.filter(({ forwarded }) => forwarded !== undefined)).toHaveLength(1);
  });

  test('of IPv6 is all of its /64', async () => {
    const { from } = await service(1);
    await from('2001:db8:1:2::1')(FEED);

    expect((await from('2001:db8:1:2:9:9:9:9')(FEED)).status).toBe(429);
    expect((await from('2001:db8:1:3::1')(FEED)).status).toBe(200);
  });

  test('on this machine or in a private network is not counted', async () => {
    const { port, from } = await service(1);
    expect(await statuses(5, () => from('10.1.2.3')(FEED))).toEqual(all(200, 5));
    expect(await statuses(5, () => ask(port, FEED))).toEqual(all(200, 5));
    expect(await statuses(5, () => ask(port, '/nothing'))).toEqual(all(404, 5));
  });

  test('that is a partner is counted like any, unless the partner has a rate; 304s are never refused', async () => {
    const folder = await dataFolder({
      'articles/a.json': JSON.stringify(record()),
      'partners/plain.yaml': 'name: Plain\ndialect: plain\nfeeds: [latest]\n',
      'partners/rated.yaml': 'name: Rated\ndialect: plain\nfeeds: [latest]\nrate: 5\n',
    });
    const { key: plain } = await partnerKey(folder, 'plain');
    const { key: rated } = await partnerKey(folder, 'rated');
    const { port } = await start(folder, { now: () => NOW, trustProxy: 'loopback', rate: { perMinute: 1, burst: 2 } });
    const from = (path: string, headers = {}) =>
      ask(port, path, { headers: { 'X-Forwarded-For': '203.0.113.7', ...headers } });
    const asPlain = (headers = {}) => from('/partners/plain/latest.rss', { ...bearer(plain), ...headers });
    const asRated = (headers = {}) => from(`/partners/rated/${rated}/latest.rss`, headers);
    const { etag } = (await asRated()).headers;

    expect(await statuses(3, asPlain)).toEqual([200, 200, 429]);
    expect(await statuses(5, asRated)).toEqual([200, 200, 200, 200, 429]);
    const { etag: own } = (await from(FEED, { 'X-Forwarded-For': '203.0.113.8' })).headers;
    expect((await from(FEED)).status).toBe(429);
    expect(own).not.toBe(etag);
    expect((await asRated({ 'If-None-Match': etag })).status).toBe(304);
    expect(
      (await asPlain({ 'If-None-Match': (await asPlain({ 'X-Forwarded-For': '203.0.113.9' })).headers.etag })).status,
    ).toBe(304);
    expect(await statuses(2, () => from('/partners/plain/latest.rss'))).toEqual([429, 429]);
  });

  test('with a key of the newsroom is not counted, and with one that looks like it is', async () => {
    const { from, key } = await service(2);
    const asNewsroom = (bearer: string) => () => from('203.0.113.7')('/api/articles', { Authorization: bearer });

    expect(await statuses(5, asNewsroom(`Bearer ${key}`))).toEqual(all(200, 5));
    expect(await statuses(4, asNewsroom(`Bearer ${key.slice(0, -3)}xxx`))).toEqual([401, 401, 429, 429]);
    expect(await statuses(2, asNewsroom(`Bearer ${key}`))).toEqual(all(200, 2));
  });
});

describe('where there is more to do than can be done', () => {
  const LIMITS: LaneLimits = { waiting: 2, active: 1, patience: 60_000, delay: Number.POSITIVE_INFINITY };
  const CACHED: Pick<Document, 'status' | 'coding' | 'headers' | 'body'> = {
    status: 200,
    coding: 'identity',
    headers: ['Content-Length', '6'],
    body: Buffer.from('cached'),
  };
  const observer = { follow: () => {} };
  const MSN: AuthorizedPartner = {
    partner: partner('msn'),
    key: { id: 'k', name: 'k', scope: 'partner', partner: 'msn', hash: new Uint8Array(32), createdAt: 0 },
    rest: 'latest.rss',
  };

  /** `/warm` is in the cache; everything else is worked on until the test finishes it. */
  async function busy() {
    const store = openSqliteStore(':memory:');
    const { key } = await createKey(store, 'k', 'write', 0);
    const under: { request: IncomingMessage; response: ServerResponse }[] = [];
    const connections = createConnections(CONNECTION_LIMITS);
    const requestQueue = createRequestQueue({
      limits: { others: LIMITS, newsroom: LIMITS, feeds: LIMITS, changes: LIMITS },
    });
    let entered = 0;
    const counting: RequestQueue = {
      ...requestQueue,
      enter(lane, job) {
        entered += 1;
        requestQueue.enter(lane, job);
      },
    };
    const files = Promise.withResolvers<void>();
    const admission = createAdmission({
      store,
      now: () => 6,
      connections,
      requestQueue: counting,
      slots: createQueueSlots(),
      quota: createClientQuota(undefined, createClientOf()),
      knownAddresses: { has: (target) => target === '/changed' },
      pendingFileChanges: ({ url }) => (url?.startsWith('/files') ? files.promise : undefined),
      partnerOf: async ({ url }) => (url?.startsWith('/partners/msn/') ? MSN : undefined),
      app: (request, response) => under.push({ request, response }),
      observer,
      fail: () => {},
    });
    const server = createServer(
      connections.options,
      connections.counting((request, response) => {
        if (request.url === '/warm') respondWithDocument(response, CACHED);
        else admission(request, response);
      }),
    ).listen(0, '127.0.0.1');
    connections.watch(server);
    onTestFinished(async () => {
      server.closeAllConnections();
      server.close();
      await store.close();
    });
    await new Promise((listening) => server.once('listening', listening));
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const finishFirst = () => under.shift()?.response.end('done');
    /** One that is worked on, and two that wait; ends with what they are answered. */
    const fill = async () => {
      const answers = [1, 2, 3].map((number) => ask(port, `/cold/${number}`).catch(() => undefined));
      await expect.poll(() => [entered, under.length]).toEqual([3, 1]);
      return { answered: Promise.all(answers) };
    };
    return { port, key, under, files, finishFirst, fill, entries: () => entered };
  }

  test('what is at hand is answered', async () => {
    const { port, fill } = await busy();
    await fill();
    const { status, text } = await ask(port, '/warm');

    expect([status, text]).toEqual([200, 'cached']);
  });

  test('a reader is told to come back, and those in line have their answers in turn', async () => {
    const { port, under, fill, finishFirst } = await busy();
    const { answered } = await fill();
    const { status, headers, text } = await ask(port, '/cold/4');

    expect([status, headers['retry-after'], headers['cache-control'], headers['content-type']]).toEqual([
      503,
      '10',
      'no-store',
      'application/problem+json; charset=utf-8',
    ]);
    expect(JSON.parse(text)).toEqual({
      title: 'The service has too much to do at the moment.',
      status: 503,
      code: 'overloaded',
      detail: 'Try again in 10 seconds. Feeds that are in memory are answered meanwhile.',
    });
    for (const _ of [1, 2, 3]) {
      await expect.poll(() => under.length).toBe(1);
      finishFirst();
    }
    expect((await answered).map((answer) => answer?.text)).toEqual(['done', 'done', 'done']);
  });

  test('the newsroom comes in, and who only says that it is does not', async () => {
    const { port, key, under, fill } = await busy();
    await fill();
    const headers = (bearer: string) => ({ Authorization: `Bearer ${bearer}` });
    const published = ask(port, '/api/articles/a', { method: 'PUT', body: '{}', headers: headers(key) });
    await expect.poll(() => under.length).toBe(2);
    under[1]?.response.end('published');

    expect((await published).text).toBe('published');
    expect((await ask(port, '/api/articles', { headers: headers(key.replace(/.{3}$/, 'xxx')) })).status).toBe(503);
    expect((await ask(port, '/cold', { headers: headers(key) })).status).toBe(503);
  });

  test('who reads a feed that has just changed comes in', async () => {
    const { port, under, fill } = await busy();
    await fill();
    const changed = ask(port, '/changed');
    await expect.poll(() => under.length).toBe(2);
    under[1]?.response.end('changed');

    expect((await changed).text).toBe('changed');
  });

  test('a partner with a valid key comes in', async () => {
    const { port, under, fill } = await busy();
    await fill();
    const partner = ask(port, '/partners/msn/latest.rss');
    await expect.poll(() => under.length).toBe(2);
    under[1]?.response.end('partner');

    expect((await partner).text).toBe('partner');
    expect((await ask(port, '/partners/other/latest.rss')).status).toBe(503);
  });

  test('those that wait for files to be read stand in no line, and join it when that is done', async () => {
    const { port, under, files, entries, finishFirst } = await busy();
    const waiting = [1, 2].map((number) => ask(port, `/files/${number}`));
    await ask(port, '/warm'); // by now they are heard
    const other = ask(port, '/cold');
    await expect.poll(() => under.length).toBe(1);
    expect([under[0]?.request.url, entries()]).toEqual(['/cold', 1]);
    finishFirst();
    await other;
    files.resolve();
    for (const _ of waiting) {
      await expect.poll(() => under.length).toBe(1);
      finishFirst();
    }

    expect((await Promise.all(waiting)).map(({ text }) => text)).toEqual(['done', 'done']);
  });

  test('of a connection that asks on and on, few wait for files to be read', async () => {
    const { port, files, entries } = await busy();
    const asked = Array.from({ length: 100 }, (_, number) => `GET /files/${number} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await speak(port, asked.join(''));
    const other = ask(port, '/files/other');
    await ask(port, '/warm'); // by now they are heard
    files.resolve();

    await expect.poll(entries).toBe(16 + 1);
    await other;
  });

  test.each(['/healthz', '/readyz'])('%s goes past everybody', async (path) => {
    const { port, under, fill } = await busy();
    await fill();
    const probe = ask(port, path);
    await expect.poll(() => under.length).toBe(2);
    under[1]?.response.end('well');

    expect((await probe).text).toBe('well');
  });

  test('one that goes away while it waits is not worked for', async () => {
    const { port, under, entries, finishFirst } = await busy();
    const first = ask(port, '/cold/first');
    await expect.poll(() => under.length).toBe(1);
    const { socket } = await speak(port, 'GET /cold/impatient HTTP/1.1\r\nHost: a\r\n\r\n');
    await expect.poll(entries).toBe(2);
    const last = ask(port, '/cold/last');
    await expect.poll(entries).toBe(3);
    socket.destroy();
    await ask(port, '/warm'); // by now it is known there that it went
    finishFirst();
    await first;
    await expect.poll(() => under.length).toBe(1);

    expect(under[0]?.request.url).toBe('/cold/last');
    finishFirst();
    expect((await last).status).toBe(200);
  });
});

describe('a place in line is given back when the answer is handed over', () => {
  /** As many as are worked on at once. */
  const PLACES = 16;
  const large = (id: string) => record({ id, body: `<p>${'The river rose again. '.repeat(180_000)}</p>`, tags: [id] });

  /** The requests for that path that were answered so and to the end: not before are they told in the log. */
  const ended = ({ told }: Running, expected: Readonly<Record<string, unknown>>) =>
    told.filter(({ path, status }) => path === expected.path && status === expected.status);

  /** Tags whose feeds nobody has asked for yet: one for each client that reads nothing. */
  const cold = Array.from({ length: 6 }, (_, number) => `cold${number}`);
  /** A service whose answers are more than the system takes of them before a client reads. */
  let crowded: Running;
  beforeAll(async () => {
    const folder = await makeFolder({
      'articles/large.json': JSON.stringify(large('large')),
      'articles/more.json': JSON.stringify(large('more')),
      'articles/cold.json': JSON.stringify(record({ id: 'cold', tags: cold })),
    });
    crowded = await serving(folder, { logSample: 1 });
  });
  afterAll(async () => {
    await crowded.close();
    await rm(crowded.dataFolder, { recursive: true });
  });

  test.each([
    ['GET', '/nothing', 404],
    ['POST', FEED, 405],
    ['GET', '/feeds/%.rss', 400],
    ['GET', '/feeds/nothing.rss', 404],
    ['POST', '/api/articles', 401],
  ])('not when the rest of the request has come: %s %s', async (method, path, status) => {
    const files = { 'articles/a.json': JSON.stringify(record({ tags: ['Cold'] })) };
    const running = await startApi(files, { logSample: 1 });
    const head = `${method} ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n`;
    const clients = await Promise.all(Array.from({ length: PLACES }, () => speak(running.port, head)));
    await expect.poll(() => clients.every(({ text }) => text().startsWith(`HTTP/1.1 ${status} `))).toBe(true);

    expect((await ask(running.port, '/feeds/tag/cold.rss')).status).toBe(200);
    expect(ended(running, { path, status })).toEqual([]);
  });

  test.each([
    ['GET', '/nothing', 404],
    ['POST', '/feeds/latest.json', 405],
    ['OPTIONS', '/feeds/latest.json', 204],
    ['GET', '/feeds/%.rss', 400],
    ['GET', '/feeds/nothing.rss', 404],
    ['GET', '/feeds/tag/large.rss', 200],
  ])('not when its client has read it: %s %s behind answers that nobody reads', async (method, path, status) => {
    await ask(crowded.port, FEED); // at hand from now on
    const { socket } = await speak(crowded.port);
    socket.pause();
    const asked = `${method} ${method === 'GET' ? unmemorable(path) : path}`;
    const requests = [...Array<string>(3).fill(`GET ${FEED}`), ...Array<string>(PLACES + 4).fill(asked)];
    socket.write(requests.map((line) => `${line} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''));
    await ask(crowded.port, FEED); // by now they are heard

    expect((await ask(crowded.port, `/feeds/tag/${cold.pop()}.atom`)).status).toBe(200);
    expect(ended(crowded, { path, status })).toEqual([]);
  });
});
