import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { articleText } from '../../src/article/stored.ts';
import { completeErasures, createEraser } from '../../src/service/erasure.ts';
import { rememberRejectedFile, removeErasedSince, removeRejectedRecords } from '../../src/service/rejected-files.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { article, dataFolder, put as write } from '../helpers.ts';

const A = { id: 'a', publicId: 'tag:news.example,2026:a' };
const MINE = '{"id":"a","title":5}\n';
const OTHER = '{"id":"ab","title":"names \\"a\\" in its text"}\n';
/** A process that cannot exist: Linux numbers up to 2^22. */
const NO_PROCESS = 99_999_999;

function settings() {
  const values = new Map<string, string>();
  return {
    setting: async (name: string) => values.get(name),
    saveSetting: async (name: string, value: string) => void values.set(name, value),
  };
}

test('the lines of an article go, wherever an import wrote them, and the others stay as they were', async () => {
  const folder = await dataFolder();
  const elsewhere = await dataFolder();
  const store = settings();
  await rememberRejectedFile(store, join(elsewhere, 'list.txt'));
  await rememberRejectedFile(store, join(elsewhere, 'missing/list.txt'));
  const files: Record<string, string> = {
    'list.txt': MINE + OTHER,
    'list-2.txt': `${OTHER}\n${MINE}`,
    'list-10.txt': MINE,
    [`list.txt.${NO_PROCESS}.part`]: OTHER + MINE,
    'list.txt.bak': MINE,
    'list-x.txt': MINE,
  };
  for (const [name, content] of Object.entries(files)) await write(elsewhere, name, content);
  await write(folder, 'rejected-7.ndjson', MINE + OTHER);
  await write(folder, 'export.ndjson', MINE);

  expect(await removeRejectedRecords(store, folder, [A])).toEqual([]);
  const left = (await readdir(elsewhere)).filter((name) => name.startsWith('list'));
  const content = await Promise.all(left.map(async (name) => [name, await readFile(join(elsewhere, name), 'utf8')]));
  expect(Object.fromEntries(content)).toEqual({
    'list.txt': OTHER,
    'list-2.txt': OTHER,
    [`list.txt.${NO_PROCESS}.part`]: OTHER,
    'list.txt.bak': MINE,
    'list-x.txt': MINE,
  });
  expect(await readFile(join(folder, 'rejected-7.ndjson'), 'utf8')).toBe(OTHER);
  expect(await readFile(join(folder, 'export.ndjson'), 'utf8')).toBe(MINE);
});

test.each([
  ['with the id in another form', '{"id":"e\\u0301"}', { id: 'é', publicId: 'x' }],
  ['with the id as a number', '{"id":7}', { id: '7', publicId: 'x' }],
  ['with the public id', '{"id":"z","publicId":"tag:news.example,2026:a"}', A],
  ['that is not JSON and names the id', '{"id":"a","title":', A],
])('a line %s is of the article', async (_, line, article) => {
  const folder = await dataFolder({ 'rejected.ndjson': `${line}\n${OTHER}` });
  await removeRejectedRecords(settings(), folder, [article]);
  expect(await readFile(join(folder, 'rejected.ndjson'), 'utf8')).toBe(OTHER);
});

test('a file without such a line is not written', async () => {
  const folder = await dataFolder({ 'rejected.ndjson': `${OTHER}\n[]\n"a"\n{"title":` });
  const { mtimeMs, ino } = await stat(join(folder, 'rejected.ndjson'));
  await removeRejectedRecords(settings(), folder, [{ id: 'c', publicId: 'p' }]);
  expect(await stat(join(folder, 'rejected.ndjson'))).toMatchObject({ mtimeMs, ino });
});

test('a file that an import is writing is named, and left', async () => {
  const name = `rejected.ndjson.${process.pid}.part`;
  const folder = await dataFolder({ [name]: MINE });
  expect(await removeRejectedRecords(settings(), folder, [A])).toEqual([`an import writes ${join(folder, name)}`]);
  expect(await readFile(join(folder, name), 'utf8')).toBe(MINE);
});

test('what an import wrote goes at its end if the article was erased meanwhile', async () => {
  const path = await dataFolder({ 'rejected.ndjson': MINE + OTHER });
  const store = openSqliteStore(':memory:');
  onTestFinished(() => store.close());
  const made = article({ id: 'a' });
  const put = { kind: 'put', article: articleText(made), record: '{}', feeds: [], changedAt: 0 } as const;
  await store.apply([put], Date.now);
  const revision = await store.lastRevision();
  const content = () => readFile(join(path, 'rejected.ndjson'), 'utf8');

  expect([await removeErasedSince({ store, path }, revision), await content()]).toEqual([[], MINE + OTHER]);
  await store.apply([{ kind: 'erase', id: 'a' }], Date.now);
  expect([await removeErasedSince({ store, path }, revision), await content()]).toEqual([[], OTHER]);
});

test('an erasure that ended after the store had changed is completed later, once', async () => {
  const path = await dataFolder({ 'rejected.ndjson': MINE + OTHER });
  const store = openSqliteStore(':memory:');
  onTestFinished(() => store.close());
  const made = article({ id: 'a' });
  const put = { kind: 'put', article: articleText(made), record: '{}', feeds: [], changedAt: 0 } as const;
  await store.apply([put, { kind: 'erase', id: 'a' }], Date.now);

  expect(await completeErasures({ store, path })).toBeUndefined();
  expect(await readFile(join(path, 'rejected.ndjson'), 'utf8')).toBe(OTHER);
  await write(path, 'rejected.ndjson', MINE);
  expect(await completeErasures({ store, path })).toBeUndefined();
  expect(await readFile(join(path, 'rejected.ndjson'), 'utf8')).toBe(MINE); // it reads no file without a reason
});

test('a file that an erasure could not rewrite is tried again, until it is done', async () => {
  const path = await dataFolder({ 'rejected.ndjson/keep': '' });
  const store = openSqliteStore(join(path, 'store.db'));
  onTestFinished(() => store.close());
  const made = article({ id: 'a' });
  const put = { kind: 'put', article: articleText(made), record: '{}', feeds: [], changedAt: 0 } as const;
  await store.apply([put], Date.now);
  const publisher = { erase: () => store.apply([{ kind: 'erase', id: 'a' }], Date.now) };
  const { remains } = await createEraser({ path, store, publisher })([{ id: 'a' }]);
  const again = await completeErasures({ store, path });
  await rm(join(path, 'rejected.ndjson'), { recursive: true });
  await write(path, 'rejected.ndjson', MINE + OTHER);

  expect(remains).toEqual([expect.stringContaining('rejected.ndjson cannot be rewritten')]);
  expect(again).toContain('rejected.ndjson cannot be rewritten');
  expect(await completeErasures({ store, path })).toBeUndefined();
  expect(await readFile(join(path, 'rejected.ndjson'), 'utf8')).toBe(OTHER);
});

test('a file is remembered once, and only the latest of very many', async () => {
  const store = settings();
  for (let index = 0; index < 300; index += 1) await rememberRejectedFile(store, `/x/${index % 250}`);
  const known: string[] = JSON.parse((await store.setting('rejected-files')) ?? '[]');
  expect([known.length, new Set(known).size]).toEqual([200, 200]);
});
