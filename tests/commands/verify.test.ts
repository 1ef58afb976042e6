import { closeSync, copyFileSync, cpSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MIGRATIONS } from '../../src/store/sqlite/migrations.ts';
import { changed, copyOf, newsroomWithStates, storeFile } from '../damaged-store.ts';
import { ask, dataFolder, start } from '../helpers.ts';
import { command } from './terminal.ts';

let original: string;
beforeAll(async () => {
  original = await newsroomWithStates();
});
afterAll(() => rmSync(original, { recursive: true }));

const verify = (folder: string, ...args: string[]) => command(['verify', '--data', folder, ...args]);
const WHOLE = 'no damage: 42 articles, 16 feeds\n';
const ADVICE =
  'Stop the service. Restore a backup, or run repair, which keeps what is whole: docs/back-up-and-upgrade.md.\n';

function filesIn(folder: string): Record<string, string> {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'base64')]));
}

test('a whole store is counted, and nothing is changed', async () => {
  const folder = copyOf(original);
  const before = filesIn(join(folder, 'store'));

  expect(await verify(folder)).toEqual({ code: 0, out: WHOLE, err: '', drawn: '' });
  expect(filesIn(join(folder, 'store'))).toEqual(before);
});

describe('a backup', () => {
  test('is checked by its name, and nothing appears beside it', async () => {
    const folder = copyOf(original);
    const backup = join(folder, 'a b%20#é?.sqlite');
    copyFileSync(storeFile(folder), backup);
    const before = readdirSync(folder);

    expect(await command(['verify', backup])).toEqual({ code: 0, out: WHOLE, err: '', drawn: '' });
    expect(readdirSync(folder)).toEqual(before);
  });

  test('with its log is checked together with the log, and both stay as they are', async () => {
    const folder = copyOf(original);
    const backup = join(folder, 'backup');
    const db = new DatabaseSync(storeFile(folder));
    db.exec("UPDATE setting SET value = 'changed in the log'");
    cpSync(join(folder, 'store'), backup, { recursive: true });
    db.close();
    rmSync(join(backup, 'publisher.sqlite-shm'));
    const before = filesIn(backup);

    expect((await command(['verify', join(backup, 'publisher.sqlite')])).out).toContain('table setting: ');
    expect(filesIn(backup)).toEqual(before);
  });
});

test('a store is checked while a service uses it, which goes on', async () => {
  const { port, dataFolder: folder } = await start(copyOf(original));
  expect(await verify(folder)).toMatchObject({ code: 0, out: WHOLE });
  expect((await ask(port, '/feeds/latest.rss')).status).toBe(200);
});

const NUMBER = "(SELECT number FROM article WHERE id = 'story/7')";

describe('damage is listed', () => {
  test.each<[string, string, readonly string[]]>([
    [
      'the text of an article',
      "UPDATE article SET article = replace(article, 'Text', 'Test') WHERE id = 'story/7'",
      ['article story/7: its article does not match its checksum'],
    ],
    [
      'the record of an article',
      "UPDATE article SET record = replace(record, 'Text', 'Test') WHERE id = 'story/7'",
      ['article story/7: its record does not match its checksum'],
    ],
    [
      'a withdrawal',
      "UPDATE article SET withdrawn = withdrawn - 1000 WHERE id = 'story/4'",
      ['article story/4: its ids, dates or revision do not match their checksum'],
    ],
    [
      'texts that were exchanged',
      `UPDATE article SET (article, article_checksum) = (SELECT article, article_checksum FROM article WHERE id = 'story/8')
       WHERE id = 'story/7'`,
      ['article story/7: its article does not match its checksum'],
    ],
    [
      'a missing entry',
      `DELETE FROM entry WHERE article = ${NUMBER} AND feed = (SELECT number FROM feed WHERE key = 'latest')`,
      [
        'feed latest: the list of articles of the feed “latest” does not match its checksums',
        'article story/7: it is missing in the list of the feed latest',
      ],
    ],
    [
      'an entry too many',
      `INSERT INTO entry (feed, published, tie, article, expires)
       SELECT (SELECT number FROM feed WHERE key = 'tag/tag-0'), published, tie, article, expires FROM place
       WHERE article = ${NUMBER}`,
      [
        'feed tag/tag-0: the list of articles of the feed “tag/tag-0” does not match its checksums',
        'feed tag/tag-0: its list (entry) has 1 rows of no article',
      ],
    ],
    ['a missing place', `DELETE FROM place WHERE article = ${NUMBER}`, ['article story/7: it has no place in feeds']],
    [
      'a place',
      `UPDATE place SET feeds = '[1]' WHERE article = ${NUMBER}`,
      ['article story/7: its place does not match its checksum'],
    ],
    [
      'a file that the article does not name',
      `INSERT INTO media_use VALUES ('secret.jpg', ${NUMBER}, 0)`,
      ['article story/7: the store lists other files of it than it names'],
    ],
    [
      'a feed',
      "UPDATE feed SET name = 'Word' WHERE key = 'section/world'",
      ['feed section/world: its row does not match its checksum'],
    ],
    [
      'a page of an archive',
      "UPDATE archive_page SET changed = 5 WHERE page = 1 AND feed = (SELECT number FROM feed WHERE key = 'latest')",
      ['feed latest: the list of archive pages of the feed “latest” does not match its checksums'],
    ],
    [
      'a page of an archive that is missing',
      "DELETE FROM archive_page WHERE page = 2 AND feed = (SELECT number FROM feed WHERE key = 'latest')",
      ['feed latest: the list of archive pages of the feed “latest” does not match its checksums'],
    ],
    [
      'a key',
      "UPDATE key SET scope = 'read' WHERE partner IS NULL",
      [expect.stringMatching(/^table key: the key \w+ \(“CMS”\) is damaged$/)],
    ],
    [
      'a setting',
      "UPDATE setting SET value = '' WHERE name = 'reading'",
      ['table setting: the setting “reading” is damaged'],
    ],
    [
      'a file',
      "UPDATE source SET path = 'x' WHERE id = 'filed'",
      ['table source: the file of the article “filed” is damaged'],
    ],
    [
      'a file of an article that is missing',
      "DELETE FROM source WHERE id = 'filed'",
      ['table source: the list of the files of articles does not match its checksums'],
    ],
    [
      'the history',
      'UPDATE audit SET at = 0 WHERE revision = 1',
      ['table audit: the change with the revision 1 is damaged'],
    ],
    [
      'the last revision',
      'UPDATE revision SET last = last + 1',
      ['table revision: the row with its revision does not match its checksum'],
    ],
    [
      'rights that are missing',
      `DELETE FROM syndication WHERE article = ${NUMBER}`,
      [
        'table revision: the list of articles with rights or a correction does not match its checksums',
        'article story/7: the store has other rights or another correction of it',
      ],
    ],
    [
      'a correction of no article',
      'INSERT INTO syndication (article, corrected) VALUES (1, 5)',
      [
        'table revision: the list of corrections does not match its checksums',
        'table syndication: 1 rows are of no article',
      ],
    ],
    [
      'the end of rights in a feed that is missing',
      `DELETE FROM rights_end WHERE article = ${NUMBER} AND feed = (SELECT number FROM feed WHERE key = 'latest')`,
      [
        'feed latest: the list of articles whose rights end of the feed “latest” does not match its checksums',
        'article story/7: the list of the feed latest has other rights of it',
      ],
    ],
    [
      'the end of rights in a feed too many',
      `INSERT INTO rights_end SELECT number, 5, ${NUMBER}, 0 FROM feed WHERE key = 'partner/wire'`,
      [
        'feed partner/wire: the list of articles whose rights end of the feed “partner/wire” does not match its checksums',
        'feed partner/wire: its list (rights_end) has 1 rows of no article',
      ],
    ],
    [
      'dates for partners',
      "UPDATE feed SET aged_changes = x'' WHERE key = 'partner/wire'",
      ['feed partner/wire: its row does not match its checksum'],
    ],
    [
      'the expiry of a key',
      'UPDATE key SET expires = expires + 1',
      [expect.stringMatching(/^table key: the key \w+ \(“Wire”\) is damaged$/)],
    ],
    ['an index', 'DROP INDEX entry_expires', ['table entry_expires: it is missing']],
  ])('%s', async (_, sql, lines) => {
    const { code, out, err } = await verify(changed(original, sql));
    expect([code, err]).toEqual([1, ADVICE]);
    const [last, ...before] = out.trimEnd().split('\n').reverse();
    expect(before.reverse()).toEqual(expect.arrayContaining([...lines]));
    expect(last).toMatch(/^damage: \d+ problems? in /);
  });

  test('of pages, one line for each', async () => {
    const folder = copyOf(original);
    const file = storeFile(folder);
    const db = new DatabaseSync(file);
    const { size, roots } = db
      .prepare(
        `SELECT page_size AS size, json_group_array(rootpage) AS roots FROM pragma_page_size, sqlite_schema
         WHERE name IN ('audit', 'setting')`,
      )
      .get() as { size: number; roots: string };
    db.close();
    const descriptor = openSync(file, 'r+');
    for (const root of JSON.parse(roots)) writeSync(descriptor, Buffer.alloc(16, 0xff), 0, 16, (root - 1) * size);
    closeSync(descriptor);
    const { code, out } = await verify(folder);

    const lines = out.split('\n').filter((line) => line.startsWith('file: Tree '));
    const pages = lines.map((line) => line.match(/^file: Tree (\d+) page \1: [^*\\]+$/)?.[1]);
    expect([code, pages.sort()]).toEqual([1, JSON.parse(roots).map(String).sort()]);
  });

  test('as JSON', async () => {
    const folder = changed(original, "UPDATE source SET path = 'x' WHERE id = 'filed'");
    const { code, out } = await verify(folder, '--json');
    expect([code, JSON.parse(out)]).toEqual([
      1,
      {
        file: storeFile(folder),
        schema: MIGRATIONS.length,
        articles: 42,
        feeds: 16,
        isWhole: false,
        problems: 1,
        damage: [{ kind: 'table', name: 'source', problem: 'the file of the article “filed” is damaged' }],
      },
    ]);
  });
});

test('a store of an earlier schema is checked as far as that goes', async () => {
  const folder = await dataFolder({ 'store/.keep': '' });
  const db = new DatabaseSync(storeFile(folder));
  db.exec(`${MIGRATIONS[0]}; PRAGMA user_version = 1`);
  db.close();
  expect(await verify(folder)).toMatchObject({
    code: 1,
    out: '',
    err: `The pages and 0 articles of the store are whole, but it has schema 1, and this program needs schema ${MIGRATIONS.length}: the rest is not checked. Run migrate, then verify again.\n`,
  });
});

test.each<[readonly string[], number, string]>([
  [['a', 'b'], 2, '“verify” checks one BACKUP, not 2.\nRun with --help to see commands and options.\n'],
  [
    ['/nowhere/backup'],
    1,
    'There is no file /nowhere/backup, so there is nothing to verify.\nCheck the name of the backup.\n',
  ],
  [['/dev/null'], 1, 'The store /dev/null is no regular file.\nMove it away, and put a backup in its place.\n'],
])('verify %j is refused', async (args, code, err) => {
  expect(await command(['verify', ...args])).toEqual({ code, out: '', err, drawn: '' });
});

test('a data folder without a store has nothing to verify', async () => {
  const folder = await dataFolder();
  expect(await verify(folder)).toMatchObject({
    code: 1,
    err: `There is no store in ${folder}, so there is nothing to verify.\nCheck --data.\n`,
  });
});
