import { chmodSync, copyFileSync, existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { defineMigrationFunctions } from '../../src/store/sqlite/database.ts';
import { MIGRATIONS } from '../../src/store/sqlite/migrations.ts';
import { RESTORE } from '../../src/store/sqlite/store-file.ts';
import { ask, dataFolder, record, start } from '../helpers.ts';
import { command } from './terminal.ts';

const NEWEST = MIGRATIONS.length;

/** A data folder whose store has an earlier or a later schema. */
async function folderWithSchema(version: number): Promise<string> {
  const folder = await dataFolder({ 'articles/a.json': JSON.stringify(record()) });
  await mkdir(join(folder, 'store'));
  const db = new DatabaseSync(join(folder, 'store/publisher.sqlite'));
  defineMigrationFunctions(db);
  for (const step of MIGRATIONS.slice(0, version)) db.exec(step);
  db.exec(`PRAGMA user_version = ${version}`);
  db.close();
  return folder;
}

const COMMANDS = [['serve', '--port', '0'], ['export'], ['key', 'list'], ['import', '/dev/null']];

test.each(COMMANDS)('%s does not touch an earlier schema, and says what to do', async (...args) => {
  const folder = await folderWithSchema(1);
  const { code, out, err } = await command([...args, '--data', folder]);

  expect([code, out]).toEqual([1, '']);
  expect(err).toBe(
    `The store ${join(folder, 'store/publisher.sqlite')} has schema 1, but this program needs schema ${NEWEST}.\nRun the command migrate: it makes a copy of the store first.\n`,
  );
});

const COPY =
  'A copy of the store is publisher.sqlite.schema-1, beside it. Delete it when all is well: it keeps text of articles that you erase later.\n';

test('migrate copies it, brings it up to date, says so, and the service starts', async () => {
  const folder = await folderWithSchema(1);
  chmodSync(join(folder, 'store/publisher.sqlite'), 0o640);
  const before = tablesOf(folder, 'publisher.sqlite');
  const first = await command(['migrate', '--data', folder]);
  const second = await command(['migrate'], { env: { DATA_DIR: folder } });
  const { port } = await start(folder);

  expect(first).toEqual({
    code: 0,
    out: `${COPY}The store now has schema ${NEWEST} (before: 1).\n`,
    err: '',
    drawn: '',
  });
  expect(second).toEqual({ code: 0, out: `The store already has schema ${NEWEST}.\n`, err: '', drawn: '' });
  expect((await ask(port, '/feeds/latest.rss')).status).toBe(200);
  expect(tablesOf(folder, 'publisher.sqlite.schema-1')).toEqual(before);
  expect(statSync(join(folder, 'store/publisher.sqlite.schema-1')).mode & 0o777).toBe(0o640);
});

/** What SQLite knows of a store: its schema and its tables. */
function tablesOf(folder: string, name: string): unknown {
  const db = new DatabaseSync(join(folder, 'store', name), { readOnly: true });
  try {
    return [db.prepare('PRAGMA user_version').get(), db.prepare('SELECT name, sql FROM sqlite_schema').all()];
  } finally {
    db.close();
  }
}

test('the copy takes the place of the store again, and a second copy leaves the first', async () => {
  const folder = await folderWithSchema(1);
  const store = join(folder, 'store/publisher.sqlite');
  await command(['migrate', '--data', folder]);
  copyFileSync(`${store}.schema-1`, store);
  const again = await command(['migrate', '--data', folder]);

  expect(again.out).toBe(`${COPY.replace('schema-1', 'schema-1-2')}The store now has schema ${NEWEST} (before: 1).\n`);
  expect(readdirSync(join(folder, 'store')).sort()).toEqual([
    'publisher.sqlite',
    'publisher.sqlite.schema-1',
    'publisher.sqlite.schema-1-2',
  ]);
});

test('with --no-backup, migrate makes no copy', async () => {
  const folder = await folderWithSchema(1);
  const { out } = await command(['migrate', '--no-backup', '--data', folder]);

  expect(out).toBe(`The store now has schema ${NEWEST} (before: 1).\n`);
  expect(readdirSync(join(folder, 'store'))).toEqual(['publisher.sqlite']);
});

test('a store that a program of an earlier version still has open is not migrated', async () => {
  const folder = await folderWithSchema(1);
  const file = join(folder, 'store/publisher.sqlite');
  const service = new DatabaseSync(file);
  service.exec('PRAGMA journal_mode = WAL; SELECT last FROM revision');
  const refused = await command(['migrate', '--data', folder]);
  const version = service.prepare('PRAGMA user_version').get()?.user_version;
  service.close();
  const { code } = await command(['migrate', '--data', folder]);

  expect(refused).toMatchObject({ code: 1, out: '' });
  expect(refused.err).toBe(
    `Another process uses the store ${file}.\nStop the service, and wait until every other command has ended. Then run migrate again.\n`,
  );
  expect([version, code]).toEqual([1, 0]);
});

test.each([...COMMANDS, ['migrate']])('%s refuses a newer schema, and says what to do', async (...args) => {
  const folder = await folderWithSchema(NEWEST + 7);
  const { code, out, err } = await command([...args, '--data', folder]);

  expect([code, out]).toEqual([1, '']);
  expect(err).toBe(
    `The store ${join(folder, 'store/publisher.sqlite')} has schema ${NEWEST + 7}, but this program needs schema ${NEWEST}.\nRun a version of this program that is at least as new as the one that wrote the store.\n`,
  );
});

test('a file that is not a store is reported in a line', async () => {
  const folder = await dataFolder({
    'store/publisher.sqlite': 'This is a text, and not a short one at that. '.repeat(30),
  });
  for (const args of [...COMMANDS, ['migrate']]) {
    const { code, err } = await command([...args, '--data', folder]);
    expect([args, code, err]).toEqual([
      args,
      1,
      `The store ${join(folder, 'store/publisher.sqlite')} is not an SQLite database.\n${RESTORE}\n`,
    ]);
  }
});

test('where there is no store, migrate says so and creates none', async () => {
  const folder = await dataFolder();

  expect(await command(['migrate', '--data', folder])).toEqual({
    code: 0,
    out: `There is no store in ${folder}. The first start of the service creates one with schema ${NEWEST}.\n`,
    err: '',
    drawn: '',
  });
  expect(existsSync(join(folder, 'store'))).toBe(false);
});
