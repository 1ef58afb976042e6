import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { loadPublication } from '../../src/config/publication.ts';
import { openReplicaFolder } from '../../src/service/replica-folder.ts';
import { command } from '../commands/terminal.ts';
import { freePort } from '../free-port.ts';
import { type Answer, ask, childEnvironment, dataFolder, PUBLICATION, record } from '../helpers.ts';
import { type Cluster, startCluster } from '../peers/postgres.ts';
import { findProgram } from '../peers/programs.ts';
import { RUN } from '../soak/sizes.ts';
import { eventually } from '../store/postgres/replicas.ts';
import { type Replica, startReplica } from './replica-service.ts';

const MAIN = join(import.meta.dirname, '../../src/start.js');

/** Of a test that takes too long for every run. */
const soakTest = RUN === 'short' ? undefined : test;

const isThere = (await findProgram('postgres')) !== undefined || process.env.REQUIRE_PEERS === '1';
let cluster: Cluster;
beforeAll(async () => {
  if (isThere) cluster = await startCluster();
});
afterAll(() => cluster?.close());

function contentOf({ headers, text }: Answer) {
  return [headers.etag, headers['last-modified'], text];
}

test.runIf(isThere)('a change on one replica is on the other, with the same bytes and tags', async () => {
  const url = await cluster.createDatabase();
  const [one, other] = [await startReplica(url), await startReplica(url)];

  expect((await one.put('a')).status).toBe(201);
  await eventually(async () => expect((await other.get('/feeds/latest.rss')).text).toContain('/a</link>'));
  expect((await other.put('b')).status).toBe(201);
  await eventually(async () => expect((await one.get('/feeds/latest.rss')).text).toContain('/b</link>'));

  for (const path of ['/feeds/latest.rss', '/feeds/latest.atom', '/feeds/latest.json']) {
    await eventually(async () => {
      const [here, there] = [await one.get(path), await other.get(path)];
      expect(contentOf(here)).toEqual(contentOf(there)); // a second that is not over yet is in no Last-Modified
    });
  }
  await eventually(() => expect([one.isOwner(), other.isOwner()].filter((isOwner) => isOwner)).toEqual([true]));
});

soakTest?.runIf(isThere)(
  'the owner exports a static site for all, and another one after it',
  { tags: ['soak'] },
  async () => {
    const url = await cluster.createDatabase();
    const site = { site: join(await dataFolder(), 'site') };
    const feed = () => readFile(join(site.site, 'feeds/latest.json'), 'utf8').catch(() => '');
    const exports = ({ told }: Replica) => told.filter(({ msg }) => msg.includes('is up to date (')).length;
    const owner = await startReplica(url, { site });
    await eventually(() => expect(owner.isOwner()).toBe(true));
    const other = await startReplica(url, { site });
    expect((await other.put('a', { title: 'The first' })).status).toBe(201);
    await eventually(async () => expect(await feed()).toContain('The first'));
    await eventually(() => expect(exports(owner)).toBeGreaterThan(0));
    expect(exports(other)).toBe(0);

    await owner.close();
    await eventually(() => expect(other.isOwner()).toBe(true));
    expect((await other.put('b', { title: 'The second' })).status).toBe(201);
    await eventually(async () => expect(await feed()).toContain('The second'));
    expect(other.lines).toEqual([]);
  },
);

test.runIf(isThere)('a replica that names no target leaves those of others, and says so', async () => {
  const url = await cluster.createDatabase();
  const site = { site: join(await dataFolder(), 'site') };
  const one = await startReplica(url, { site });
  await eventually(() => expect(one.told.map(({ msg }) => msg).join()).toContain('is up to date ('));
  const other = await startReplica(url);
  await eventually(() =>
    expect(other.lines).toEqual([
      `Other replicas name targets that this one does not tell: site:${site.site}. Start all replicas with the same --purge and --site. If no replica names it any more, run “outbox forget”.`,
    ]),
  );
  expect((await other.put('a', { title: 'By the other' })).status).toBe(201);
  await eventually(async () =>
    expect(await readFile(join(site.site, 'feeds/latest.json'), 'utf8')).toContain('By the other'),
  );
});

test.runIf(isThere)('without the database, readers are served, and changes wait for it', async () => {
  const own = await startCluster();
  onTestFinished(own.close);
  const url = await own.createDatabase();
  const one = await startReplica(url);
  expect((await one.put('a')).status).toBe(201);
  expect((await one.get('/readyz')).text).toBe('ready');

  await own.crash();
  await eventually(async () => expect((await one.get('/readyz')).text).toBe('degraded'));
  expect((await one.get('/readyz')).status).toBe(200);
  expect((await one.get('/feeds/latest.rss')).text).toContain('/a</link>');
  expect(await one.needs()).toEqual({
    database: 'The database cannot be reached, and changes get 503.',
    problems: [],
    problemCount: 0,
  });
  const refused = await one.put('b');
  expect([refused.status, refused.headers['retry-after'], JSON.parse(refused.text).code]).toEqual([
    503,
    '5',
    'database_unavailable',
  ]);

  await own.start();
  await eventually(async () => expect((await one.get('/readyz')).text).toBe('ready'));
  expect((await one.put('b')).status).toBe(201);
  expect((await one.get('/feeds/latest.rss')).text).toContain('/b</link>');
  expect(await one.needs()).toEqual({ problems: [], problemCount: 0 });
  const errors = one.told.filter(({ level }) => level === 'error').map(({ code }) => code);
  expect(errors).toEqual(['database_unavailable']);
});

test.runIf(isThere)('a replica whose clock is off by a second shows no story early, and is ready', async () => {
  const url = await cluster.createDatabase();
  const [slow, fast] = [-1000, 1000];
  const replicas = await Promise.all(
    [slow, fast].map((offset) => startReplica(url, { now: () => Date.now() + offset })),
  );
  const embargoUntil = new Date(Math.ceil(Date.now() / 1000) * 1000 + 2000);
  for (const replica of replicas) expect((await replica.get('/readyz')).text).toBe('ready');
  expect((await replicas[0]?.put('secret', { embargoUntil: embargoUntil.toISOString() }))?.status).toBe(201);
  const seen = await Promise.all(
    replicas.map(async ({ get }) => {
      for (;;) {
        const before = Date.now();
        const { text } = await get('/feeds/latest.rss');
        if (text.includes('/secret</link>')) return before;
      }
    }),
  );
  // The moment before the request that showed it: the clocks of replicas agree within some milliseconds.
  for (const moment of seen) expect(moment).toBeGreaterThan(embargoUntil.getTime() - 100);
});

test.runIf(isThere)('a key that one replica revokes opens nothing on the other', async () => {
  const url = await cluster.createDatabase();
  const one = await openReplicaFolder(await dataFolder({ 'publication.yaml': PUBLICATION }), {
    databaseUrl: url,
    publication: loadPublication(await dataFolder({ 'publication.yaml': PUBLICATION })),
    mayOwn: false,
  });
  onTestFinished(() => one.store.close());
  const other = await startReplica(url);
  expect((await other.put('a')).status).toBe(201);
  const [, id = ''] = other.key.split('_');
  const revoked = performance.now();
  expect(await one.store.revokeKey(id, Date.now())).toBe(true);
  await eventually(async () => expect((await other.put('a')).status).toBe(401));
  expect(performance.now() - revoked).toBeLessThan(5000);
});

test.runIf(isThere)(
  'a publication that one replica changes is served by the other, whose file is reported',
  async () => {
    const url = await cluster.createDatabase();
    const one = await startReplica(url);
    const other = await startReplica(url);
    await writeFile(join(one.dataFolder, 'publication.yaml'), PUBLICATION.replace('The Test Post', 'The New Post'));
    await one.reload(loadPublication(one.dataFolder));
    await eventually(async () => expect((await other.get('/feeds/latest.rss')).text).toContain('The New Post'));
    await other.close();

    const again = await startReplica(url, { folder: other.dataFolder });
    expect((await again.get('/feeds/latest.rss')).text).toContain('The New Post');
    expect(again.lines).toEqual([expect.stringContaining('must say what is in force')]);
    await again.close();

    await writeFile(join(other.dataFolder, 'publication.yaml'), PUBLICATION.replace('The Test Post', 'The Third Post'));
    const changed = await startReplica(url, { folder: other.dataFolder });
    expect((await changed.get('/feeds/latest.rss')).text).toContain('The Third Post');
    await eventually(async () => expect((await one.get('/feeds/latest.rss')).text).toContain('The Third Post'));
  },
);

test.runIf(isThere)('a replica without its files takes everything from the database', async () => {
  const url = await cluster.createDatabase();
  const one = await startReplica(url);
  for (const id of ['a', 'b', 'c']) expect((await one.put(id)).status).toBe(201);
  await one.close();
  await rm(join(one.dataFolder, 'store'), { recursive: true });
  const again = await startReplica(url, { folder: one.dataFolder });
  expect((await again.get('/feeds/latest.rss')).text.match(/<item>/g)).toHaveLength(3);
});

test.runIf(isThere)('a command changes the store beside the service, and a replica may have workers', async () => {
  const url = await cluster.createDatabase();
  const folder = await dataFolder({ 'publication.yaml': PUBLICATION });
  const env = { DATABASE_URL: url, DATA_DIR: folder };
  const created = await command(['key', 'create', '--name', 'cms'], { env });
  expect([created.code, created.err]).toEqual([0, 'Save this key now. It is not shown again.\n']);
  const key = created.out.trim();
  const port = await freePort();
  const service = spawn(process.execPath, [MAIN, 'serve', '--workers', '2', '--port', String(port)], {
    env: childEnvironment({ ...env, HOST: '127.0.0.1', METRICS_PORT: 'off' }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(service, 'exit');
  onTestFinished(async () => {
    service.kill('SIGTERM');
    await ended;
  });
  await once(service.stdout, 'data'); // the line that says where it serves
  const other = await startReplica(url);
  expect((await other.put('a')).status).toBe(201);
  const put = () =>
    ask(port, '/api/articles/b', {
      method: 'PUT',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(record({ id: 'b', url: '/b', sections: ['World'] })),
    });
  expect((await put()).status).toBe(201);
  for (let request = 0; request < 6; request += 1) {
    await eventually(async () => {
      const { text } = await ask(port, '/feeds/latest.rss'); // either process
      expect([text.includes('/a</link>'), text.includes('/b</link>')]).toEqual([true, true]);
    });
  }

  // Addresses of an earlier system have maps, which the log must keep.
  const changed = `${PUBLICATION.replace('Test', 'New')}redirects:\n  - { from: "/rss.php?rubrik={slug}", to: "section/{slug}" }\n`;
  await writeFile(join(other.dataFolder, 'publication.yaml'), changed);
  await other.reload(loadPublication(other.dataFolder));
  // Connections, which the system spreads over the processes.
  const answers = (path: string) => Promise.all(Array.from({ length: 20 }, () => ask(port, path)));
  await eventually(async () => {
    const titles = (await answers('/feeds/latest.json')).map(({ text }) => JSON.parse(text).title);
    expect(new Set(titles)).toEqual(new Set(['The New Post']));
  });
  const moved = await answers('/rss.php?rubrik=world');
  expect(new Set(moved.map(({ headers }) => headers.location))).toEqual(new Set(['feeds/section/world.rss']));

  const [, id = ''] = key.split('_');
  const revoked = await command(['key', 'revoke', id], { env });
  expect([revoked.code, revoked.err]).toEqual([0, `The key ${id} is revoked. The API refuses it now.\n`]);
  await eventually(async () => expect((await put()).status).toBe(401));
  const refused = await command(['key', 'create', '--name', 'other'], { env: { DATA_DIR: folder } });
  expect(refused.err).toContain('The store is that of a replica: it changes through its database alone.');
});
