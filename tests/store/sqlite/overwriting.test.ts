import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { articleText } from '../../../src/article/stored.ts';
import { ownKeys } from '../../../src/feed/feeds.ts';
import { openDatabase } from '../../../src/store/sqlite/database.ts';
import { createOverwriting } from '../../../src/store/sqlite/overwriting.ts';
import { createSettings } from '../../../src/store/sqlite/settings.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import { ERASED, type Put, type Store } from '../../../src/store/store.ts';
import { article, dataFolder } from '../../helpers.ts';

const NOW = Date.UTC(2026, 10, 22);
const HOUR = 60 * 60 * 1000;

async function storeFile(): Promise<string> {
  return join(await dataFolder(), 'publisher.sqlite');
}

function opened(file: string): Store {
  const store = openSqliteStore(file);
  onTestFinished(() => store.close());
  return store;
}

function raw(file: string): DatabaseSync {
  const db = new DatabaseSync(file);
  onTestFinished(() => db.close());
  return db;
}

function put(id: string, title: string, size = 2000): Put {
  const made = article({ id, title, body: `<p>${'x'.repeat(size)}</p>` });
  return { kind: 'put', article: articleText(made), record: JSON.stringify({ id, title }), feeds: ownKeys(made) };
}

/** The files beside a store that have a text. */
async function filesWith(file: string, text: string): Promise<string[]> {
  const folder = join(file, '..');
  const names = await readdir(folder);
  const files = await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const));
  return files.flatMap(([name, bytes]) => (bytes.includes(text) ? [name] : []));
}

test('every connection overwrites what it removes', async () => {
  const db = openDatabase(await storeFile());
  onTestFinished(() => db.close());
  expect(db.prepare('PRAGMA secure_delete').get()).toEqual({ secure_delete: 1 });
});

test('no earlier version of an erased article is left, whichever program wrote it', async () => {
  const file = await storeFile();
  const store = opened(file);
  await store.apply([put('a', 'Now'), put('b', 'Other')], () => NOW);
  const careless = raw(file);
  careless.exec('PRAGMA secure_delete = OFF');
  careless.exec(`UPDATE article SET record = '{"title":"Formerly${'y'.repeat(3000)}"}' WHERE id = 'a'`);
  careless.exec(`UPDATE article SET record = '{"title":"Now"}' WHERE id = 'a'`);
  careless.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  expect(await filesWith(file, 'Formerly')).toEqual(['publisher.sqlite']);

  await store.apply([{ kind: 'erase', id: 'a' }], () => NOW);
  expect(await filesWith(file, 'Formerly')).not.toEqual([]);
  expect(await store.overwriteErased()).toBeUndefined();
  expect(await filesWith(file, 'Formerly')).toEqual([]);
  expect(await filesWith(file, 'Other')).toEqual(['publisher.sqlite']);
});

test.each([
  ['before', NOW],
  ['after', NOW + 2 * HOUR],
])('no name of a feed or a file is left of an article that is erased %s the end of its embargo', async (_, at) => {
  const file = await storeFile();
  const store = opened(file);
  const made = article({
    id: 'a',
    title: 'Secret title',
    body: '<p>Secret body</p><img src="/media/Secret.jpg">',
    sections: ['Secret Section'],
    tags: ['Secret Tag'],
    authors: [{ name: 'Secret Author' }],
    embargoUntil: new Date(NOW + HOUR).toISOString(),
  });
  const change: Put = { kind: 'put', article: articleText(made), record: '{"id":"a"}', feeds: ownKeys(made) };
  await store.apply([change, put('b', 'Other')], () => NOW);
  expect(await filesWith(file, 'Secret')).not.toEqual([]);

  await store.apply([{ kind: 'erase', id: 'a' }], () => at);
  expect(await store.overwriteErased()).toBeUndefined();
  expect(await filesWith(file, 'Secret')).toEqual([]);
  const db = raw(file);
  for (const table of ['coming_name', 'media_use'])
    expect(db.prepare(`SELECT * FROM ${table}`).all(), table).toEqual([]);
});

test('a process that reads without a pause is named; once it ends, the next attempt succeeds', async () => {
  const file = await storeFile();
  await opened(file).apply([put('a', 'Secret')], () => NOW);
  const reader = raw(file);
  reader.exec('BEGIN');
  reader.prepare('SELECT * FROM article').all();
  const db = openDatabase(file);
  const settings = createSettings(db);
  const { overwriteErased, close } = createOverwriting(db, file, settings, 50);
  onTestFinished(() => close().then(() => db.close()));
  await opened(file).apply([{ kind: 'erase', id: 'a' }], () => NOW);

  expect(await overwriteErased()).toContain('nother process reads the store');
  expect(settings.get(ERASED)).toBe('2');
  expect(await filesWith(file, 'Secret')).not.toEqual([]);
  reader.exec('COMMIT');
  expect(await overwriteErased()).toBeUndefined();
  expect(settings.get(ERASED)).toBeUndefined();
  expect(await filesWith(file, 'Secret')).toEqual([]);
});

test('a file that cannot be rewritten is named, and tried again', async () => {
  const file = await storeFile();
  const db = openDatabase(file);
  const settings = createSettings(db);
  settings.save(ERASED, '1');
  const { overwriteErased } = createOverwriting(db, join(file, 'missing', 'store'), settings, 50);
  onTestFinished(() => db.close());

  expect(await overwriteErased()).toContain('cannot be rewritten (');
  expect(settings.get(ERASED)).toBe('1');
});

test('a change waits for another process that writes, without a block of the event loop', async () => {
  const file = await storeFile();
  const store = opened(file);
  const other = raw(file);
  other.exec('BEGIN IMMEDIATE');
  let isDone = false;
  const applied = store
    .apply([put('a', 'A')], () => NOW)
    .then((outcomes) => {
      isDone = true;
      return outcomes;
    });
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  expect(isDone).toBe(false);
  other.exec('ROLLBACK');
  expect(await applied).toMatchObject([{ result: 'created' }]);
});
