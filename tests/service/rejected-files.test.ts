import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rememberRejectedFile, removeRejectedRecords } from '../../src/service/rejected-files.ts';
import { dataFolder, put } from '../helpers.ts';

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
  for (const [name, content] of Object.entries(files)) await put(elsewhere, name, content);
  await put(folder, 'rejected-7.ndjson', MINE + OTHER);
  await put(folder, 'export.ndjson', MINE);

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

test('a file is remembered once, and only the latest of very many', async () => {
  const store = settings();
  for (let index = 0; index < 300; index += 1) await rememberRejectedFile(store, `/x/${index % 250}`);
  const known: string[] = JSON.parse((await store.setting('rejected-files')) ?? '[]');
  expect([known.length, new Set(known).size]).toEqual([200, 200]);
});
