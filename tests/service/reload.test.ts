import { writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { articleText } from '../../src/article/stored.ts';
import { parsePublication } from '../../src/config/publication.ts';
import { FORMATS, ownKeys } from '../../src/feed/feeds.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { serve } from '../../src/service/serve.ts';
import type { Put } from '../../src/store/store.ts';
import { article, ask, dataFolder, listen, PUBLICATION, type Running, record, start } from '../helpers.ts';

/** Another publication is put in force while the service answers. */

const parsed = (text: string) => parsePublication(text, 'publication.yaml');

/** Three publications that differ in all that a document may show, and in their feeds. */
const GENERATIONS = [
  `${PUBLICATION}feeds:\n  - { id: own, title: One, select: { any: [tag/x] } }\n`,
  `${PUBLICATION.replace('The Test Post', 'Second')}entries: 3\ncopyright: Somebody\nmaxAge: 5\nfeeds:\n  - { id: own, title: Two, select: { any: [tag/y] } }\n  - { id: more, title: More, content: summary }\n`,
  `${PUBLICATION.replace('The Test Post', 'Third')}license: https://news.example/license\nterms: { search: yes, aiTraining: no }\nretired:\n  - { feed: own, movedTo: latest }\nfeeds:\n  - { id: more, title: Other, select: { none: [tag/x] } }\n`,
];
const PATHS = [
  ...['latest', 'own', 'more', 'tag/x'].flatMap((feed) => FORMATS.map((format) => `/feeds/${feed}.${format}`)),
  ...['/', '/feeds/latest', '/feeds/own', '/feeds/more', '/feeds/nothing.rss'],
];

interface Seen {
  readonly path: string;
  readonly status: number;
  readonly body: string;
  readonly etag: string | undefined;
  readonly modified: number;
}

/** Asks on one connection. */
function connection(port: number): (path: string) => Promise<Seen> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  return (path) =>
    new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path, agent }, async (response) => {
        const body = Buffer.concat(await response.toArray()).toString();
        const { etag, 'last-modified': modified = '' } = response.headers;
        resolve({ path, status: response.statusCode ?? 0, body, etag, modified: Date.parse(modified) });
      });
      asked.on('error', reject).end();
    });
}

const ARTICLES = Object.fromEntries(
  Array.from({ length: 12 }, (_, index) => {
    const tags = [['x'], ['y'], ['x', 'y']][index % 3];
    return [`articles/a${index}.json`, JSON.stringify(record({ id: `a${index}`, title: `Story ${index}`, tags }))];
  }),
);

/** Everything that a service answers while nothing changes. */
async function allOf({ port }: Running): Promise<Map<string, Seen>> {
  const get = connection(port);
  const seen = new Map<string, Seen>();
  for (const path of PATHS) seen.set(path, await get(path));
  return seen;
}

test('under load, each answer is of one publication as a whole, no request fails, and none is older than the one before', async () => {
  const publications = GENERATIONS.map(parsed);
  const [first = ''] = GENERATIONS;
  const service = await start(await dataFolder({ 'publication.yaml': first, ...ARTICLES }), { storeFile: ':memory:' });
  const answers: Seen[][] = [];
  let isOver = false;
  const clients = Array.from({ length: 4 }, async (_, client) => {
    const get = connection(service.port);
    const own: Seen[] = [];
    answers.push(own);
    for (let next = client; !isOver; next += 1) own.push(await get(PATHS[(next * 5 + client) % PATHS.length] ?? ''));
  });
  const quiet = [await allOf(service)];
  for (const publication of [1, 2, 1, 0, 2, 0].map((index) => publications[index])) {
    if (publication !== undefined) await service.reload(publication);
    quiet.push(await allOf(service));
  }
  isOver = true;
  await Promise.all(clients);

  const textOf = ({ status, body }: Seen) => `${status} ${body}`;
  for (const own of answers) {
    expect(own.length).toBeGreaterThan(50);
    let oldest = 0;
    for (const seen of own) {
      const from = quiet.findIndex(
        (all, index) => index >= oldest && textOf(all.get(seen.path) ?? seen) === textOf(seen),
      );
      expect(from, `${seen.path}: ${textOf(seen)}`).toBeGreaterThanOrEqual(0);
      if (from >= 0) oldest = from;
    }
  }
  for (const [index, all] of quiet.entries()) {
    for (const [path, seen] of all) {
      const before = quiet[index - 1]?.get(path);
      if (before === undefined || before.status !== 200 || seen.status !== 200) continue;
      expect(before.etag === seen.etag, path).toBe(before.body === seen.body);
      if (before.body !== seen.body) expect(seen.modified, path).toBeGreaterThanOrEqual(before.modified);
    }
  }
  expect(service.lines).toEqual([]);
});

test('a date alone tells of the change, although both publications answered within one second', async () => {
  const now = Date.UTC(2026, 10, 22, 12, 0, 0, 300);
  let at = now;
  const [first = '', second = ''] = GENERATIONS;
  const folder = await dataFolder({ 'publication.yaml': first, ...ARTICLES });
  const service = await start(folder, { storeFile: ':memory:', now: () => at });
  const known = (await ask(service.port, '/feeds/latest.rss')).headers['last-modified'] ?? '';
  at += 100;
  await service.reload(parsed(second));
  const conditional = () => ask(service.port, '/feeds/latest.rss', { headers: { 'If-Modified-Since': known } });
  expect((await conditional()).status).toBe(200);
  at += 2000;
  expect((await conditional()).status).toBe(200);
});

test('what is removed is gone, what is retired redirects, and the settings of the API and of media count at once', async () => {
  const [first = '', second = '', third = ''] = GENERATIONS;
  const folder = await dataFolder({ 'publication.yaml': first, ...ARTICLES, 'media/a.txt': 'A file' });
  const service = await start(folder);
  const status = async (path: string) => (await ask(service.port, path)).status;
  expect([await status('/feeds/own.rss'), await status('/feeds/more.rss'), await status('/media/a.txt')]).toEqual([
    200, 404, 404,
  ]);
  await service.reload(parsed(`${second}media: public\norigins: [https://cms.example.com]\n`));
  expect([await status('/feeds/own.rss'), await status('/feeds/more.rss'), await status('/media/a.txt')]).toEqual([
    200, 200, 200,
  ]);
  const preflight = {
    method: 'OPTIONS',
    headers: { Origin: 'https://cms.example.com', 'Access-Control-Request-Method': 'GET' },
  };
  expect((await ask(service.port, '/api/articles', preflight)).headers['access-control-allow-origin']).toBe(
    'https://cms.example.com',
  );
  await service.reload(parsed(third));
  expect((await ask(service.port, '/feeds/own.rss')).headers.location).toBe('../feeds/latest.rss');
  expect(await status('/license.xml')).toBe(200);
  await service.reload(parsed(`${PUBLICATION}pages: off\n`));
  expect([await status('/feeds/more.rss'), await status('/'), await status('/feeds/latest.rss')]).toEqual([
    404, 404, 200,
  ]);
});

test('a feed that takes long to fill is refused for a while, and everything else is served', async () => {
  const folder = await dataFolder({});
  const { store } = openDataFolder(folder);
  const puts = Array.from({ length: 1100 }, (_, index): Put => {
    const made = article({ id: `a${index}`, tags: ['x'] });
    return { kind: 'put', article: articleText(made), record: JSON.stringify({ id: made.id }), feeds: ownKeys(made) };
  });
  await store.apply(puts, Date.now);
  await store.close();
  const gate = Promise.withResolvers<void>();
  const service = await startHeldUp(folder, gate.promise);
  onTestFinished(() => gate.resolve()); // before the service closes, whatever fails
  await service.reload(parsed(`${PUBLICATION}feeds:\n  - { id: own, title: Own, select: { any: [tag/x] } }\n`));
  const filling = await ask(service.port, '/feeds/own.json');
  expect([filling.status, filling.headers['retry-after'], JSON.parse(filling.text).code]).toEqual([
    503,
    '5',
    'feed_filling',
  ]);
  expect((await ask(service.port, '/feeds/own')).status).toBe(503);
  expect((await ask(service.port, '/')).text).not.toContain('feeds/own');
  expect((await service.readStatus()).fillingFeeds).toBe(1);
  expect((await ask(service.port, '/readyz')).status).toBe(200);
  expect((await ask(service.port, '/feeds/tag/x.rss')).status).toBe(200);
  gate.resolve();
  await expect.poll(async () => (await ask(service.port, '/feeds/own.json')).status, { timeout: 20_000 }).toBe(200);
  expect(await service.readStatus()).not.toHaveProperty('fillingFeeds');
  expect(service.told.map(({ msg }) => msg)).toContain('All feeds are filled.');
});

test('a publication that is refused is a problem of the newsroom until another one is in force', async () => {
  const service = await start(await dataFolder(ARTICLES), {
    metrics: { host: '127.0.0.1', port: 0, isRequired: true },
  });
  const metric = async (name: string) =>
    (await ask(service.metricsPort ?? 0, '/metrics')).text
      .split('\n')
      .find((line) => line.startsWith(`feed_publisher_${name}`));
  service.refusePublication(refusalOf(`${PUBLICATION}titel: A mistake\n`));
  const { needs } = await service.readStatus();
  expect(needs.problems).toMatchObject([
    { kind: 'file', path: 'publication.yaml', code: 'invalid_publication', problems: [{ field: 'titel', line: 6 }] },
  ]);
  expect(await metric('reloads_total{result="refused"}')).toBe('feed_publisher_reloads_total{result="refused"} 1');
  service.acceptPublication();
  expect((await service.readStatus()).needs.problemCount).toBe(0);
  expect(service.told.map(({ msg }) => msg).slice(-2)).toEqual([
    'The publication is not valid. The service goes on with the publication that it has.',
    'publication.yaml was corrected or removed: the problem is gone.',
  ]);
});

/** A service that fills feeds only from a moment on. */
async function startHeldUp(folder: string, until: Promise<void>): Promise<Running> {
  const { log, told, lines } = listen();
  const opened = openDataFolder(folder);
  const { store } = opened;
  const fillFeeds: typeof store.fillFeeds = (...args) => until.then(() => store.fillFeeds(...args));
  const options = { host: '127.0.0.1', port: 0, version: '0.0.0', log };
  const service = await serve({ ...opened, store: { ...store, fillFeeds } }, options);
  onTestFinished(() => service.close());
  return { ...service, dataFolder: folder, lines, told };
}

function refusalOf(text: string) {
  try {
    parsed(text);
  } catch (error) {
    return error as Parameters<Running['refusePublication']>[0];
  }
  throw new Error('the publication is valid');
}

test('the next start goes on where a reload was broken off', async () => {
  const [first = '', second = ''] = GENERATIONS;
  const folder = await dataFolder({ 'publication.yaml': first, ...ARTICLES });
  const service = await start(folder);
  await service.close();
  // The rules of the next publication are in the store; the publication itself is not in force.
  const { store } = openDataFolder(folder);
  await store.backfillFeeds(parsed(second).feeds, Date.now, -1);
  await store.close();
  await writeFile(join(folder, 'publication.yaml'), second);
  const next = await start(folder);
  const { items } = JSON.parse((await ask(next.port, '/feeds/own.json')).text);
  expect(items.length).toBe(3);
  await next.close();
  const fresh = await start(await dataFolder({ 'publication.yaml': second, ...ARTICLES }), { storeFile: ':memory:' });
  expect(JSON.parse((await ask(fresh.port, '/feeds/own.json')).text).items).toEqual(items);
});
