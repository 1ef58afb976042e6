import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { partnerFeedKey } from '../../src/feed/dialects.ts';
import { MIGRATIONS } from '../../src/store/sqlite/migrations.ts';
import {
  AFTER_EMBARGOES,
  changed,
  copyOf,
  documentsOf,
  inStore,
  NOW,
  newsroomWithStates,
  overwrite,
  PAGE,
  storeFile,
  storyNamed,
} from '../damaged-store.ts';
import { childEnvironment, start } from '../helpers.ts';
import { command } from './terminal.ts';

let original: string;
let before: Record<string, string>;
beforeAll(async () => {
  original = await newsroomWithStates();
  before = await documentsOf(original, NOW);
});
afterAll(() => rmSync(original, { recursive: true }));

const HOUR = 3_600_000;
const YEAR = 366 * 24 * HOUR;

const repair = (folder: string, ...args: string[]) => command(['repair', '--data', folder, ...args]);

/** Damages both texts of an article: nothing is left of it but its head. */
const destroy = (id: string) => `UPDATE article SET article = 'x', record = 'x' WHERE id = '${id}'`;
/** Damages the whole row of an article: only indexes and lists know it. */
const behead = (id: string) => `UPDATE article SET article = 'x', record = 'x', checksum = 0 WHERE id = '${id}'`;

const FILED = "(SELECT number FROM article WHERE id = 'filed')";

/** The lines of the list of what is lost. */
function lostIn(folder: string): string[] {
  const store = join(folder, 'store');
  const name = readdirSync(store).find((file) => file.includes('.lost-'));
  return name === undefined ? [] : readFileSync(join(store, name), 'utf8').trimEnd().split('\n');
}

async function verified(folder: string): Promise<string> {
  const { out, err } = await command(['verify', '--data', folder]);
  return out + err;
}

/** Databases of their own in store/: the figures of `/status`, and the deliveries to partners. */
const BESIDE = new Set(['traffic.sqlite', 'deliveries.sqlite']);

/** The files in store/ that belong to the store. */
function filesOfStore(folder: string): string[] {
  return readdirSync(join(folder, 'store')).filter((name) => !BESIDE.has(name));
}

test('a whole store needs no repair, and stays as it is', async () => {
  const folder = copyOf(original);
  const bytes = readFileSync(storeFile(folder));

  expect(await repair(folder)).toEqual({
    code: 0,
    out: 'no damage: 42 articles, 16 feeds. Nothing was changed.\n',
    err: '',
    drawn: '',
  });
  expect(readFileSync(storeFile(folder))).toEqual(bytes);
  expect(filesOfStore(folder)).toEqual(['publisher.sqlite']);
});

describe('what can be made of the rest is as it was, byte for byte', () => {
  test.each<[string, string, string]>([
    [
      'an article, of its record',
      "UPDATE article SET article = 'x' WHERE id IN ('story/7', 'story/3', 'filed')",
      'rebuilt: 3',
    ],
    [
      'a record, of its article',
      "UPDATE article SET record = 'x' WHERE id IN ('story/7', 'story/4', 'story/6')",
      'rebuilt: 3',
    ],
    [
      'an erased article, of its head',
      "UPDATE article SET article = 'x', record = 'x' WHERE id = 'story/5'",
      'rebuilt: 1',
    ],
    [
      'lists of feeds',
      "DELETE FROM entry WHERE article % 2; UPDATE place SET feeds = '[]'; DELETE FROM tombstone",
      'lost: nothing',
    ],
    [
      'a withdrawn article, of its record and its history',
      "UPDATE article SET article = 'x' WHERE id = 'story/4'",
      'rebuilt: 1',
    ],
    ['media', "INSERT INTO media_use SELECT 'secret.jpg', number, 0 FROM article", 'lost: nothing'],
  ])('%s', async (_, sql, line) => {
    const folder = changed(original, sql);
    const { code, out, err } = await repair(folder);
    expect([code, lostIn(folder), out.includes(line)], out + err).toEqual([0, [], true]);
    expect(await verified(folder)).toBe('no damage: 42 articles, 16 feeds\n');
    expect(await documentsOf(folder, NOW)).toEqual(before);
  });
});

test('the damaged store is kept under another name, with its permissions, and nothing else is left over', async () => {
  const folder = changed(original, "UPDATE article SET article = 'x' WHERE id = 'story/7'");
  const damaged = readFileSync(storeFile(folder));
  chmodSync(storeFile(folder), 0o640);
  const { err } = await repair(folder);

  const [kept = '', ...others] = filesOfStore(folder).filter((name) => name !== 'publisher.sqlite');
  expect(others).toEqual([]);
  expect(kept).toMatch(/^publisher\.sqlite\.damaged-\d{8}T\d{6}Z$/);
  expect(readFileSync(join(folder, 'store', kept))).toEqual(damaged);
  expect(statSync(storeFile(folder)).mode & 0o777).toBe(0o640);
  expect(err).toContain(`The damaged store is ${kept}.`);
});

test('what is whole keeps its identity, its revision, its history, its keys and its settings', async () => {
  const folder = changed(original, destroy('story/7'));
  const read = (from: string) =>
    inStore(from, async (store) => {
      const articles = (await store.page(0, 500)).filter(({ article }) => article.id !== 'story/7');
      const histories = await Promise.all(['story/4', 'story/5', 'filed'].map((id) => store.history(id)));
      const settings = await Promise.all(['masthead', 'reading', 'readers'].map((name) => store.setting(name)));
      return {
        articles,
        histories,
        settings,
        keys: await store.keys(),
        sources: await store.sources(),
        rules: await store.rules(),
        partner: await store.partnerSnapshot(partnerFeedKey('wire'), NOW, { limit: 50, delay: HOUR, retention: YEAR }),
        changes: await store.changedByTime({ from: 0, to: AFTER_EMBARGOES, delay: HOUR, upTo: 1e9, limit: 500 }),
        ends: (await store.syndicationEnds(0, NOW, 500)).filter(({ id }) => id !== 'story/7'),
      };
    });
  await repair(folder);
  const [after, expected] = [await read(folder), await read(original)];
  const without7 = expected.changes.filter(({ number }) => after.changes.some((change) => change.number === number));
  expect(after).toEqual({ ...expected, changes: without7 });
  expect([expected.changes.length - without7.length, expected.partner?.takenBack.length]).toEqual([2, 4]);
});

test('which feeds articles have left is kept, but for rows that are damaged', async () => {
  const folder = copyOf(original);
  const left = async (id: string) =>
    inStore(folder, async (store) => {
      const stored = await store.find(id);
      return stored === undefined ? undefined : await store.formerMemberships(stored.number);
    });
  const moved = ['story/0', 'story/2', 'story/7'].map((id) => ({ ...storyNamed(id), sections: ['Sport'] }));
  writeFileSync(join(folder, 'moved.ndjson'), moved.map((story) => `${JSON.stringify(story)}\n`).join(''));
  await command(['import', '--data', folder, join(folder, 'moved.ndjson')]);
  rmSync(join(folder, 'moved.ndjson'));
  const expected = await left('story/0');
  expect(expected?.map(({ feed }) => feed)).toContain('section/world');
  const db = new DatabaseSync(storeFile(folder));
  db.exec(`${destroy('story/7')}; UPDATE former_member SET stays = '[]'
    WHERE article = (SELECT number FROM article WHERE id = 'story/2')`);
  db.close();
  expect(await verified(folder)).toContain('had of the article number');
  const { out } = await repair(folder);

  expect(out).toContain('lost: 1 article');
  expect(lostIn(folder).filter((line) => line.includes('former_member')).length).toBeGreaterThan(1);
  expect(await left('story/0')).toEqual(expected);
  expect([await left('story/2'), await left('story/7')]).toEqual([[], undefined]);
  expect(await verified(folder)).toMatch(/^no damage/);
});

test('an article of which no text is left is lost and listed, and its feeds go on without it', async () => {
  const folder = changed(original, destroy('story/7'));
  const { code, out } = await repair(folder);

  expect(code).toBe(1);
  expect(out).toContain('kept: 41 articles, 16 feeds, 2 keys\n');
  expect(out).toMatch(/lost: 1 article; see .*\.lost-\d{8}T\d{6}Z\.txt\n$/);
  expect(lostIn(folder)).toEqual(['article\tstory/7\tlost']);
  expect(await verified(folder)).toBe('no damage: 41 articles, 16 feeds\n');
  const after = await documentsOf(folder, NOW);
  const isOf = (path: string) =>
    before[path]?.includes('Story 7<') === true || before[path]?.includes('"Story 7"') === true;
  const others = Object.keys(before).filter((path) => !isOf(path));
  expect(others.length).toBeGreaterThan(5);
  for (const path of others) expect([path, after[path]]).toEqual([path, before[path]]);
  expect(after['/feeds/latest.json']).not.toContain('"Story 7"');
});

test('a lost article that has a file is read again from there at the next start', async () => {
  const folder = changed(original, behead('filed'));
  await repair(folder);

  expect(lostIn(folder)).toEqual(['article\tfiled\tlost; the next start reads it again from articles/filed.json']);
  const { port: _ } = await start(folder);
  expect((await inStore(folder, (store) => store.find('filed')))?.article.title).toBe('Filed');
});

describe('nothing hidden becomes visible', () => {
  /** A write that the disk has lost: the rows are whole, but of an earlier moment. */
  const OLD_ROWS = `
    UPDATE article SET
      (revision, published, updated, expires, withdrawn, article, record, erased, checksum, article_checksum, record_checksum) = (
        SELECT revision, published, updated, expires, withdrawn, article, record, erased, checksum, article_checksum,
          record_checksum
        FROM earlier.article AS old WHERE old.number = article.number)`;

  test.each<[string, string]>([
    ['both texts of withdrawn articles', `${destroy('story/4')}; ${destroy('filed-and-gone')}`],
    ['the rows of withdrawn articles', `${behead('story/4')}; ${behead('filed-and-gone')}`],
    ['the rows of erased articles', `${behead('story/5')}; ${behead('story/15')}`],
    ['the rows of articles under embargo', `${behead('story/3')}; ${behead('story/13')} -- %3`],
    ['the articles under embargo', "UPDATE article SET article = 'x' WHERE id LIKE 'story/%3'"],
    [
      'everything that says that an article was withdrawn but its head',
      "DELETE FROM tombstone; DELETE FROM audit; UPDATE article SET article = 'x'",
    ],
    ['the files of articles', "UPDATE source SET signature = 'x'"],
    ['the rows of the files of articles', 'DELETE FROM source'],
    ['rows of articles from before their withdrawal', OLD_ROWS],
    [
      'rows and places of articles from before their withdrawal',
      `${OLD_ROWS}; DELETE FROM place; INSERT INTO place SELECT * FROM earlier.place; DELETE FROM tombstone;
       DELETE FROM entry; INSERT INTO entry SELECT * FROM earlier.entry`,
    ],
    [
      'rows of articles from before their withdrawal, without a history',
      `${OLD_ROWS}; DELETE FROM audit; INSERT INTO audit SELECT * FROM earlier.audit`,
    ],
  ])('of %s', async (_, sql) => {
    const folder = changed(original, sql);
    await repair(folder);
    expect(await verified(folder)).toMatch(/^no damage: /);
    const [at, hidden] = sql.includes('%3') ? [NOW, /GONE|ERASED|EMBARGOED/] : [AFTER_EMBARGOES, /GONE|ERASED/];
    for (const document of Object.values(await documentsOf(folder, at))) expect(document).not.toMatch(hidden);
  });

  test('a withdrawn article of which no text is left counts as erased: readers still learn of it, and it cannot come back', async () => {
    const folder = changed(original, behead('story/4'));
    await repair(folder);

    expect(lostIn(folder)).toEqual([
      'article\tstory/4\twas withdrawn or erased; its text is lost, and nothing can be published under its id',
    ]);
    expect((await inStore(folder, (store) => store.find('story/4')))?.isErased).toBe(true);
    expect((await documentsOf(folder, NOW))['/feeds/latest.atom']).toContain('tag:news.example,2026:story/4');
  });

  test('an article whose last state nobody can tell is left out, and so is its file', async () => {
    const folder = changed(
      original,
      `${behead('filed')}; DELETE FROM place WHERE article = ${FILED}; DELETE FROM entry WHERE article = ${FILED}; DELETE FROM audit`,
    );
    await repair(folder);
    expect(lostIn(folder)).toContain(
      'article\tfiled\tlost; whether it was withdrawn is not known; change articles/filed.json to publish it again',
    );
    const { port: _ } = await start(folder);
    expect(await inStore(folder, (store) => store.find('filed'))).toBeUndefined();
  });
});

test('a withdrawn article whose reason may be lost is listed', async () => {
  const folder = changed(original, "UPDATE article SET article = 'x' WHERE id = 'story/4'; DELETE FROM audit");
  const { code, out } = await repair(folder);
  expect([code, out.includes('lost: the reason of 1 withdrawal; see ')], out).toEqual([1, true]);
  expect(lostIn(folder)).toContain('article\tstory/4\tis withdrawn as before; if it had a reason, that is lost');
});

test('keys and settings of feeds that are damaged are listed', async () => {
  const folder = changed(
    original,
    "UPDATE key SET scope = 'read' WHERE partner IS NULL; UPDATE feed SET name = 'x' WHERE key = 'section/world'",
  );
  const { code, out } = await repair(folder);
  expect([code, out.includes('lost: the settings of 1 feed, 1 key; see ')]).toEqual([1, true]);
  expect(lostIn(folder)).toEqual([
    'feed\tsection/world\tits settings are lost; its articles are not',
    expect.stringMatching(/^key\tkey: \w+\tcreate another one$/),
  ]);
  const withoutNumbers = (documents: unknown) => JSON.stringify(documents).replaceAll(/\/world\/archive\/\d/g, '');
  expect(withoutNumbers(await documentsOf(folder, NOW))).toEqual(withoutNumbers(before)); // its history is divided anew
});

test('what the service remembers of the damage is forgotten', async () => {
  const folder = changed(original, "UPDATE article SET article = 'x' WHERE id = 'story/7'");
  const remembered = `${storeFile(folder)}.damaged`;
  for (const args of [['verify'], ['repair'], ['verify'], ['repair']]) {
    writeFileSync(remembered, '{}');
    const { code } = await command([...args, '--data', folder]);
    expect([args, existsSync(remembered)]).toEqual([args, code !== 0]);
  }
});

test('a store in use is not repaired', async () => {
  const folder = changed(original, destroy('story/7'));
  const bytes = readFileSync(storeFile(folder));
  const other = new DatabaseSync(storeFile(folder));
  other.prepare('SELECT last FROM revision').get();
  const { code, out, err } = await repair(folder);
  other.close();

  expect([code, out, err]).toEqual([
    1,
    '',
    `Another process uses the store ${storeFile(folder)}.\nStop the service, and wait until every other command has ended. Then run repair again.\n`,
  ]);
  expect(readFileSync(storeFile(folder))).toEqual(bytes);
});

test('a store that is cut off, and that another process still uses, is not repaired', async () => {
  const folder = copyOf(original);
  const other = new DatabaseSync(storeFile(folder));
  other.prepare('SELECT last FROM revision').get();
  truncateSync(storeFile(folder), 50_000);
  const { code, err } = await repair(folder);
  other.close();
  expect([code, err.split('\n')[0]]).toEqual([1, `Another process uses the store ${storeFile(folder)}.`]);
  expect(filesOfStore(folder)).toEqual(['publisher.sqlite']);
});

test('a store whose definitions are damaged is read by those that a store has', async () => {
  const folder = copyOf(original);
  const file = storeFile(folder);
  const bytes = readFileSync(file);
  const at = bytes.indexOf('CREATE TABLE article');
  overwrite(file, at, Buffer.from('CREATE TABBE'));
  const { code, out } = await repair(folder);
  expect([code, out.endsWith('kept: 42 articles, 16 feeds, 2 keys\nlost: nothing\n')]).toEqual([0, true]);
  expect(await documentsOf(folder, NOW)).toEqual(before);
});

test('a store without a readable first page is refused, and stays as it is', async () => {
  const folder = copyOf(original);
  overwrite(storeFile(folder), 100, Buffer.alloc(PAGE - 100, 0xaa));
  const bytes = readFileSync(storeFile(folder));
  const { code, err } = await repair(folder);
  expect([code, err.split('\n')[0]]).toEqual([
    1,
    `The first page of the store ${storeFile(folder)} is damaged: nothing in it can be read.`,
  ]);
  expect(readFileSync(storeFile(folder))).toEqual(bytes);
  expect(filesOfStore(folder)).toEqual(['publisher.sqlite']);
});

test('a store of the first schema is repaired to this one', async () => {
  const folder = copyOf(original);
  rmSync(join(folder, 'store'), { recursive: true });
  mkdirSync(join(folder, 'store'));
  const db = new DatabaseSync(storeFile(folder));
  db.exec(`${MIGRATIONS[0]}; PRAGMA user_version = 1; ATTACH '${storeFile(original)}' AS new;
    INSERT INTO article (number, id, public_id, revision, published, updated, expires, withdrawn, article, record)
    SELECT number, id, public_id, revision, published, updated, expires, withdrawn, article, record FROM new.article
    WHERE NOT erased;
    INSERT INTO source SELECT path, id, signature, media FROM new.source;
    UPDATE article SET article = 'x' WHERE id = 'story/7';
    UPDATE revision SET last = (SELECT max(revision) FROM article)`);
  db.close();
  const { code, out } = await repair(folder);
  expect([code, out.split('\n').slice(2)]).toEqual([
    0,
    ['kept: 38 articles, 14 feeds, 0 keys', 'rebuilt: 1 article from the text that was whole', 'lost: nothing', ''],
  ]);
  expect(await verified(folder)).toBe('no damage: 38 articles, 14 feeds\n');
  for (const document of Object.values(await documentsOf(folder, AFTER_EMBARGOES)))
    expect(document).not.toMatch(/GONE/);
});

test('a repair that is killed at any moment leaves the damaged store or the new one', async () => {
  const folder = changed(original, destroy('story/7'));
  const file = storeFile(folder);
  const damaged = readFileSync(file);
  for (const delay of [300, 450, 600]) {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, '../../src/main.ts'), 'repair', '--data', folder],
      {
        stdio: 'ignore',
        env: childEnvironment(),
      },
    );
    const ended = once(child, 'exit');
    const timer = setTimeout(() => child.kill('SIGKILL'), delay);
    await ended;
    clearTimeout(timer);
    const isNew = (await verified(folder)) === 'no damage: 41 articles, 16 feeds\n';
    expect(isNew || readFileSync(file).equals(damaged)).toBe(true);
  }
  await repair(folder);
  expect(await verified(folder)).toBe('no damage: 41 articles, 16 feeds\n');
  expect(filesOfStore(folder).filter((name) => !/^publisher\.sqlite(?:\.(?:damaged|lost)-.*)?$/.test(name))).toEqual(
    [],
  );
});

test.each<[string, readonly string[], string, boolean]>([
  ['repair', [], 'repair', true],
  ['yes', [], 'yes', false],
  ['nothing, with --yes', ['--yes'], '', true],
])('a person types %s', async (_, args, typed, isRepaired) => {
  const folder = changed(original, "UPDATE article SET article = 'x' WHERE id = 'story/7'");
  const { code, err } = await command(['repair', '--data', folder, ...args], { typed });
  expect([code, err.includes('Nothing was repaired.')]).toEqual(isRepaired ? [0, false] : [1, true]);
  expect((await verified(folder)).startsWith('no damage')).toBe(isRepaired);
});

test('a data folder without a store has nothing to repair', async () => {
  const folder = copyOf(original);
  rmSync(join(folder, 'store'), { recursive: true });
  expect(await repair(folder)).toMatchObject({
    code: 1,
    err: `There is no store in ${folder}, so there is nothing to repair.\nCheck --data.\n`,
  });
  expect(existsSync(join(folder, 'store'))).toBe(false);
});
