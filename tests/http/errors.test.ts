import { createServer } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { parsePublication } from '../../src/config/publication.ts';
import { PublisherError } from '../../src/errors.ts';
import { createApp } from '../../src/http/app.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { serve } from '../../src/service/serve.ts';
import { createForwardingWriter } from '../../src/service/writer.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { ask, dataFolder, listen, PUBLICATION, put, record, start } from '../helpers.ts';
import { appSurroundings } from './api.ts';

const NEWSROOM = {
  'articles/a.json': JSON.stringify(record({ sections: ['Middle East'], tags: ['ئاو', 'water'] })),
};

function endings(feed: string): string {
  return `Use the ending of a format: /feeds/${feed}.rss, /feeds/${feed}.atom, /feeds/${feed}.json`;
}

test.each([
  ['/feeds/sectoin/middle-east.rss', 'Did you mean /feeds/section/middle-east.rss?'],
  ['/feeds/section/Middle-East.atom', 'Did you mean /feeds/section/middle-east.atom?'],
  ['/feeds/middle-east.json', 'Did you mean /feeds/section/middle-east.json?'],
  ['/feeds/lastest.rss', 'Did you mean /feeds/latest.rss?'],
  ['/feeds/water.rss', 'Did you mean /feeds/tag/water.rss?'],
  ['/feeds/tag/%D8%A6%D8%A7%D9%88%D9%88.rss', 'Did you mean /feeds/tag/%D8%A6%D8%A7%D9%88.rss?'],
  ...['xml', 'rdf', 'atom.xml', 'RSS', 'rs', 'rss.', 'json)', 'html', 'rss2'].map((ending) => [
    `/feeds/latest.${ending}`,
    endings('latest'),
  ]),
  ['/feeds/latest/feed', endings('latest')],
  ['/feeds/latest/feed/atom/', endings('latest')],
  ['/feeds/Section/Middle%20East.xml', endings('section/middle-east')],
  ['/feeds/section/midle-east.xml', 'Did you mean /feeds/section/middle-east.rss?'],
  ['/feeds/section/Middle%20East.json', 'Did you mean /feeds/section/middle-east.json?'],
  ['/feeds/something-else-entirely.rss', 'Every article is in /feeds/latest.rss.'],
])('%s → %s', async (path, detail) => {
  const { port } = await start(await dataFolder(NEWSROOM));
  const { status, headers, text } = await ask(port, path);

  expect([status, headers['content-type']]).toEqual([404, 'application/problem+json; charset=utf-8']);
  expect(JSON.parse(text)).toEqual({ title: expect.any(String), status: 404, code: 'feed_not_found', detail });
});

test.each(['/feeds/latest.xml', '/feeds/watr.rss'])(
  'the addresses that the 404 of %s proposes are there',
  async (path) => {
    const { port } = await start(await dataFolder(NEWSROOM));
    const { detail } = JSON.parse((await ask(port, path)).text);
    const proposed: string[] = detail.match(/\/[^\s,?]+/g) ?? [];

    expect(proposed.length).toBeGreaterThan(0);
    for (const each of proposed) expect((await ask(port, each)).status).toBe(200);
  },
);

test('for hints, all feeds are read once, in pieces, however many requests name unknown feeds', async () => {
  const tags = (story: number) => Array.from({ length: 100 }, (_, index) => `Tag ${story} ${index}`);
  const stories = Array.from({ length: 4 }, (_, story) => [
    `articles/${story}.json`,
    JSON.stringify(record({ id: `s${story}`, url: `/${story}`, tags: tags(story) })),
  ]);
  const openedFolder = openDataFolder(await dataFolder(Object.fromEntries(stories)));
  const read: number[] = [];
  const store: Store = {
    ...openedFolder.store,
    feeds(at) {
      read.push(Number.POSITIVE_INFINITY);
      return openedFolder.store.feeds(at);
    },
    seenFeeds(keys, at) {
      if (keys.length > 1) read.push(keys.length); // one alone is an old address
      return openedFolder.store.seenFeeds(keys, at);
    },
  };
  const service = await serve(
    { ...openedFolder, store },
    { host: '127.0.0.1', port: 0, log: listen().log, version: '' },
  );
  onTestFinished(() => service.close());
  read.splice(0); // a start reads feeds as well
  const addresses = Array.from({ length: 12 }, (_, index) => `/feeds/tag/tag-1-${index}x.rss`);
  const answers = await Promise.all(addresses.map((address) => ask(service.port, address)));

  expect(answers.map(({ text }) => JSON.parse(text).detail)).toEqual(
    addresses.map((address) => `Did you mean ${address.replace('x.rss', '.rss')}?`),
  );
  expect(read).toEqual([250, 152]);
});

test('an error of ours says nothing of itself outside, and everything to the operator', async () => {
  const failure = new Error('the disk at /dev/sdb is on fire');
  const told: unknown[] = [];
  const store = openSqliteStore(':memory:');
  const listener = createApp({
    ...appSurroundings(),
    publication: parsePublication(PUBLICATION, 'publication.yaml'),
    store,
    ...createForwardingWriter('/nowhere', { store, log: listen().log.log, now: () => 0 }),
    documentCache: { get: () => Promise.reject(failure) },
    now: () => 0,
    mediaFolder: '/nowhere',
    version: '0.0.0',
    check: async () => {},
    phase: () => 'serving',
    fail: (error) => told.push(error),
  });
  const server = createServer(listener).listen(0, '127.0.0.1');
  onTestFinished(async () => {
    server.close();
    await store.close();
  });
  await new Promise((listening) => server.once('listening', listening));
  const address = server.address();
  const { status, headers, text } = await ask(
    typeof address === 'object' ? (address?.port ?? 0) : 0,
    '/feeds/latest.rss',
  );

  expect([status, headers['content-type'], headers['cache-control']]).toEqual([
    500,
    'application/problem+json; charset=utf-8',
    'no-store',
  ]);
  expect(JSON.parse(text)).toEqual({ title: 'Internal error', status: 500, code: 'internal' });
  expect(told).toEqual([failure]);
});

test.each([
  [new PublisherError('store_unavailable', 'The store is damaged.'), 503, 'store_unavailable'],
  [new Error('no such table: revision'), 500, 'internal'],
])('a store that cannot be read any more is told, of a feed at hand as well: %s', async (failure, status, code) => {
  const openedFolder = openDataFolder(await dataFolder(NEWSROOM));
  let isReadable = true;
  const mayHaveExternalChanges = () => {
    if (!isReadable) throw failure;
    return openedFolder.store.mayHaveExternalChanges();
  };
  const store = { ...openedFolder.store, mayHaveExternalChanges };
  const service = await serve(
    { ...openedFolder, store },
    { host: '127.0.0.1', port: 0, log: listen().log, version: '' },
  );
  onTestFinished(() => service.close());
  const statuses = [
    (await ask(service.port, '/feeds/latest.rss')).status,
    (await ask(service.port, '/feeds/latest.rss')).status,
  ];
  isReadable = false;
  const { headers, text } = await ask(service.port, '/feeds/latest.rss');
  isReadable = true;

  expect(JSON.parse(text)).toMatchObject({ status, code });
  expect(headers['retry-after']).toBe(status === 503 ? '2' : undefined);
  expect([...statuses, (await ask(service.port, '/feeds/latest.rss')).status]).toEqual([200, 200, 200]);
});

test('the feeds are looked up once until a change or the end of an embargo, however many ask for one that is none', async () => {
  const openedFolder = openDataFolder(await dataFolder(NEWSROOM));
  let lookedUp = 0;
  const seenFeeds: Store['seenFeeds'] = (keys, at) => {
    if (keys.length > 1) lookedUp += 1; // one alone is an old address
    return openedFolder.store.seenFeeds(keys, at);
  };
  const clock = { now: Date.UTC(2026, 10, 22, 12) };
  const service = await serve(
    { ...openedFolder, store: { ...openedFolder.store, seenFeeds } },
    { host: '127.0.0.1', port: 0, log: listen().log, version: '', now: () => clock.now },
  );
  onTestFinished(() => service.close());
  const lookedUpFor = async (path: string, detail: string) => {
    lookedUp = 0;
    expect(JSON.parse((await ask(service.port, path)).text).detail).toBe(detail);
    return lookedUp;
  };
  const WATER = 'Did you mean /feeds/tag/water.rss?';
  const looks = [
    await lookedUpFor('/feeds/tag/watr.rss', WATER),
    await lookedUpFor('/feeds/tag/wader.rss', WATER),
    await lookedUpFor('/feeds/tag/snow.rss', 'Every article is in /feeds/latest.rss.'),
  ];
  await put(openedFolder.path, 'articles/b.json', JSON.stringify(record({ id: 'b', tags: ['Snow'] })));
  await expect.poll(async () => (await ask(service.port, '/feeds/tag/snow.rss')).status).toBe(200);
  looks.push(await lookedUpFor('/feeds/tag/snov.rss', 'Did you mean /feeds/tag/snow.rss?'));
  clock.now += 60_000;
  looks.push(await lookedUpFor('/feeds/tag/snov.rss', 'Did you mean /feeds/tag/snow.rss?'));
  const embargoUntil = new Date(clock.now + 1000).toISOString();
  await put(openedFolder.path, 'articles/c.json', JSON.stringify(record({ id: 'c', tags: ['Drought'], embargoUntil })));
  await expect.poll(() => openedFolder.store.count()).toBe(3);
  looks.push(await lookedUpFor('/feeds/tag/drougt.rss', 'Every article is in /feeds/latest.rss.'));
  clock.now += 999;
  looks.push(await lookedUpFor('/feeds/tag/drougt.rss', 'Every article is in /feeds/latest.rss.'));
  clock.now += 1;
  looks.push(await lookedUpFor('/feeds/tag/drougt.rss', 'Did you mean /feeds/tag/drought.rss?'));

  expect(looks).toEqual([1, 0, 0, 1, 0, 1, 0, 1]);
});

test('an error is a whole JSON line, as long as it says', async () => {
  const { port } = await start(await dataFolder(NEWSROOM));
  const { headers, body, text } = await ask(port, '/feeds/tag/%E6%B0%B4.rss', { headers: { 'Accept-Encoding': 'br' } });

  expect(headers['content-encoding']).toBeUndefined();
  expect(headers['content-length']).toBe(String(body.length));
  expect(text.endsWith('}\n')).toBe(true);
  expect(JSON.parse(text).title).toBe('There is no feed tag/水.');
});
