import { readdirSync, statSync } from 'node:fs';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PublisherError } from '../../src/errors.ts';
import type { ServiceStatus } from '../../src/pages/service-status.ts';
import { openDataFolder, storeFile } from '../../src/service/data-folder.ts';
import { serve } from '../../src/service/serve.ts';
import type { Store } from '../../src/store/store.ts';
import { ask, dataFolder, listen, type Running, record, serving, start } from '../helpers.ts';
import { keyFor, NOW } from '../http/api.ts';
import { figuresIn, NEWSROOM, scriptedLoad } from './scripted-load.ts';

const HOUR = 3_600_000;
async function statusOf({ port }: Pick<Running, 'port'>, key: string): Promise<ServiceStatus> {
  const { status, text } = await ask(port, '/api/status', { headers: { Authorization: `Bearer ${key}` } });
  expect(status, text).toBe(200);
  return JSON.parse(text);
}

const sumOfHours = ({ traffic: { hours } }: ServiceStatus) =>
  hours.map(({ answers }) => Object.values(answers).reduce((sum, each) => sum + each, 0));

describe('the figures equal what a client has counted', () => {
  test('in one process, also after a restart', async () => {
    const folder = await dataFolder(NEWSROOM);
    const { key } = await keyFor(folder);
    const first = await serving(folder, { now: () => NOW });
    const load = await scriptedLoad(first.port, key);
    const status = await statusOf(first, key);

    expect(figuresIn(status)).toEqual(load.figures());
    expect(load.figures().answers).toMatchObject({ delta: 1, unchanged: 8, clientErrors: 3 });
    await first.close();

    const second = await start(folder, { now: () => NOW });
    load.count(200); // the request for the status above
    expect(figuresIn(await statusOf(second, key))).toEqual(load.figures());
  });

  test('and name only feeds that exist, whatever is requested', async () => {
    const folder = await dataFolder(NEWSROOM);
    const { key } = await keyFor(folder);
    const service = await start(folder, { now: () => NOW });
    for (const path of ['/feeds/none.rss', '/feeds/tag/none', '/feeds/__proto__.json', '/nothing', '/feed']) {
      await ask(service.port, path, { headers: { 'User-Agent': 'Feedly/1.0 (12 subscribers)' } });
    }
    const { traffic } = await statusOf(service, key);

    expect([traffic.feeds, traffic.services, traffic.answers.clientErrors]).toEqual([[], [], 4]);
  });

  test('health checks are not among them', async () => {
    const folder = await dataFolder(NEWSROOM);
    const { key } = await keyFor(folder);
    const service = await start(folder, { now: () => NOW });
    for (const path of ['/healthz', '/readyz']) await ask(service.port, path);

    expect(Object.values((await statusOf(service, key)).traffic.answers)).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

test('hours: 24 of them, oldest first, and none is kept longer', async () => {
  const folder = await dataFolder(NEWSROOM);
  const { key } = await keyFor(folder);
  let at = NOW;
  const service = await start(folder, { now: () => at });
  const poll = (count: number) =>
    Promise.all(Array.from({ length: count }, () => ask(service.port, '/feeds/latest.rss')));

  await poll(3);
  at = NOW + HOUR;
  await poll(2);
  const status = await statusOf(service, key);
  expect(sumOfHours(status)).toEqual([...Array(22).fill(0), 3, 2]);
  expect(status.traffic.hours.map(({ from }) => from)).toEqual(
    Array.from({ length: 24 }, (_, index) => new Date(NOW + (index - 22) * HOUR).toISOString().replace('.000', '')),
  );
  expect(status.traffic.feeds).toMatchObject([{ feed: 'latest', requests: 5 }]);

  at = NOW + 24 * HOUR;
  await poll(1);
  // Of the first hour nothing is left; the second one has two polls and the first request for the status.
  expect(sumOfHours(await statusOf(service, key))).toEqual([3, ...Array(22).fill(0), 1]);
  at = NOW + 60 * HOUR;
  const later = await statusOf(service, key);
  expect([sumOfHours(later), later.traffic.feeds, later.traffic.median]).toEqual([Array(24).fill(0), [], undefined]);
});

describe('articles', () => {
  test('by status, with what comes next', async () => {
    const story = (id: string, fields: object) => [
      `articles/${id}.json`,
      JSON.stringify(record({ id, url: `https://news.example/${id}`, ...fields })),
    ];
    const folder = await dataFolder(
      Object.fromEntries([
        story('seen', { publishedAt: '2026-11-20T10:00:00Z' }),
        story('newest', { publishedAt: '2026-11-21T10:00:00Z' }),
        story('soon', { embargoUntil: '2026-11-23T10:00:00Z' }),
        story('later', { embargoUntil: '2026-11-24T10:00:00Z' }),
        story('leaves', { expiresAt: '2026-11-25T10:00:00Z' }),
        story('left', { publishedAt: '2026-11-21T11:00:00Z', expiresAt: '2026-11-22T10:00:00Z' }),
      ]),
    );
    const { key } = await keyFor(folder);
    const service = await start(folder, { now: () => NOW });
    await ask(service.port, '/api/articles/seen2', {
      method: 'PUT',
      body: JSON.stringify(record({ id: 'seen2', url: 'https://news.example/seen2' })),
      headers: { Authorization: `Bearer ${key}` },
    });
    await ask(service.port, '/api/articles/seen2', { method: 'DELETE', headers: { Authorization: `Bearer ${key}` } });

    expect((await statusOf(service, key)).articles).toEqual({
      visible: 3,
      embargoed: 2,
      expired: 1,
      withdrawn: 1,
      nextAppears: { article: 'soon', at: '2026-11-23T10:00:00Z' },
      nextExpires: { article: 'leaves', at: '2026-11-25T10:00:00Z' },
      newest: { article: 'newest', publishedAt: '2026-11-21T10:00:00Z' },
    });
  });

  test('a new service has none', async () => {
    const folder = await dataFolder();
    const { key } = await keyFor(folder);
    const { articles, feeds, needs, outage, processes } = await statusOf(await start(folder), key);

    expect([articles, feeds, needs, outage, processes]).toEqual([
      { visible: 0, embargoed: 0, expired: 0, withdrawn: 0 },
      1,
      { problems: [], problemCount: 0 },
      undefined,
      1,
    ]);
  });
});

test('what is refused is named, with each defect', async () => {
  const folder = await dataFolder({
    'articles/x.json': JSON.stringify(record({ id: 'x', title: '', url: 'ftp://x/' })),
  });
  const { key } = await keyFor(folder);
  const { needs } = await statusOf(await start(folder, { now: () => NOW }), key);

  expect(needs).toEqual({
    problems: [
      {
        kind: 'file',
        path: 'articles/x.json',
        article: 'x',
        since: '2026-11-22T12:00:00Z',
        code: 'invalid_article',
        problems: [
          {
            field: 'url',
            value: 'ftp://x/',
            rule: expect.stringContaining('http'),
            line: 1,
            column: expect.any(Number),
          },
          { field: 'title', value: '', rule: expect.any(String), line: 1, column: expect.any(Number) },
        ],
      },
    ],
    problemCount: 1,
  });
});

describe('a store that cannot be read', () => {
  test.each<[string, Error, { readonly damage?: string }, string | undefined]>([
    [
      'damaged',
      new PublisherError('store_damaged', 'The store is damaged: the feed “latest” is missing.'),
      { damage: 'The store is damaged: the feed “latest” is missing.' },
      undefined,
    ],
    ['away', new PublisherError('store_unavailable', 'The store cannot be used.'), {}, 'The store cannot be used.'],
    ['broken', new Error('no such table: feed'), {}, 'The store cannot be read: no such table: feed.'],
  ])('is %s: the status says so, and shows the rest', async (_, error, needs, outage) => {
    const folder = openDataFolder(await dataFolder());
    const { store } = folder;
    let isWhole = true;
    const unlessBroken = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      if (!isWhole) throw error;
      return await work();
    };
    const failing: Store = {
      ...store,
      check: () => unlessBroken(store.check),
      statusCounts: (at) => unlessBroken(() => store.statusCounts(at)),
      feedKeys: () => unlessBroken(store.feedKeys),
      seenFeeds: (keys, at) => unlessBroken(() => store.seenFeeds(keys, at)),
      lastRevision: () => unlessBroken(store.lastRevision),
      damage: () => (isWhole ? undefined : needs.damage),
    };
    const options = { host: '127.0.0.1', port: 0, version: '0.0.0', log: listen().log };
    const service = await serve({ ...folder, store: failing }, options);
    onTestFinished(service.close);
    await ask(service.port, '/feeds/latest.rss');
    isWhole = false;
    const status = await service.readStatus();

    expect(status.needs).toEqual({ ...needs, problems: [], problemCount: 0 });
    expect([status.outage, status.feeds, status.store.revision]).toEqual([outage, 0, 0]);
    expect(status.articles).toEqual({ visible: 0, embargoed: 0, expired: 0, withdrawn: 0 });
    expect(status.traffic.feeds).toMatchObject([{ feed: 'latest', name: 'The Test Post', requests: 1 }]);
  });
});

test('names and languages of feeds', async () => {
  const folder = await dataFolder(NEWSROOM);
  const { key } = await keyFor(folder);
  const service = await start(folder, { now: () => NOW });
  for (const feed of ['latest', 'water', 'tag/water', 'section/world', 'language/en'])
    await ask(service.port, `/feeds/${feed}.json`);

  expect(
    (await statusOf(service, key)).traffic.feeds.map(({ feed, name, language }) => [feed, name, language]),
  ).toEqual([
    ['language/en', 'English', 'en'],
    ['latest', 'The Test Post', 'en'],
    ['section/world', 'World', undefined],
    ['tag/water', 'Water', undefined],
    ['water', 'Water', 'en'],
  ]);
});

describe('access', () => {
  test.each([
    ['GET', 'read', 200],
    ['HEAD', 'read', 200],
    ['GET', 'write', 200],
    ['GET', undefined, 401],
    ['HEAD', undefined, 401],
    ['POST', 'write', 405],
  ] as const)('%s with a key that may %s: %i', async (method, scope, expected) => {
    const folder = await dataFolder();
    const key = scope && (await keyFor(folder, scope)).key;
    const { port } = await start(folder);
    const { status, headers, text } = await ask(port, '/api/status', {
      method,
      headers: key === undefined ? {} : { Authorization: `Bearer ${key}` },
    });

    expect([status, headers['cache-control'], headers.allow]).toEqual([
      expected,
      'no-store',
      expected === 405 ? 'GET, HEAD, OPTIONS' : undefined,
    ]);
    if (method === 'HEAD') expect(text).toBe('');
    else
      expect(headers['content-type']).toBe(
        expected === 200 ? 'application/json; charset=utf-8' : 'application/problem+json; charset=utf-8',
      );
  });

  test('a reader process forwards the request', async () => {
    const folder = await dataFolder(NEWSROOM);
    const { key } = await keyFor(folder, 'read');
    const socket = join(folder, 'writer');
    const readersEnded = Promise.withResolvers<void>();
    const reader = { role: 'reader', socket } as const;
    const loads = async () => [await writing.load(), await readingService.load()];
    const writing = await serving(folder, {
      part: { role: 'writer', socket, readersEnded: readersEnded.promise },
      loads,
    });
    const readingService = await serving(folder, { part: reader, loads });
    await ask(writing.port, '/feeds/latest.rss');
    await ask(readingService.port, '/feeds/latest.atom');
    const status = await statusOf(readingService, key);

    expect([status.processes, status.traffic.feeds]).toMatchObject([2, [{ feed: 'latest', requests: 2 }]]);
    expect(status.load.connections.limit).toBe(20_000);
    await expect(readingService.readStatus()).rejects.toMatchObject({ code: 'not_ready' });
    expect((await ask(readingService.port, '/api/status')).status).toBe(401);
    await readingService.close();
    readersEnded.resolve();
    await writing.close();
  });
});

describe('the file of the figures', () => {
  const FILE = 'store/traffic.sqlite';

  async function damaged(damage: (file: string) => unknown) {
    const folder = await dataFolder(NEWSROOM);
    const { key } = await keyFor(folder);
    const first = await serving(folder, { now: () => NOW });
    await ask(first.port, '/feeds/latest.rss');
    await first.close();
    await damage(join(folder, FILE));
    const second = await start(folder, { now: () => NOW });
    await ask(second.port, '/feeds/latest.rss');
    const status = await statusOf(second, key);
    return { folder, second, status };
  }

  test('is kept when it is whole', async () => {
    const { second, status } = await damaged(() => {});
    expect([second.lines, status.traffic.feeds[0]?.requests]).toEqual([[], 2]);
  });

  test.each<[string, (file: string) => unknown]>([
    ['has other bytes', (file) => writeFile(file, 'figures')],
    ['is cut', (file) => truncate(file, 5000)],
    ['is empty', (file) => truncate(file, 0)],
    ['has another version', (file) => withDatabase(file, 'PRAGMA user_version = 99')],
    ['has other tables', (file) => withDatabase(file, 'DROP TABLE total')],
    [
      'has numbers that cannot be',
      (file) => withDatabase(file, "UPDATE total SET numbers = x'00'; UPDATE feed SET numbers = zeroblob(3)"),
    ],
    [
      'has a number that is no count',
      (file) =>
        withDatabase(file, "UPDATE feed SET numbers = CAST(unhex('ffffffffffffffff') || substr(numbers, 9) AS BLOB)"),
    ],
  ])('begins anew where it %s', async (_, damage) => {
    const { second, status } = await damaged(damage);

    expect(status.traffic.feeds).toMatchObject([{ feed: 'latest', requests: 1 }]);
    expect(second.lines.length).toBeLessThanOrEqual(1);
    for (const line of second.lines)
      expect(line).toMatch(/^The figures of \/status begin anew, because .*traffic\.sqlite cannot be used\.$/);
    expect((await ask(second.port, '/readyz')).status).toBe(200);
  });

  test('is not needed: a folder in its place is left alone', async () => {
    const folder = await dataFolder(NEWSROOM);
    const { key } = await keyFor(folder);
    await mkdir(join(folder, FILE));
    await writeFile(join(folder, FILE, 'mine'), '');
    const service = await serving(folder, { now: () => NOW });
    await ask(service.port, '/feeds/latest.rss');
    expect((await statusOf(service, key)).traffic.feeds).toMatchObject([{ feed: 'latest', requests: 1 }]);
    expect((await statusOf(service, key)).traffic.answers.whole).toBe(2);
    expect(service.lines).toHaveLength(1);
    await service.close();
    expect(readdirSync(join(folder, FILE))).toEqual(['mine']);
  });

  test('is made with the first answer, and touches nothing of the store', async () => {
    const folder = await dataFolder(NEWSROOM);
    const before = await serving(folder, { now: () => NOW });
    await before.close();
    expect(readdirSync(join(folder, 'store'))).toEqual(['publisher.sqlite']);
    const { mtimeMs } = statSync(storeFile(folder));

    const service = await serving(folder, { now: () => NOW });
    await ask(service.port, '/feeds/latest.rss');
    await service.close();
    expect(readdirSync(join(folder, 'store')).sort()).toEqual(['publisher.sqlite', 'traffic.sqlite']);
    expect(statSync(storeFile(folder)).mtimeMs).toBe(mtimeMs);
  });

  test('a store in memory has its figures there', async () => {
    const folder = await dataFolder();
    const service = await serving(folder, { storeFile: ':memory:' });
    await ask(service.port, '/feeds/latest.rss');
    expect((await service.readStatus()).traffic.feeds).toMatchObject([{ feed: 'latest', requests: 1 }]);
    await service.close();
    expect(readdirSync(folder)).not.toContain('store');
  });
});

function withDatabase(file: string, sql: string): void {
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
}
