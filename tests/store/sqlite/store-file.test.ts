import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { hasStore, storeFile } from '../../../src/service/data-folder.ts';
import { defineMigrationFunctions, migrateDatabase, openDatabase } from '../../../src/store/sqlite/database.ts';
import { MIGRATIONS } from '../../../src/store/sqlite/migrations.ts';
import { APPLICATION_ID } from '../../../src/store/sqlite/store-file.ts';
import { command } from '../../commands/terminal.ts';
import { dataFolder, put, record } from '../../helpers.ts';

/** Every command that opens a store. */
const COMMANDS = [
  ['serve', '--port', '0'],
  ['import', '/dev/null'],
  ['import', '--dry-run', '/dev/null'],
  ['export'],
  ['key', 'list'],
  ['key', 'create', '--name', 'x'],
  ['key', 'revoke', 'x'],
  ['erase', 'a'],
  ['migrate'],
  ['verify'],
  ['repair'],
];

/** A store with an article, closed, in one file. */
async function storeIn(folder: string): Promise<string> {
  await put(folder, 'in.ndjson', `${JSON.stringify(record())}\n`);
  const { code, err } = await command(['import', '--data', folder, join(folder, 'in.ndjson')]);
  expect([code, err]).toEqual([0, '']);
  return storeFile(folder);
}

function database(file: string, sql: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
}

/** The log of a store that was copied while it was in use. */
function leaveLog(file: string): void {
  const db = new DatabaseSync(file);
  db.exec("UPDATE setting SET value = 'left in the log'");
  cpSync(`${file}-wal`, `${file}-wal.kept`);
  db.close();
  cpSync(`${file}-wal.kept`, `${file}-wal`);
}

type Make = (file: string, folder: string) => unknown;

const REFUSED: readonly (readonly [string, Make, string])[] = [
  ['empty', (file) => writeFileSync(file, ''), 'is an empty file'],
  [
    'a text',
    (file) => writeFileSync(file, 'This is a text, and longer than the header of a database. '.repeat(200)),
    'is not an SQLite database',
  ],
  ['a few bytes', (file) => writeFileSync(file, 'SQLite format 3\0 and no more'), 'is cut off in its first page'],
  ['zeros', (file) => writeFileSync(file, Buffer.alloc(65_536)), 'is not an SQLite database'],
  ['a folder', (file) => mkdirSync(file), 'is a folder'],
  [
    'a link to a missing file',
    (file, folder) => symlinkSync(join(folder, 'gone'), file),
    'is a link to a file that is missing',
  ],
  [
    'cut in its first page',
    async (file, folder) => {
      await storeIn(folder);
      truncateSync(file, 5000);
    },
    'is cut off in its first page',
  ],
  [
    'an empty database',
    (file) => database(file, 'PRAGMA user_version = 0; VACUUM'),
    'is a database of another program',
  ],
  [
    'the database of another program',
    (file) => database(file, `CREATE TABLE song (title); PRAGMA user_version = 9`),
    'is a database of another program',
  ],
  [
    'the database of another program, in WAL mode',
    (file) => database(file, 'PRAGMA journal_mode = WAL; CREATE TABLE article (id, title); PRAGMA user_version = 8'),
    'is a database of another program',
  ],
  [
    'a database with the application id of another program',
    async (file, folder) => {
      await storeIn(folder);
      database(file, 'PRAGMA application_id = 252006673'); // Fossil
    },
    'is a database of another program',
  ],
  [
    'missing, and its log is there',
    async (file, folder) => {
      await storeIn(folder);
      leaveLog(file);
      cpSync(file, join(folder, 'elsewhere'));
      rmSync(file);
    },
    'is missing, but its log',
  ],
];

/** Every file below a folder, with its bytes or its kind. */
function filesIn(folder: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    const status = statSync(path, { throwIfNoEntry: false });
    files[name] = status?.isFile() === true ? readFileSync(path, 'base64') : `${status?.isDirectory()}`;
  }
  return files;
}

test.each(REFUSED)('a store that is %s is refused by every command, and stays as it is', async (_, make, message) => {
  const folder = await dataFolder({ 'store/.keep': '' });
  const file = storeFile(folder);
  await make(file, folder);
  const before = filesIn(dirname(file));

  for (const args of COMMANDS) {
    const { code, out, err } = await command([...args, '--data', folder]);
    expect([args, code, out, err.startsWith(`The store ${file} ${message}`)]).toEqual([args, 1, '', true]);
    expect(err.split('\n')).toHaveLength(3); // what is wrong, and what to do
  }
  expect(filesIn(dirname(file))).toEqual(before);
});

test('an empty file is refused, and the message says what to do', async () => {
  const folder = await dataFolder({ 'store/publisher.sqlite': '' });
  const file = storeFile(folder);
  expect((await command(['export', '--data', folder])).err).toBe(
    `The store ${file} is an empty file: it may have lost its articles.\n` +
      'Move it and the files beside it that end in -wal and -shm away, then put a backup in its place. To begin a new newsroom instead, put nothing there.\n',
  );
});

test('a new store appears whole: no file has its name before', async () => {
  const folder = await dataFolder();
  const file = storeFile(folder);
  openDatabase(file).close();

  const db = new DatabaseSync(file, { readOnly: true });
  expect(db.prepare('PRAGMA application_id').get()).toEqual({ application_id: APPLICATION_ID });
  db.close();
  expect(readdirSync(dirname(file)).filter((name) => name.includes('new'))).toEqual([]);
});

test('what a killed first start has left does not matter to the next one, which removes it', async () => {
  const folder = await dataFolder({
    'store/publisher.sqlite.new-0123abcd': '',
    'store/publisher.sqlite.new-0123abcd-wal': 'x',
  });
  for (const name of readdirSync(join(folder, 'store'))) utimesSync(join(folder, 'store', name), 1, 1);
  expect(hasStore(folder)).toBe(false);
  openDatabase(storeFile(folder)).close();
  expect(readdirSync(join(folder, 'store'))).toEqual(['publisher.sqlite']);
});

test('a store from before application ids is known by its tables, and migrate gives it the id', async () => {
  const folder = await dataFolder();
  const file = await storeIn(folder);
  database(file, 'PRAGMA application_id = 0');
  expect((await command(['key', 'list', '--data', folder])).code).toBe(0);
  migrateDatabase(file);
  const db = new DatabaseSync(file, { readOnly: true });
  expect(db.prepare('PRAGMA application_id').get()).toEqual({ application_id: APPLICATION_ID });
  db.close();
});

test('a store whose tables are all in its log, as a killed first start of an earlier version left it, is opened', async () => {
  const folder = await dataFolder();
  const file = storeFile(folder);
  mkdirSync(dirname(file), { recursive: true });
  const other = join(folder, 'other.sqlite');
  const db = new DatabaseSync(other);
  db.exec('PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0');
  defineMigrationFunctions(db);
  db.exec(`BEGIN; ${MIGRATIONS.join(';')}; PRAGMA user_version = ${MIGRATIONS.length}; COMMIT`);
  cpSync(other, file);
  cpSync(`${other}-wal`, `${file}-wal`);
  db.close();
  expect(statSync(file).size).toBe(8192);

  const opened = openDatabase(file);
  expect(opened.prepare('SELECT last FROM revision').get()).toEqual({ last: 0 });
  opened.close();
});

test('a link to a store is followed', async () => {
  const folder = await dataFolder();
  const file = await storeIn(folder);
  const moved = join(folder, 'moved.sqlite');
  cpSync(file, moved);
  rmSync(file);
  symlinkSync(moved, file);
  const { code, out } = await command(['migrate', '--data', folder]);
  expect([code, out]).toEqual([0, expect.stringContaining('already has schema')]);
});
