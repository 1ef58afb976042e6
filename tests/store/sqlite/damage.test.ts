import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { articleText } from '../../../src/article/stored.ts';
import { PublisherError } from '../../../src/errors.ts';
import { partnerFeedKey } from '../../../src/feed/dialects.ts';
import { ownKeys } from '../../../src/feed/feeds.ts';
import { checkStore } from '../../../src/store/sqlite/check-store.ts';
import { defineMigrationFunctions, migrateDatabase, storeError } from '../../../src/store/sqlite/database.ts';
import type { Damage } from '../../../src/store/sqlite/found-damage.ts';
import { MIGRATIONS } from '../../../src/store/sqlite/migrations.ts';
import { lockStore } from '../../../src/store/sqlite/repair.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import type { Change, Put, Store } from '../../../src/store/store.ts';
import { STATUSES } from '../../../src/store/store.ts';
import { article } from '../../helpers.ts';
import { sized } from '../../soak/sizes.ts';

const NOW = Date.UTC(2026, 10, 22);
const DAY = 24 * 60 * 60 * 1000;
const OPTIONS = { limit: 20, tombstonesFor: 30 * DAY };
const ARTICLES = 40;

/** The last schema that had no checksums. */
const BEFORE_CHECKSUMS = 9;
const BEFORE_ARCHIVES = 10;
const BEFORE_PARTNERS = 11;

/** Pages of SQLite. */
const PAGE = 8192;
/** The first byte of such a page. */
const LEAF_OF_INDEX = 0x0a;

let folder: string;
/** A whole store, and the same store before its last changes. */
let whole: Buffer;
let earlier: Buffer;
/** The log of the changes that lead from the earlier store to the whole one. */
let log: Buffer;
/** What each read of the whole store gives, by name; and what the earlier one gave. */
let answers: ReadonlyMap<string, unknown>;
let earlierAnswers: ReadonlyMap<string, unknown>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'damage-'));
  const file = join(folder, 'whole.sqlite');
  await fill(file, changes());
  earlier = readFileSync(file);
  earlierAnswers = await answersOf(file);
  const store = openSqliteStore(file);
  await store.apply(laterChanges(), () => NOW);
  log = readFileSync(`${file}-wal`);
  await store.close();
  whole = readFileSync(file);
  answers = await answersOf(file);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function put(number: number, fields: Readonly<Record<string, unknown>> = {}): Put {
  const id = `story-${number}`;
  const parsed = article({
    id,
    title: `Story ${number}`,
    body: `<p>${`Text of story ${number}. `.repeat(1 + (number % 40) * 10)}</p><img src="https://feeds.news.example/media/${number}.png">`,
    sections: [`Section ${number % 3}`],
    tags: [`Tag ${number % 5}`, ...(number % 11 === 0 ? ['Tag 9'] : [])],
    publishedAt: new Date(NOW - (ARTICLES - number - 3) * 60_000).toISOString(), // three are under embargo
    ...(number % 7 === 0 ? { expiresAt: new Date(NOW + (number - 20) * 60_000).toISOString() } : {}),
    ...fields,
  });
  const made = {
    ...parsed,
    ...(number % 9 === 2 ? { correction: { note: 'A name was wrong.', at: parsed.publishedAt + 60_000 } } : {}),
    ...(number % 4 === 1 ? { rights: { endsAt: NOW + (20 - number) * 60_000 } } : {}),
  };
  return {
    kind: 'put',
    article: articleText(made),
    record: JSON.stringify({ id, title: made.title }),
    feeds: ownKeys(made),
    changedAt: NOW,
    actor: { kind: 'key', id: 'cms', name: 'CMS' },
    source: { path: `${id}.md`, signature: '1', media: [] },
  };
}

function changes(): Change[] {
  const puts = Array.from({ length: ARTICLES }, (_, number) => put(number));
  return [
    ...puts,
    put(8, { sections: ['Culture'], tags: ['Tag 9'] }),
    ...[4, 5, 18].map((number): Change => ({ kind: 'withdraw', id: `story-${number}`, reason: 'Wrong' })),
  ];
}

function laterChanges(): Change[] {
  return [
    put(20, { title: 'Corrected' }),
    put(21, { tags: ['Tag 1'], title: 'Moved' }),
    { kind: 'withdraw', id: 'story-30', reason: 'Later' },
    put(ARTICLES - 4, { title: 'Corrected, and the newest' }),
  ];
}

/** Makes the changes, in a store that one file holds. */
async function fill(file: string, made: readonly Change[]): Promise<void> {
  const store = openSqliteStore(file);
  await store.setDocumentSizes({ entries: 4, feeds: [] }, () => NOW);
  await store.markServed();
  const select = { any: ['section/section-1'], all: [], none: ['tag/tag-1'] };
  const feeds = ['own', partnerFeedKey('one')].map((id) => ({ id, select }));
  await store.backfillFeeds(feeds, () => NOW);
  await store.apply(made, () => NOW);
  for (const id of ['one', 'two']) {
    if ((await store.key(id)) !== undefined) continue;
    const key = { id, name: id, hash: new Uint8Array(32), createdAt: NOW };
    await store.createKey({ ...key, scope: 'read' });
    await store.createKey({ ...key, id: `partner-${id}`, scope: 'partner', partner: id, expiresAt: NOW + DAY });
  }
  await store.saveSetting('publication', '{"title":"The News"}');
  await store.close();
}

/** Everything that the API and the feeds read, by name. */
function reads(): Map<string, (store: Store) => Promise<unknown>> {
  const found = new Map<string, (store: Store) => Promise<unknown>>();
  const keys = [
    'latest',
    'own',
    ...[0, 1, 2].map((n) => `section/section-${n}`),
    ...[0, 1, 2, 3, 4, 9].map((n) => `tag/tag-${n}`),
  ];
  for (const key of keys) {
    for (const at of key === 'latest' ? [NOW, NOW + 2 * DAY] : [NOW])
      found.set(`document ${key} ${at}`, async (store) => {
        const snapshot = await store.snapshot(key, at, OPTIONS);
        if (snapshot === undefined) return undefined;
        return { snapshot, articles: await store.articles(snapshot.entries.map(({ number }) => number)) };
      });
    for (const page of [1, 2, 3, 4, 9])
      found.set(`page ${page} of ${key}`, async (store) => {
        const content = await store.archivePage(key, page, NOW);
        return content && { content, articles: await store.articles(content.entries.map(({ number }) => number)) };
      });
    found.set(`total ${key}`, (store) => store.feedTotal(key, NOW));
    for (const status of ['visible', 'withdrawn'] as const)
      found.set(`list ${key} ${status}`, (store) => store.list({ after: 0, limit: 500, feed: key, status, at: NOW }));
  }
  for (const key of [...keys, partnerFeedKey('one')]) {
    for (const [delay, at] of [
      [0, NOW],
      [0, NOW + 15 * 60_000],
      [5 * 60_000, NOW],
    ] as const)
      found.set(`partner ${key} ${delay} ${at}`, (store) =>
        store.partnerSnapshot(key, at, { limit: 20, delay, retention: DAY }),
      );
  }
  const span = { from: NOW - 10 * 60_000, to: NOW + DAY, delay: 60_000, upTo: 500, limit: 500 };
  found.set('partner: changes', (store) => store.changedAfter(5, 500));
  found.set('partner: changes by time', (store) => store.changedByTime(span));
  found.set('partner: the next change by time', async (store) => store.nextChangeByTime(NOW, 60_000));
  for (const key of keys) found.set(`partner: left ${key}`, (store) => store.formerMembers(key, 500));
  found.set('partner: ends', (store) => store.syndicationEnds(NOW - DAY, NOW + DAY, 500));
  for (const status of [...STATUSES, undefined])
    found.set(`list ${status}`, (store) =>
      store.list({ after: 0, limit: 500, at: NOW, ...(status === undefined ? {} : { status }) }),
    );
  found.set('feeds', (store) => store.feeds(NOW));
  found.set('list of feeds', (store) => store.listFeeds({ after: '', limit: 500, at: NOW }));
  found.set('key', async (store) => store.key('one'));
  found.set('partner’s key', async (store) => store.key('partner-one'));
  found.set('rules', async (store) => store.rules());
  found.set('setting', async (store) => store.setting('publication'));
  found.set('count', async (store) => store.count());
  found.set('files', async (store) => store.sources());
  for (let number = 0; number < ARTICLES; number += 1) {
    const id = `story-${number}`;
    found.set(`record ${id}`, async (store) => store.find(id));
    found.set(`feeds of ${id}`, async (store) => {
      const stored = await store.find(id);
      return stored && (await store.memberships(stored.number));
    });
    found.set(`feeds that ${id} has left`, async (store) => {
      const stored = await store.find(id);
      return stored && (await store.formerMemberships(stored.number));
    });
    found.set(`history ${id}`, async (store) => {
      const stored = await store.find(id);
      return stored && (await store.history(id));
    });
    found.set(`media ${number}`, (store) => store.isMediaVisible(`${number}.png`, NOW));
  }
  return found;
}

async function answersOf(file: string): Promise<Map<string, unknown>> {
  const store = openSqliteStore(file);
  try {
    const found = new Map<string, unknown>();
    for (const [name, read] of reads()) found.set(name, await read(store));
    return found;
  } finally {
    await store.close();
  }
}

/** What a store answers otherwise than it should: neither as the whole store, nor as not found, nor with `store_damaged`. */
async function wrongAnswers(
  file: string,
  allowed: readonly ReadonlyMap<string, unknown>[],
): Promise<readonly string[]> {
  let store: Store;
  try {
    store = openSqliteStore(file);
  } catch (error) {
    // Damage to the header can make another program's database of it, no database, or one of another schema.
    return error instanceof PublisherError ? [] : [`open: ${error}`];
  }
  const wrong: string[] = [];
  for (const [name, read] of reads()) {
    try {
      const answer = await read(store);
      if (answer === undefined || allowed.some((right) => isDeepStrictEqual(right.get(name), answer))) continue;
      wrong.push(name);
    } catch (error) {
      if (!isDamage(error)) wrong.push(`${name}: ${error}`);
    }
  }
  await store.close().catch(() => {});
  return wrong;
}

function isDamage(error: unknown): boolean {
  return error instanceof PublisherError && error.code === 'store_damaged';
}

/** A damaged copy of the store. */
function damagedFile(damage: (bytes: Buffer) => Buffer): string {
  const file = join(folder, 'damaged.sqlite');
  for (const name of [file, `${file}-wal`, `${file}-shm`, `${file}.damaged`]) rmSync(name, { force: true });
  writeFileSync(file, damage(Buffer.from(whole))); // it may write a log as well
  return file;
}

/** Changes one letter of one definition in the schema. */
function changeDefinition(file: string, row: number, position: number, letter: string): void {
  const db = new DatabaseSync(file, { defensive: false });
  db.exec('PRAGMA writable_schema = ON');
  const definitions = db.prepare('SELECT rowid, sql FROM sqlite_schema WHERE sql IS NOT NULL').all();
  const { rowid = 0, sql } = definitions[row % definitions.length] ?? {};
  const text = String(sql);
  const at = position % text.length;
  const changed = text.slice(0, at) + letter + text.slice(at + 1);
  db.prepare('UPDATE sqlite_schema SET sql = ? WHERE rowid = ?').run(changed, rowid);
  db.close();
}

/** Runs a property of damages of one kind. */
async function expectNoWrongAnswer<Damage>(
  damages: fc.Arbitrary<Damage>,
  apply: (bytes: Buffer, damage: Damage) => Buffer,
  allowed: readonly ReadonlyMap<string, unknown>[] = [answers],
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(damages, async (damage) => {
      expect(
        await wrongAnswers(
          damagedFile((bytes) => apply(bytes, damage)),
          allowed,
        ),
      ).toEqual([]);
    }),
    { numRuns: sized({ short: 3, soak: 30, full: 1000 }) },
  );
}

const pageCount = () => whole.length / PAGE;
const page = fc.nat().map((number) => number % pageCount());

const ALL_BITS = Array.from({ length: 255 }, (_, number) => number + 1);

describe('a damaged store gives the answers of the whole store, or none:', { tags: ['soak'] }, () => {
  test('bytes of a page', async () => {
    const flips = fc.array(fc.tuple(fc.nat(PAGE - 1), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    await expectNoWrongAnswer(fc.tuple(page, flips), (bytes, [number, each]) => {
      for (const [offset, bits] of each) {
        const index = number * PAGE + offset;
        bytes[index] = (bytes[index] ?? 0) ^ bits;
      }
      return bytes;
    });
  });

  test.each(Array.from({ length: 100 }, (_, offset) => offset))('byte %i of the header', async (offset) => {
    const oneBit = [offset % 2 === 0 ? 1 : 0x80]; // most values have several bytes
    for (const bits of sized({ short: oneBit, soak: [1, 8, 0x80], full: ALL_BITS })) {
      const file = damagedFile((bytes) => {
        bytes[offset] = (bytes[offset] ?? 0) ^ bits;
        return bytes;
      });
      expect(await wrongAnswers(file, [answers]), `${bits}`).toEqual([]);
    }
  });

  test('a letter of the definitions of tables', async () => {
    const LETTERS = 'abcdefghijklmnopqrstuvwxyz_("';
    const change = fc.record({ row: fc.nat(), position: fc.nat(), letter: fc.constantFrom(...LETTERS) });
    await fc.assert(
      fc.asyncProperty(change, async ({ row, position, letter }) => {
        const file = damagedFile((bytes) => bytes);
        changeDefinition(file, row, position, letter);
        expect(await wrongAnswers(file, [answers])).toEqual([]);
        const db = new DatabaseSync(file);
        const checked = await checkStore(db, { onDamage: () => {}, progress: () => {} }).catch(storeError);
        db.close();
        if (checked instanceof Error) expect(checked).toMatchObject({ code: 'store_damaged' });
      }),
      { numRuns: sized({ short: 8, soak: 80, full: 3000 }) },
    );
  });

  test('one page over another', async () => {
    await expectNoWrongAnswer(fc.tuple(page, page), (bytes, [from, to]) => {
      if (to > 0) bytes.copy(bytes, to * PAGE, from * PAGE, (from + 1) * PAGE);
      return bytes;
    });
  });

  test.each(['documents', 'publication', 'readers'])('the setting “%s” is lost', async (name) => {
    const file = damagedFile((bytes) => bytes);
    const db = new DatabaseSync(file);
    expect(db.prepare('DELETE FROM setting WHERE name = ?').run(name).changes).toBe(1);
    db.close();
    expect(await wrongAnswers(file, [answers])).toEqual([]);
  });

  test('a page as it was earlier', async () => {
    const pages = fc.subarray(Array.from({ length: 120 }, (_, number) => number).slice(1), { minLength: 1 });
    await expectNoWrongAnswer(
      pages,
      (bytes, numbers) => {
        for (const number of numbers) {
          if ((number + 1) * PAGE > Math.min(bytes.length, earlier.length)) continue;
          earlier.copy(bytes, number * PAGE, number * PAGE, (number + 1) * PAGE);
        }
        return bytes;
      },
      [answers, earlierAnswers],
    );
  });

  test('fewer cells in a page than there are', async () => {
    await expectNoWrongAnswer(fc.tuple(page, fc.integer({ min: 1, max: 3 })), (bytes, [number, fewer]) => {
      const start = number * PAGE;
      const cells = bytes.readUInt16BE(start + 3);
      if (number > 0 && cells > fewer) bytes.writeUInt16BE(cells - fewer, start + 3);
      return bytes;
    });
  });

  test('a page of zeros, or a file that is cut', async () => {
    await expectNoWrongAnswer(fc.tuple(page, fc.boolean()), (bytes, [number, isCut]) => {
      if (number === 0) return bytes;
      return isCut ? bytes.subarray(0, number * PAGE) : bytes.fill(0, number * PAGE, (number + 1) * PAGE);
    });
  });

  test('a log of changes that is cut or damaged, with a part of its pages in the file already', async () => {
    const FRAME = PAGE + 24;
    const frames = Math.floor((log.length - 32) / FRAME);
    const moved = fc.array(fc.nat(frames - 1), { maxLength: 6 });
    await expectNoWrongAnswer(
      fc.tuple(moved, fc.nat(log.length - 1), fc.boolean()),
      (_, [numbers, position, isCut]) => {
        const rest = Buffer.from(log);
        if (!isCut) rest[position] = (rest[position] ?? 0) ^ 0xff;
        writeFileSync(join(folder, 'damaged.sqlite-wal'), isCut ? rest.subarray(0, position) : rest);
        const bytes = Buffer.from(earlier);
        for (const number of numbers) {
          const start = 32 + number * FRAME;
          const to = (log.readUInt32BE(start) - 1) * PAGE;
          if (to + PAGE <= bytes.length) log.copy(bytes, to, start + 24, start + FRAME);
        }
        return bytes;
      },
      [answers, earlierAnswers],
    );
  });
});

/** The number of the article that the changes are made to. */
const NUMBER = "(SELECT number FROM article WHERE id = 'story-1')";

describe('a change to what is damaged', () => {
  /** Opens a copy of the store in which a statement has changed something. */
  function openDamaged(sql: string): Store {
    const file = damagedFile((bytes) => bytes);
    const db = new DatabaseSync(file);
    db.exec(sql);
    db.close();
    const store = openSqliteStore(file);
    onTestFinished(() => store.close());
    return store;
  }

  test.each([1, 2])(
    'and nothing is called missing, where the page of index %i of articles has no rows',
    async (number) => {
      const db = new DatabaseSync(join(folder, 'whole.sqlite'), { readOnly: true });
      const { rootpage } = db
        .prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?')
        .get(`sqlite_autoindex_article_${number}`) as { rootpage: number };
      db.close();
      const file = damagedFile((bytes) => {
        bytes.set([LEAF_OF_INDEX, 0, 0, 0, 0, PAGE >> 8, 0, 0], (rootpage - 1) * PAGE);
        return bytes;
      });
      const store = openSqliteStore(file);
      onTestFinished(() => store.close());

      await expect(store.apply([put(900)], () => NOW)).rejects.toMatchObject({ code: 'store_damaged' });
      if (number === 1) await expect(store.find('story-1')).rejects.toMatchObject({ code: 'store_damaged' });
    },
  );

  test('cannot publish a withdrawn article again from a file whose row is lost', async () => {
    const store = openDamaged("DELETE FROM source WHERE id = 'story-4'");

    await expect(store.sources()).rejects.toMatchObject({ code: 'store_damaged' });
    await expect(store.apply([put(4)], () => NOW)).rejects.toMatchObject({ code: 'store_damaged' });
    expect((await store.find('story-4'))?.article.withdrawn).toBeDefined();
  });

  test.each([
    ['the row of its feed', `UPDATE feed SET name = 'Forged' WHERE key = 'section/section-1'`],
    ['the list of its feed', `UPDATE feed SET entries = x'' WHERE key = 'section/section-1'`],
    ['the pages of its feed', `UPDATE feed SET pages = x'' WHERE key = 'section/section-1'`],
    ['the page that it is in', `UPDATE archive_page SET published = published + 1000000000 WHERE page = 1`],
    ['its rights', `UPDATE syndication SET rights_end = 5 WHERE article = ${NUMBER}`],
    ['its missing rights', `DELETE FROM syndication WHERE article = ${NUMBER}`],
    ['its rights in a feed', `DELETE FROM rights_end WHERE article = ${NUMBER}`],
    ['the list of rights of its feed', `UPDATE feed SET rights = x'' WHERE key = 'section/section-1'`],
    ['its own row', `UPDATE article SET withdrawn = 5 WHERE id = 'story-1'`],
    ['its text', `UPDATE article SET article = replace(article, 'Story 1', 'Forged') WHERE id = 'story-1'`],
    ['its place', `UPDATE place SET feeds = '[1]' WHERE article = (SELECT number FROM article WHERE id = 'story-1')`],
    ['its missing place', `DELETE FROM place WHERE article = (SELECT number FROM article WHERE id = 'story-1')`],
    ['the revision', 'UPDATE revision SET last = last - 1'],
    ['the index of ids', `UPDATE article SET id = 'other' WHERE id = 'story-1'`],
  ])('is not made, and nothing gets a checksum that hides it: %s', async (_, sql) => {
    const store = openDamaged(sql);

    await expect(store.apply([put(1, { title: 'New' })], () => NOW)).rejects.toMatchObject({ code: 'store_damaged' });
    await expect(store.apply([put(900)], () => NOW)).rejects.toMatchObject({ code: 'store_damaged' });
    await expect(store.check()).rejects.toMatchObject({ code: 'store_damaged' });
  });

  test.each([
    ['what a feed had of it', "UPDATE former_member SET stays = replace(stays, '0', '1')"],
    ['when it left', 'UPDATE former_member SET left_at = left_at - 1000'],
    ['that it left', 'DELETE FROM former_member'],
    ['the list of what left feeds', "UPDATE revision SET departures = x''"],
  ])('is not made to an article that has left feeds, and verify finds it: %s', async (_, sql) => {
    const store = openDamaged(sql);
    const withdrawal = store.apply([{ kind: 'withdraw', id: 'story-8' }], () => NOW);

    if (sql.startsWith('DELETE')) await withdrawal;
    else await expect(withdrawal).rejects.toMatchObject({ code: 'store_damaged' });
    await expect(store.formerMembers('section/section-2', 9)).rejects.toMatchObject({ code: 'store_damaged' });
    expect((await damagesIn(join(folder, 'damaged.sqlite'))).length).toBeGreaterThan(0);
  });

  test('names no other feed that an article has left', async () => {
    const store = openDamaged("UPDATE feed SET key = 'section/other' WHERE key = 'section/section-2'");
    const { number = 0 } = (await store.find('story-8')) ?? {};
    await expect(store.formerMemberships(number)).rejects.toMatchObject({ code: 'store_damaged' });
  });

  test.each([
    ['its row', "DELETE FROM media_use WHERE path = '1.png'"],
    ['all rows', 'DELETE FROM media_use'],
    ['the checksum of its path', "UPDATE media_use SET path_checksum = 5 WHERE path = '1.png'"],
    ['its path', "UPDATE media_use SET path = 'other.png' WHERE path = '1.png'"],
    ['the head of its story', "UPDATE article SET published = published + 1e15 WHERE id = 'story-1'"],
    ['its story', "PRAGMA foreign_keys = OFF; DELETE FROM article WHERE id = 'story-1'"],
  ])('hides no file of a story, and verify finds it: %s', async (_, sql) => {
    const store = openDamaged(sql);
    await expect(store.isMediaVisible('1.png', NOW)).rejects.toMatchObject({ code: 'store_damaged' });
    expect((await damagesIn(join(folder, 'damaged.sqlite'))).length).toBeGreaterThan(0);
  });

  test('is not made where only a read has found damage', async () => {
    const store = openDamaged(`UPDATE article SET record = '{}' WHERE id = 'story-2'`);
    await store.apply([put(901)], () => NOW);
    await expect(store.find('story-2')).rejects.toMatchObject({ code: 'store_damaged' });

    expect(store.damage()).toBe(
      'The store is damaged: the record of the article “story-2” does not match its checksum.',
    );
    for (const change of [
      store.apply([put(902)], () => NOW),
      store.rehearse([put(902)], () => NOW),
      store.touchAllFeeds(() => NOW),
      store.saveSetting('a', 'b'),
      store.revokeKey('one', NOW),
      store.overwriteErased(),
    ])
      await expect(change).rejects.toMatchObject({ code: 'store_damaged' });
    expect((await store.find('story-3'))?.article.id).toBe('story-3');
  });
});

async function damagesIn(file: string): Promise<Damage[]> {
  const db = new DatabaseSync(file);
  const found: Damage[] = [];
  await checkStore(db, { onDamage: (damage) => found.push(damage), progress: () => {} });
  db.close();
  return found;
}

/** Writes the articles of the whole store into one of an earlier version, which knew no rights, corrections and partners. */
function writeEarlier(file: string, version: number, damage = ''): void {
  const db = new DatabaseSync(file);
  defineMigrationFunctions(db);
  for (const step of MIGRATIONS.slice(0, BEFORE_CHECKSUMS)) db.exec(step);
  db.exec(`ATTACH '${join(folder, 'whole.sqlite')}' AS whole; DELETE FROM revision; DELETE FROM feed`);
  for (const { name } of db
    .prepare(`SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'`)
    .all()) {
    const columns = db
      .prepare(`SELECT name FROM pragma_table_info('${name}', 'main')`)
      .all()
      .map((column) => column.name);
    const where = name === 'key' ? "WHERE scope <> 'partner'" : '';
    db.exec(`INSERT INTO main.${name} (${columns}) SELECT ${columns} FROM whole.${name} ${where}`);
  }
  db.exec("UPDATE article SET article = json_remove(article, '$.rights', '$.correction')");
  for (const step of MIGRATIONS.slice(BEFORE_CHECKSUMS, version)) db.exec(step);
  db.exec(`${damage}; PRAGMA user_version = ${version}`);
  db.close();
}

test('a store without checksums gets them, and gives the same answers', async () => {
  const file = join(folder, 'old.sqlite');
  writeEarlier(file, BEFORE_CHECKSUMS);
  const reported: number[][] = [];
  migrateDatabase(file, (done, total) => reported.push([done, total]));

  expect(reported).toEqual([[ARTICLES, ARTICLES]]);
  expect(withoutArchives(await answersOf(file))).toEqual(withoutArchives(answers)); // a start divides histories
});

test('a store without archives gives the same answers, and has its history divided', async () => {
  const file = join(folder, 'undivided.sqlite');
  writeEarlier(file, BEFORE_ARCHIVES);
  const reported: number[][] = [];
  expect(migrateDatabase(file, (done, total) => reported.push([done, total]))).toEqual({
    from: BEFORE_ARCHIVES,
    to: MIGRATIONS.length,
  });

  expect(reported).toEqual([]); // no article is written
  expect(withoutArchives(await answersOf(file))).toEqual(withoutArchives(answers));
  const store = openSqliteStore(file);
  await store.setDocumentSizes({ entries: 2, feeds: [] }, () => NOW);
  await store.markServed();
  for (let after: string | undefined = ''; after !== undefined; )
    after = (await store.divideHistory(after, () => NOW)).next;
  expect(await store.archivePage('latest', 1, NOW)).toMatchObject({ isOpen: false, newer: expect.any(Number) });
  await store.close();
  expect(await damagesIn(file)).toEqual([]);
});

test('damage of an earlier version is still found after the store is brought up to date', async () => {
  const file = join(folder, 'earlier-damage.sqlite');
  writeEarlier(file, BEFORE_ARCHIVES, "UPDATE feed SET name = 'Forged' WHERE key = 'section/section-1'");
  migrateDatabase(file);
  expect(await damagesIn(file)).toMatchObject([{ kind: 'feed', name: 'section/section-1' }]);
});

test.each([BEFORE_ARCHIVES, BEFORE_PARTNERS])(
  'a store of schema %i is whole for partners afterwards',
  async (version) => {
    const file = join(folder, 'before-partners.sqlite');
    rmSync(file, { force: true });
    writeEarlier(file, version, "UPDATE key SET name = 'Forged' WHERE id = 'two'");
    migrateDatabase(file);
    expect(await damagesIn(file)).toMatchObject([{ kind: 'table', name: 'key' }]);
    const store = openSqliteStore(file);
    onTestFinished(() => store.close());
    const snapshot = await store.snapshot('latest', NOW, OPTIONS);
    const partners = await store.partnerSnapshot('latest', NOW, { limit: 20, delay: 0, retention: 30 * DAY });

    expect(partners?.entries).toEqual(snapshot?.entries);
    expect((await store.key('one'))?.scope).toBe('read');
    await store.apply([put(1, { title: 'Now with rights' })], () => NOW);
    expect(await damagesIn(file)).toHaveLength(1);
  },
);

test.each([BEFORE_ARCHIVES, BEFORE_PARTNERS])(
  'a repair of a store of schema %i keeps its feeds, rules and keys',
  async (version) => {
    const file = join(folder, `repaired-${version}.sqlite`);
    writeEarlier(file, version, "UPDATE feed SET name = 'Forged' WHERE key = 'tag/tag-4'");
    const locked = lockStore(file);
    const parts = { parse: async () => undefined, arePagesWhole: true, at: NOW, progress: () => {} };
    const { lostFeeds, lostKeys, keys } = await locked.repair(parts, `${file}.damaged`);
    locked.close();

    expect({ lostFeeds, lostKeys, keys }).toEqual({ lostFeeds: ['tag/tag-4'], lostKeys: [], keys: 2 });
    const store = openSqliteStore(file);
    onTestFinished(() => store.close());
    expect((await store.rules()).map(({ id }) => id).sort()).toEqual(['own', 'partner/one']);
    expect((await store.keys()).map(({ id }) => id)).toEqual(['one', 'two']);
    expect(await damagesIn(file)).toEqual([]);
  },
);

/** What earlier versions had as well. Before a start, histories are not divided. */
function withoutArchives(all: ReadonlyMap<string, unknown>): unknown {
  const others = [...all].filter(([name]) => !/^(page |partner|feeds )/.test(name));
  const lacking = new Set(['archive', 'rights', 'correction']);
  return JSON.parse(JSON.stringify(others, (name, value) => (lacking.has(name) ? undefined : value)));
}

test('stores of one, of a thousand and of many changes are found whole', async () => {
  const file = join(folder, 'many.sqlite');
  const store = openSqliteStore(file);
  const parsed = article({ tags: ['x'] });
  let number = 0;
  for (const size of [1, 1000, 700, 1]) {
    const made = Array.from({ length: size }, (): Put => {
      const place = ++number % 1100;
      const text = articleText({
        ...parsed,
        id: `many-${place}`,
        publicId: `urn:many:${place}`,
        title: `Version ${number}`,
        publishedAt: NOW - ((place * 7919) % 5000) * 1000,
      });
      return { kind: 'put', article: text, record: '{}', feeds: ownKeys(parsed), changedAt: NOW };
    });
    await store.apply(made, () => NOW);
  }
  await store.close();
  const again = openSqliteStore(file);
  onTestFinished(() => again.close());
  const snapshot = await again.snapshot('latest', NOW, { limit: 1000, tombstonesFor: DAY });

  expect([again.damage(), await again.count()]).toEqual([undefined, 1100]);
  expect(snapshot?.entries.length).toBe(1000);
  expect(await again.feedTotal('tag/x', NOW)).toEqual({ articles: 1100, newest: snapshot?.entries[0]?.publishedAt });
});
