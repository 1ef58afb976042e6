import { execFile } from 'node:child_process';
import { mkdtemp, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import { createKey } from '../../src/publish/api-keys.ts';
import { openDataFolder, storeFile } from '../../src/service/data-folder.ts';
import { PUBLICATION, put, record } from '../helpers.ts';
import { partnerKey } from '../http/partners.ts';
import { type Program, startProgram } from '../soak/crash/program.ts';

const execFileAsync = promisify(execFile);

const SIZE = 6 * 1024 * 1024;

/** A data folder on a small disk of its own. Skips the test if no disk can be mounted. */
async function smallDisk(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'feed-publisher-disk-'));
  try {
    await execFileAsync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', folder]);
  } catch (error) {
    await rm(folder, { recursive: true });
    if (process.env.REQUIRE_PEERS === '1') throw error;
    context.skip(`a tmpfs cannot be mounted here: ${error instanceof Error ? error.message.trim() : error}`);
  }
  onTestFinished(async () => {
    await execFileAsync('umount', ['--lazy', folder]);
    await rm(folder, { recursive: true });
  });
  await put(folder, 'publication.yaml', PUBLICATION);
  return folder;
}

async function newKey(folder: string): Promise<string> {
  const { store } = openDataFolder(folder);
  const { key } = await createKey(store, 'disk', 'write', Date.now());
  await store.close();
  return key;
}

/** Fills the disk with one file. */
async function takeAllRoom(folder: string): Promise<string> {
  const ballast = join(folder, 'ballast');
  const { bavail, bsize } = await statfs(folder);
  await writeFile(ballast, Buffer.alloc(bavail * bsize)).catch(() => {});
  return ballast;
}

function article(number: number): string {
  return JSON.stringify(record({ id: `a${number}`, url: `/${number}`, body: `<p>${`${number} `.repeat(4000)}</p>` }));
}

function putArticle(program: Program, number: number) {
  return program.ask(`/api/articles/a${number}`, { method: 'PUT', body: article(number) });
}

/** PUTs new articles until one is refused. Returns how many were accepted, and the answer to the refused one. */
async function putUntilFull(program: Program, from = 0) {
  for (let number = from; number < 10_000; number += 1) {
    const answer = await putArticle(program, number);
    if (answer.status !== 201) return { count: number, answer };
  }
  throw new Error('the disk is never full');
}

async function idsThere(program: Program): Promise<string[]> {
  const { text } = await program.ask('/api/articles?limit=500');
  const { articles } = JSON.parse(text) as { articles: { id: string; record: { body: string } }[] };
  for (const { id, record: kept } of articles) expect(kept.body).toContain(`${id.slice(1)} ${id.slice(1)} `);
  return articles.map(({ id }) => id);
}

function ids(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `a${number}`);
}

const NO_ROOM = {
  title: 'The disk is full: no part of the change was kept.',
  status: 507,
  code: 'insufficient_storage',
  detail: 'Free some space on the disk and send the change again.',
};

test('on a full disk, changes get 507 and feeds are served; with room, changes are accepted again', async (context) => {
  const folder = await smallDisk(context);
  await writeFile(join(folder, 'old.log'), Buffer.alloc(1024 * 1024));
  const key = await newKey(folder);
  const program = await startProgram({ dataFolder: folder, key });
  const { count, answer } = await putUntilFull(program);

  expect({ status: answer.status, problem: JSON.parse(answer.text) }).toEqual({ status: 507, problem: NO_ROOM });
  expect(count).toBeGreaterThan(20);
  // Reading goes on, also of a document that was never rendered before.
  expect(await idsThere(program)).toEqual(ids(count));
  const { status, text } = await program.ask('/feeds/latest.json');
  expect([status, JSON.parse(text).items.length]).toEqual([200, Math.min(count, 50)]);
  expect(JSON.parse((await program.ask(`/api/articles/a${count - 1}`)).text)).toMatchObject({ revision: count });
  expect((await program.ask(`/api/articles/a${count}`)).status).toBe(404);
  // The service is not stuck: it tries every change.
  expect((await putArticle(program, count)).status).toBe(507);
  const serviceStatus = async () => JSON.parse((await program.ask('/api/status')).text);
  const full = await serviceStatus();
  expect(full.needs.disk).toMatch(
    /^The disk was full at the last change, which was refused: \d MB are free\. Make room\.$/,
  );
  expect(full.traffic.answers).toMatchObject({ serverErrors: 2 });

  await rm(join(folder, 'old.log'));
  const again = await putArticle(program, count);
  const { id, result, revision } = JSON.parse(again.text);
  expect([again.status, id, result, revision]).toEqual([201, `a${count}`, 'created', count + 1]);
  const { needs, traffic } = await serviceStatus();
  expect(needs.disk).toMatch(/^The disk is nearly full: /); // a disk this small always is
  expect([traffic.answers.serverErrors, traffic.answers.other]).toEqual([2, count + 1]); // no figure was lost
  expect(await idsThere(program)).toEqual(ids(count + 1));
  expect((await program.ask('/feeds/latest.rss')).text).toContain(`>${`tag:news.example,2026:a${count}`}<`);

  await program.kill();
  const next = await startProgram({ dataFolder: folder, key });
  expect(await idsThere(next)).toEqual(ids(count + 1));
  expect(next.said()).toBe('');
});

test('on a full disk, a bulk request gets the reason for every line that is not saved', async (context) => {
  const folder = await smallDisk(context);
  const key = await newKey(folder);
  const program = await startProgram({ dataFolder: folder, key });
  const { count } = await putUntilFull(program);
  const { status, text } = await program.ask('/api/articles', { method: 'POST', body: `${article(count)}\n` });

  const { title, code } = NO_ROOM;
  const refused = { line: 1, result: 'refused', code, title, problems: [] };
  const totals = { created: 0, updated: 0, unchanged: 0, refused: 1, adjusted: 0, warned: 0 };
  expect([status, text]).toEqual([200, `${JSON.stringify(refused)}\n${JSON.stringify({ totals })}\n`]);
});

test('on a full disk, partners get their answers, which are recorded when there is room', async (context) => {
  const folder = await smallDisk(context);
  await put(folder, 'partners/wire.yaml', 'name: Wire\ndialect: plain\nfeeds: [latest]\n');
  const key = await newKey(folder);
  const wire = await partnerKey(folder, 'wire');
  const program = await startProgram({ dataFolder: folder, key });
  expect((await putArticle(program, 0)).status).toBe(201);
  const fetchFeed = async () => (await program.ask(`/partners/wire/${wire.key}/latest.rss`)).status;
  const recorded = async () =>
    JSON.parse((await program.ask('/api/partners/wire/deliveries')).text).deliveries.length as number;
  expect(await fetchFeed()).toBe(200);
  await expect.poll(recorded).toBe(1);

  const ballast = await takeAllRoom(folder);
  await expect.poll(program.said).toContain('Deliveries to partners wait in memory: ');
  expect([await fetchFeed(), await fetchFeed(), await recorded()]).toEqual([200, 200, 1]);
  await rm(ballast);
  await expect.poll(recorded).toBe(3);
  expect(program.said().match(/wait in memory/g)).toHaveLength(1);

  await takeAllRoom(folder);
  await expect.poll(() => program.said().match(/wait in memory/g)?.length).toBe(2);
  expect(await fetchFeed()).toBe(200);
  await program.kill(); // what waited in memory is lost
  await rm(ballast);
  const next = await startProgram({ dataFolder: folder, key });
  expect((await next.ask('/api/articles/a0', { method: 'DELETE' })).status).toBe(200);
  const { gaps } = JSON.parse((await next.ask('/api/partners/wire/deliveries')).text);
  expect(gaps).toHaveLength(1);
});

test('on a full disk, the service starts although a file has changed, and publishes it when there is room', async (context) => {
  const folder = await smallDisk(context);
  const file = (title: string) => JSON.stringify(record({ title, body: `<p>${`${title} `.repeat(20_000)}</p>` }));
  await put(folder, 'articles/a.json', file('First'));
  await writeFile(join(folder, 'old.log'), Buffer.alloc(1024 * 1024));
  const key = await newKey(folder);
  const program = await startProgram({ dataFolder: folder, key });
  await writeFile(join(folder, 'articles/.next'), file('Other'));
  await putUntilFull(program);
  await program.kill();
  await rename(join(folder, 'articles/.next'), join(folder, 'articles/a.json'));
  await takeAllRoom(folder);
  const next = await startProgram({ dataFolder: folder, key });
  const title = async () => JSON.parse((await next.ask('/api/articles/a')).text).record.title;

  expect(await title()).toBe('First');
  expect((await next.ask('/feeds/latest.rss')).status).toBe(200);
  await rm(join(folder, 'old.log'));
  await expect.poll(title).toBe('Other');
});

test('after a kill on a full disk, the service starts again with everything', async (context) => {
  const folder = await smallDisk(context);
  const key = await newKey(folder);
  const program = await startProgram({ dataFolder: folder, key });
  const { count } = await putUntilFull(program);
  await takeAllRoom(folder);
  await program.kill();
  const next = await startProgram({ dataFolder: folder, key });

  expect(await idsThere(next)).toEqual(ids(count));
  expect((await next.ask('/feeds/latest.atom')).status).toBe(200);
  expect(JSON.parse((await putArticle(next, count + 100)).text)).toEqual(NO_ROOM);
});

test('a store that cannot be opened for lack of room is reported, and keeps its articles', async (context) => {
  const folder = await smallDisk(context);
  const key = await newKey(folder);
  const program = await startProgram({ dataFolder: folder, key });
  for (let number = 0; number < 5; number += 1) expect((await putArticle(program, number)).status).toBe(201);
  await program.kill();
  const { store } = openDataFolder(folder); // closing ends the journal that the kill has left
  await store.close();
  const ballast = await takeAllRoom(folder);
  const started = await startProgram({ dataFolder: folder, key }).catch((error: Error) => error.message);
  const said = typeof started === 'string' ? started : `it serves: ${started.said()}`;

  // SQLite reports this if it cannot extend a file.
  expect(said).toBe(
    `the service ended with 1: The store ${storeFile(folder)} cannot be opened.\nThe disk is full or reports errors: make room, and check the disk (disk I/O error).\n`,
  );

  await rm(ballast);
  expect(await idsThere(await startProgram({ dataFolder: folder, key }))).toEqual(ids(5));
});
