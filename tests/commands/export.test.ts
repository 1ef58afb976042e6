import { execFile } from 'node:child_process';
import { chmod, cp, readdir, readFile, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { FORMATS, feedPath } from '../../src/feed/feeds.ts';
import { createKey } from '../../src/publish/api-keys.ts';
import { openDataFolder, storeFile } from '../../src/service/data-folder.ts';
import { ask, dataFolder, PUBLICATION, put, type Running, record, start } from '../helpers.ts';
import { overwriteTables } from '../store/overwritten.ts';
import { command } from './terminal.ts';

const run = promisify(execFile);

const SAMPLE = join(import.meta.dirname, '../../data');

/** After every change in the sample newsroom and the tests. */
const NOW = Date.parse('2026-12-24T12:00:00Z');

/** What cleaning reports of the samples: the columns of their tables lose their alignment. */
const ADJUSTED = 'Adjustments: 10 attributes_removed\n';
const ALIGNMENTS = /^(?:\S+: body: removed \d+ attributes: style .*\n)+$/;

/** Copies parts of the sample newsroom into a folder. */
async function sample(parts: readonly string[]): Promise<string> {
  const folder = await dataFolder();
  for (const part of ['publication.yaml', 'media', ...parts]) {
    await cp(join(SAMPLE, part), join(folder, part), { recursive: true });
  }
  return folder;
}

/** Returns every document of a service by feed and format: status, tag and text. */
async function documents({ port, dataFolder: folder }: Running): Promise<Record<string, string>> {
  const { store } = openDataFolder(folder);
  const feeds = await store.feeds(NOW);
  await store.close();
  const answers: Record<string, string> = {};
  for (const { key } of feeds) {
    for (const format of FORMATS) {
      const { status, headers, text } = await ask(port, `/${feedPath(key, format)}`);
      answers[`${key}.${format}`] = `${status} ${headers.etag}\n${text}`;
    }
  }
  return answers;
}

async function newsroomWithHistory(): Promise<{ folder: string; service: Running }> {
  const folder = await sample(['articles']);
  const { store } = openDataFolder(folder);
  const { key } = await createKey(store, 'test', 'write', NOW);
  await store.close();
  await put(
    folder,
    'old.rss',
    `<rss version="2.0"><channel><title>Old</title><link>https://old.example/</link><description>Old</description>
<item><title>From before</title><link>https://old.example/before</link><guid isPermaLink="false">before #1</guid>
<pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate><description>It was there already.</description></item></channel></rss>`,
  );
  expect((await command(['import', '--data', folder, join(folder, 'old.rss')])).code).toBe(0);
  let now = NOW - 86_400_000;
  const service = await start(folder, { now: () => now });
  const headers = { authorization: `Bearer ${key}` };
  const send = async (method: string, path: string, body?: unknown) => {
    now += 61_000;
    const question = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
    const { status, text } = await ask(service.port, `/api/articles/${path}`, question);
    expect([200, 201], text).toContain(status);
  };
  const made = { sections: ['Culture', 'culture'], tags: ['Radio'], language: 'ckb', authors: [{ name: 'Rojin Q' }] };
  await send('PUT', 'made', record({ id: 'made', ...made }));
  await send('PUT', 'deep/in%20there', record({ id: 'deep/in there', title: 'Ünï & <b>', url: '/x' }));
  await send('PUT', 'made', record({ id: 'made', ...made, sections: ['Climate'], updatedAt: '2026-11-20T12:00:00Z' }));
  await send('PUT', 'taken', record({ id: 'taken', tags: ['Radio', 'water'] }));
  await send('DELETE', 'taken?reason=It%20was%20%3Cwrong%3E');
  await send('PUT', 'back', record({ id: 'back', tags: ['Radio'] }));
  await send('DELETE', 'back');
  await send('PUT', 'back', record({ id: 'back', tags: ['Radio'] }));
  await send('PUT', 'later', record({ id: 'later', tags: ['Tomorrow'], embargoUntil: '2027-01-01T00:00:00Z' }));
  await send('DELETE', 'later');
  await send('PUT', 'brief', record({ id: 'brief', tags: ['Brief'], expiresAt: '2026-11-21T10:00:00Z' }));
  await send('DELETE', 'en/oud-maker?reason=Names');
  now = NOW;
  const clock = vi.spyOn(Date, 'now').mockReturnValue(NOW); // the clock of the commands
  onTestFinished(() => clock.mockRestore());
  return { folder, service };
}

test('imported into an empty store, an export gives the same documents and tags, byte for byte', async () => {
  const { folder, service } = await newsroomWithHistory();
  const before = await documents(service);
  const file = join(folder, 'all.ndjson');
  const exported = await command(['export', '--data', folder, file]);
  const other = await sample([]);
  const imported = await command(['import', '--data', other, '--rejected', join(other, 'rejected.ndjson'), file]);
  const count = (await readFile(file, 'utf8')).trim().split('\n').length;
  const after = await documents(await start(other, { now: () => NOW }));

  expect(exported).toEqual({ code: 0, out: '', err: `${count} articles exported to ${file}\n`, drawn: '' });
  expect(imported).toEqual({
    code: 0,
    out: `${count} created, 0 updated, 0 unchanged, 0 refused\n${ADJUSTED}`,
    err: expect.stringMatching(ALIGNMENTS),
    drawn: '',
  });
  expect(Object.keys(before).length).toBeGreaterThan(100);
  expect(Object.keys(after)).toEqual(Object.keys(before));
  expect(Object.keys(before).filter((name) => before[name] !== after[name])).toEqual([]);
  expect(before['latest.rss']).toContain('>before #1</guid>');
  expect(before['tag/radio.atom']).toContain('<at:deleted-entry');

  // The exports of both stores are the same.
  await command(['export', '--data', other, join(other, 'all.ndjson')]);
  expect(await readFile(join(other, 'all.ndjson'), 'utf8')).toBe(await readFile(file, 'utf8'));
});

/** The documents of a feed from the current one to its oldest page, and all of its items. */
async function walk({ port }: Running): Promise<{ texts: string[]; items: string[] }> {
  const texts: string[] = [];
  for (let path: string | undefined = '/feeds/latest.rss'; path !== undefined; ) {
    const { text } = await ask(port, path);
    texts.push(text);
    path = /rel="prev-archive"[^>]* href="https:\/\/feeds\.news\.example([^"]+)"/.exec(text)?.[1];
  }
  const items = new Set(texts.flatMap((text) => text.match(/<item>[\s\S]*?<\/item>/g) ?? []));
  return { texts, items: [...items].sort() };
}

test('an export keeps a long history, of which the new store may number the pages otherwise', async () => {
  const yaml = { 'publication.yaml': `${PUBLICATION}entries: 2\n` };
  const at = (hour: number) => new Date(NOW - (100 - hour) * 3_600_000).toISOString();
  const story = (hour: number) => record({ id: `s${hour}`, url: `/s${hour}`, publishedAt: at(hour) });
  const folder = await dataFolder(yaml);
  const { store } = openDataFolder(folder);
  const { key } = await createKey(store, 'test', 'write', NOW);
  await store.close();
  const service = await start(folder, { now: () => NOW });
  const headers = { authorization: `Bearer ${key}` };
  const hours = [10, 20, 30, 40, 50, 60, 11, 12, 13, 14, 70]; // four of them come late: the oldest page is divided
  for (const hour of hours)
    await ask(service.port, `/api/articles/s${hour}`, { method: 'PUT', headers, body: JSON.stringify(story(hour)) });
  await ask(service.port, '/api/articles/s20', { method: 'DELETE', headers });
  const before = await walk(service);
  const clock = vi.spyOn(Date, 'now').mockReturnValue(NOW); // the clock of the commands
  onTestFinished(() => clock.mockRestore());
  const file = join(folder, 'all.ndjson');
  await command(['export', '--data', folder, file]);
  const other = await dataFolder(yaml);
  await command(['import', '--data', other, file]);
  const after = await walk(await start(other, { now: () => NOW }));

  expect([before.items.length, after.items]).toEqual([hours.length - 1, before.items]);
  const numbers = (texts: readonly string[]) =>
    texts.map((text) => /\/archive\/(\d+)\.rss" rel="self"/.exec(text)?.[1]);
  expect(numbers(after.texts)).not.toEqual(numbers(before.texts));
  const [first, second] = [before, after].map(({ texts }) => texts[0]?.replace(/archive\/\d+/g, ''));
  expect(first).toBe(second);
});

test('imported where it comes from, an export changes nothing', async () => {
  const { folder } = await newsroomWithHistory();
  const file = join(folder, 'all.ndjson');
  await command(['export', '--data', folder, file]);
  const count = (await readFile(file, 'utf8')).trim().split('\n').length;
  const { code, out, err } = await command(['import', '--data', folder, file]);

  expect([code, out]).toEqual([0, `0 created, 0 updated, ${count} unchanged, 0 refused\n${ADJUSTED}`]);
  expect(err).toMatch(ALIGNMENTS);
});

test('a damaged store is reported as such, and the file is kept', async () => {
  const folder = await dataFolder({ 'in/a.json': JSON.stringify(record()) });
  await command(['import', '--data', folder, join(folder, 'in')]);
  await overwriteTables(storeFile(folder));
  await put(folder, 'out.ndjson', 'the last good one');
  const { code, out, err } = await command(['export', '--data', folder, join(folder, 'out.ndjson')]);

  expect([code, out]).toEqual([1, '']);
  expect(await readFile(join(folder, 'out.ndjson'), 'utf8')).toBe('the last good one');
  expect((await readdir(folder)).filter((name) => name.includes('part'))).toEqual([]);
  expect(err).toMatch(
    /^The store is damaged: SQLite reports “.+”\.\nStop the service and run the command verify\. Then run .+\.\n$/,
  );
});

test('a new export replaces the last one behind a link, with the same permissions', async () => {
  const folder = await dataFolder({ 'in/a.json': JSON.stringify(record()), 'backups/all.ndjson': 'the last one' });
  await command(['import', '--data', folder, join(folder, 'in')]);
  const kept = join(folder, 'backups/all.ndjson');
  await chmod(kept, 0o600);
  await symlink(kept, join(folder, 'all.ndjson'));
  const { code } = await command(['export', '--data', folder, join(folder, 'all.ndjson')]);

  expect([code, JSON.parse(await readFile(kept, 'utf8')).id]).toEqual([0, 'a']);
  expect((await stat(kept)).mode & 0o777).toBe(0o600);
  expect(await readdir(join(folder, 'backups'))).toEqual(['all.ndjson']);
});

test('an export can be written to a named pipe', async () => {
  const folder = await dataFolder({ 'in/a.json': JSON.stringify(record()) });
  await command(['import', '--data', folder, join(folder, 'in')]);
  const pipe = join(folder, 'pipe');
  await run('mkfifo', [pipe]);
  const reading = run('cat', [pipe]);
  const { code } = await command(['export', '--data', folder, pipe]);

  expect([code, JSON.parse((await reading).stdout).id]).toEqual([0, 'a']);
});
