import { spawn } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { loadPublication } from '../../src/config/publication.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { folderTarget } from '../../src/service/site/folder-target.ts';
import { s3Target } from '../../src/service/site/s3-target.ts';
import { writeSite } from '../../src/service/site/write-site.ts';
import {
  type Answer,
  ask,
  childEnvironment,
  dataFolder,
  listen,
  makeFolder,
  PUBLICATION,
  put,
  type Running,
  record,
  serving,
} from '../helpers.ts';
import { keyFor } from '../http/api.ts';
import { RUN } from '../soak/sizes.ts';
import { CREDENTIALS, type S3Server, startS3 } from './site/s3-server.ts';
import { exporter, filesIn, textsIn } from './site/site.ts';

const MAIN = join(import.meta.dirname, '../../src/start.js');
/** Without pages, an export takes a third of the time. */
const SMALL = `${PUBLICATION}pages: off\n`;
const NOW = Date.parse('2026-11-30T12:00:00Z');
const HOUR = 3_600_000;
/** Milliseconds for what takes longer on a busy machine. */
const PATIENCE = { timeout: 60_000, interval: 20 };

interface Newsroom extends Running {
  readonly key: string;
  readonly change: (method: string, id: string, fields?: Readonly<Record<string, unknown>>) => Promise<Answer>;
  readonly outbox: () => Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Waits until the site has every change up to the call. */
  readonly whenPublished: () => Promise<unknown>;
}

/** A service that keeps a site up to date, and a client of its API. */
async function newsroom(folder: string, options: Parameters<typeof serving>[1]): Promise<Newsroom> {
  const { key } = await keyFor(folder);
  const running = await serving(folder, options);
  const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
  const outbox = async () => JSON.parse((await ask(running.port, '/api/outbox', { headers })).text).targets;
  return {
    ...running,
    key,
    outbox,
    change: (method, id, fields) =>
      ask(running.port, `/api/articles/${id}`, {
        ...{ method, headers },
        ...(fields === undefined ? {} : { body: JSON.stringify(record({ id, url: `/${id}`, ...fields })) }),
      }),
    whenPublished: () =>
      vi.waitFor(async () => expect(await outbox()).toMatchObject([{ state: 'up to date' }]), PATIENCE),
  };
}

/** The files of a site without its manifest, whose dates tell when a document was looked at. */
async function bytesOf(site: string): Promise<Record<string, string>> {
  const files = (await filesIn(site)).filter((file) => !file.startsWith('manifest') && !file.startsWith('.feed'));
  const entries = files.map(async (file) => [file, (await readFile(join(site, file))).toString('base64')] as const);
  return Object.fromEntries(await Promise.all(entries));
}

let exports = 0;

/** The files of an export into a new folder. */
async function freshExport(folder: string, { now, version }: { readonly now: number; readonly version: string }) {
  exports += 1;
  const site = join(folder, `fresh-${exports}`);
  const opened = openDataFolder(folder);
  try {
    await writeSite({ folder: opened, target: folderTarget(site), version, now: () => now, log: listen().log.log });
    return await bytesOf(site);
  } finally {
    await opened.store.close();
  }
}

const story = (id: string, fields: Readonly<Record<string, unknown>> = {}) =>
  JSON.stringify(record({ id, url: `/${id}`, title: `Story ${id}`, publishedAt: hoursFrom(-20), ...fields }));

const hoursFrom = (hours: number) => new Date(NOW + hours * HOUR).toISOString();

describe('a site that the service keeps up to date', () => {
  let folder: string;
  let site: string;
  let service: Newsroom;
  let ahead = NOW - Date.now();
  const now = () => Date.now() + ahead;
  beforeAll(async () => {
    folder = await makeFolder({
      'publication.yaml': `${PUBLICATION}entries: 2\n`,
      'articles/gone.json': story('gone', { body: '<p>A wrong accusation.</p>' }),
      'articles/embargoed.json': story('embargoed', { title: 'Tomorrow’s news', embargoUntil: hoursFrom(1) }),
      'articles/old.json': story('old', { publishedAt: hoursFrom(-46.5) }),
      'articles/older.json': story('older', { publishedAt: hoursFrom(-100) }),
      'media/picture.png': 'a picture',
    });
    site = join(folder, 'site');
    service = await newsroom(folder, { now, site: { site } });
    await service.whenPublished();
  });
  afterAll(async () => {
    await service.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Sets the clock. The service looks at it when another process writes into the store. */
  async function setClock(to: number): Promise<void> {
    ahead = to - Date.now();
    const { store } = openDataFolder(folder);
    await store.saveSetting('a test', String(to));
    await store.close();
  }

  const filesWith = async (text: string) =>
    Object.entries(await textsIn(site)).flatMap(([file, content]) => (content.includes(text) ? [file] : []));
  const sameAsFresh = async () =>
    expect(await bytesOf(site)).toEqual(await freshExport(folder, { now: now(), version: '0.0.0' }));

  test('has a story that was put, and nothing of a story that was withdrawn', async () => {
    expect((await filesWith('accusation')).length).toBeGreaterThan(5);
    await service.change('PUT', 'new', {
      title: 'A new one',
      publishedAt: hoursFrom(-1),
      body: '<p><img src="/media/picture.png" alt=""></p>',
    });
    expect((await service.change('DELETE', 'gone')).status).toBe(200);
    await service.whenPublished();
    expect(await filesWith('accusation')).toEqual([]);
    expect(await filesWith('A new one')).toContain('feeds/latest.json');
    expect(await readFile(join(site, 'media/picture.png'), 'utf8')).toBe('a picture');
    expect(await filesWith('Tomorrow’s')).toEqual([]);
    await sameAsFresh();
  });

  test('has a story under embargo at its end', async () => {
    await setClock(NOW + HOUR);
    await vi.waitFor(async () => expect(await filesWith('Tomorrow’s')).toContain('feeds/latest.rss.gz'), PATIENCE);
    await service.whenPublished();
    await sameAsFresh();
  });

  test('changes with time alone', async () => {
    expect(await service.outbox()).toMatchObject([{ due: '2026-11-30T13:30:00Z' }]); // news is two days old at most
    expect(await filesWith('Story old')).toContain('news-sitemap.xml');
    const before = service.told.length;
    await setClock(NOW + 1.5 * HOUR);
    const exported = () => service.told.slice(before).filter(({ target }) => target === `site:${site}`);
    await vi.waitFor(() => expect(exported()).toMatchObject([{ feeds: 0 }]), PATIENCE);
    expect(await filesWith('Story old')).not.toContain('news-sitemap.xml');
  });

  test('follows another publication', async () => {
    await put(folder, 'publication.yaml', `${PUBLICATION.replace('Test Post', 'Other Post')}entries: 2\n`);
    await service.reload(loadPublication(folder));
    await service.whenPublished();
    expect((await textsIn(site))['feeds/latest.rss']).toContain('<title>The Other Post</title>');
    await sameAsFresh();
  });
});

const NEWSROOM = { 'publication.yaml': SMALL, 'articles/a.json': JSON.stringify(record()) };

/** A newsroom whose site is in storage, where nothing is stored beyond the first objects. */
async function storing({ most = 0 } = {}) {
  const server = await startS3('paper');
  server.most = most;
  const folder = await dataFolder(NEWSROOM);
  const storage = { ...CREDENTIALS, endpoint: server.endpoint };
  const settings = { now: Date.now, site: { site: 's3://paper/site', storage } };
  /** Waits until an export waits for the storage. */
  const whenHeld = () =>
    vi.waitFor(() => {
      expect(server.objects.size).toBeGreaterThanOrEqual(most);
      expect(server.requests.filter((line) => line.startsWith('PUT')).length).toBeGreaterThan(server.objects.size);
    }, PATIENCE);
  return { server, folder, settings, whenHeld };
}

/** The process that exports a site, by its lock. */
async function exporterIn(folder: string): Promise<number> {
  const locks = join(folder, 'store/site');
  const [lock = ''] = (await readdir(locks)).filter((name) => name.endsWith('.lock'));
  return Number.parseInt(await readFile(join(locks, lock), 'utf8'), 10);
}

/** Of a test that takes too long for every run. */
const soakTest = RUN === 'short' ? undefined : test;

test('readers are answered while a site is exported, and what changes meanwhile is one more export', async () => {
  const { server, folder, settings, whenHeld } = await storing();
  const service = await newsroom(folder, settings);
  onTestFinished(() => service.close());
  await whenHeld();
  for (let number = 1; number <= 5; number += 1) {
    expect((await service.change('PUT', `s${number}`, { title: `Story ${number}` })).status).toBe(201);
    expect((await ask(service.port, '/feeds/latest.json')).text).toContain(`Story ${number}`);
  }
  const target = 's3://paper/site/';
  expect(await service.outbox()).toMatchObject([{ target, kind: 'publish', state: 'pending', failures: 0 }]);
  expect(server.objects.size).toBe(0);
  server.release();
  await service.whenPublished();
  expect(String(server.objects.get('site/feeds/latest.json')?.bytes)).toContain('Story 5');
  expect(service.told.filter(({ msg }) => msg.startsWith(`${target} is up to date`))).toHaveLength(2);
  expect(JSON.stringify(service.told)).not.toContain(CREDENTIALS.secret);
});

test('a site that cannot be written is tried again, and everybody can see why', async () => {
  const folder = await dataFolder({ ...NEWSROOM, file: 'in the way' });
  const site = join(folder, 'file/site');
  const service = await newsroom(folder, { now: Date.now, site: { site } });
  onTestFinished(() => service.close());
  const reason = `${site} cannot be written: a part of its path is a file, not a folder (ENOTDIR). Check the folder, its permissions and the room on its disk.`;
  const failing = [{ state: 'failing', lastError: reason }];
  await vi.waitFor(async () => expect(await service.outbox()).toMatchObject(failing), PATIENCE);
  expect((await service.readStatus()).outbox).toMatchObject([{ target: `site:${site}`, lastError: reason }]);
  await rm(join(folder, 'file'));
  await service.whenPublished();
  expect(await textsIn(site)).toHaveProperty(['feeds/latest.rss']);
  const lines = service.lines.filter((line) => line.startsWith(`site:${site}`));
  expect(lines[0]).toContain(`was not told of changes: ${reason} The next attempt is at `);
  expect(lines.at(-1)).toMatch(
    / is up to date \(\d+ documents written, \d+ unchanged, 0 removed\) after \d+ attempts that failed\.$/,
  );
});

test('a service that is killed in an export takes the export with it, and the next start goes on', async () => {
  const { server, folder, settings, whenHeld } = await storing({ most: 15 });
  const child = spawn(process.execPath, [MAIN, '--data', folder, '--port', '0', '--host', '127.0.0.1'], {
    env: childEnvironment({
      ...{ METRICS_PORT: 'off', PUBLIC_URL: 'https://feeds.news.example/', SITE: settings.site.site },
      AWS_ENDPOINT_URL: server.endpoint,
      ...{ AWS_REGION: CREDENTIALS.region, AWS_ACCESS_KEY_ID: CREDENTIALS.keyId },
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secret,
    }),
    stdio: 'ignore',
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await whenHeld();
  const pid = await exporterIn(folder);
  expect(() => process.kill(pid, 0)).not.toThrow();
  child.kill('SIGKILL');
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), PATIENCE);
  expect(server.objects.has('site/feeds.opml')).toBe(false); // it is written last
  server.release();

  const { version } = packageJson;
  const service = await newsroom(folder, { ...settings, version });
  onTestFinished(() => service.close());
  await service.whenPublished();
  const fresh = await startS3('paper');
  const copy = await dataFolder(NEWSROOM);
  const lockFolder = join(copy, 'store/site');
  const storage = { ...settings.site.storage, endpoint: fresh.endpoint, lockFolder };
  await exporter(copy, () => s3Target('s3://paper/site', storage)).write({ version, now: Date.now });
  expect(bytesIn(server)).toEqual(bytesIn(fresh));
});

function bytesIn({ objects }: S3Server): Record<string, string> {
  const documents = [...objects].filter(([key]) => !key.includes('manifest'));
  return Object.fromEntries(documents.map(([key, { bytes }]) => [key, bytes.toString('base64')]));
}

soakTest?.('another publication ends an export that was made with the one before', { tags: ['soak'] }, async () => {
  const { server, folder, settings, whenHeld } = await storing();
  const service = await newsroom(folder, settings);
  onTestFinished(() => service.close());
  await whenHeld();
  await put(folder, 'publication.yaml', SMALL.replace('Test Post', 'Other Post'));
  await service.reload(loadPublication(folder));
  server.release();
  await vi.waitFor(() => expect(service.lines.join()).toContain('Another publication was put in force'), PATIENCE);
  await service.whenPublished();
  const latest = [...server.objects].filter(
    ([key]) => key.startsWith('site/feeds/latest.') && /rss|atom|json/.test(key),
  );
  const plain = latest.filter(([key]) => !/\.(gz|br|zst)$/.test(key)).map(([, { bytes }]) => String(bytes));
  expect(plain.map((text) => [text.includes('Other Post'), text.includes('Test Post')])).toEqual(
    Array.from({ length: 3 }, () => [true, false]),
  );
});

soakTest?.('a stop ends an export, and is no failure', { tags: ['soak'] }, async () => {
  const { folder, settings, whenHeld } = await storing();
  const service = await newsroom(folder, settings);
  await whenHeld();
  const pid = await exporterIn(folder);
  await service.close();
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(service.lines).toEqual([]);
  const { store } = openDataFolder(folder);
  expect(await store.outbox()).toMatchObject([{ failures: 0 }]);
  await store.close();
});
