import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { articleText } from '../../../src/article/stored.ts';
import { PublisherError } from '../../../src/errors.ts';
import { ownKeys } from '../../../src/feed/feeds.ts';
import { defineMigrationFunctions, migrateDatabase } from '../../../src/store/sqlite/database.ts';
import { MIGRATIONS } from '../../../src/store/sqlite/migrations.ts';
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

/** Pages of SQLite. */
const PAGE = 8192;

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
  const made = article({
    id,
    title: `Story ${number}`,
    body: `<p>${`Text of story ${number}. `.repeat(1 + (number % 40) * 10)}</p><img src="https://feeds.news.example/media/${number}.png">`,
    sections: [`Section ${number % 3}`],
    tags: [`Tag ${number % 5}`, ...(number % 11 === 0 ? ['Tag 9'] : [])],
    publishedAt: new Date(NOW - (ARTICLES - number - 3) * 60_000).toISOString(), // three are under embargo
    ...(number % 7 === 0 ? { expiresAt: new Date(NOW + (number - 20) * 60_000).toISOString() } : {}),
    ...fields,
  });
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
  await store.backfillFeeds(
    [{ id: 'own', select: { any: ['section/section-1'], all: [], none: ['tag/tag-1'] } }],
    () => NOW,
  );
  await store.apply(made, () => NOW);
  for (const id of ['one', 'two']) {
    if ((await store.key(id)) !== undefined) continue;
    await store.createKey({ id, name: id, scope: 'read', hash: new Uint8Array(32), createdAt: NOW });
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
    found.set(`total ${key}`, (store) => store.feedTotal(key, NOW));
    for (const status of ['visible', 'withdrawn'] as const)
      found.set(`list ${key} ${status}`, (store) => store.list({ after: 0, limit: 500, feed: key, status, at: NOW }));
  }
  for (const status of [...STATUSES, undefined])
    found.set(`list ${status}`, (store) =>
      store.list({ after: 0, limit: 500, at: NOW, ...(status === undefined ? {} : { status }) }),
    );
  found.set('feeds', (store) => store.feeds(NOW));
  found.set('list of feeds', (store) => store.listFeeds({ after: '', limit: 500, at: NOW }));
  found.set('key', async (store) => store.key('one'));
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
    found.set(`history ${id}`, async (store) => {
      const stored = await store.find(id);
      return stored && (await store.history(id));
    });
    found.set(`media ${number}`, async (store) => (await store.isMediaVisible(`${number}.png`, NOW)) || undefined);
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
    { numRuns: sized({ short: 5, soak: 100, full: 1000 }) },
  );
}

const pageCount = () => whole.length / PAGE;
const page = fc.nat().map((number) => number % pageCount());

const ALL_BITS = Array.from({ length: 255 }, (_, number) => number + 1);

describe('a damaged store gives the answers of the whole store, or none:', () => {
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
    for (const bits of sized({ short: [1, 0x80], soak: [1, 2, 4, 8, 16, 32, 64, 128, 255], full: ALL_BITS })) {
      const file = damagedFile((bytes) => {
        bytes[offset] = (bytes[offset] ?? 0) ^ bits;
        return bytes;
      });
      expect(await wrongAnswers(file, [answers]), `${bits}`).toEqual([]);
    }
  });

  test('one page over another', async () => {
    await expectNoWrongAnswer(fc.tuple(page, page), (bytes, [from, to]) => {
      if (to > 0) bytes.copy(bytes, to * PAGE, from * PAGE, (from + 1) * PAGE);
      return bytes;
    });
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

  test('cannot publish a withdrawn article again from a file whose row is lost', async () => {
    const store = openDamaged("DELETE FROM source WHERE id = 'story-4'");

    await expect(store.sources()).rejects.toMatchObject({ code: 'store_damaged' });
    await expect(store.apply([put(4)], () => NOW)).rejects.toMatchObject({ code: 'store_damaged' });
    expect((await store.find('story-4'))?.article.withdrawn).toBeDefined();
  });

  test.each([
    ['the row of its feed', `UPDATE feed SET name = 'Forged' WHERE key = 'section/section-1'`],
    ['the list of its feed', `UPDATE feed SET entries = x'' WHERE key = 'section/section-1'`],
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

test('a store without checksums gets them, and gives the same answers', async () => {
  const file = join(folder, 'old.sqlite');
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
    db.exec(`INSERT INTO main.${name} (${columns}) SELECT ${columns} FROM whole.${name}`);
  }
  db.exec(`PRAGMA user_version = ${BEFORE_CHECKSUMS}`);
  db.close();
  const reported: number[][] = [];
  migrateDatabase(file, (done, total) => reported.push([done, total]));

  expect(reported).toEqual([[ARTICLES, ARTICLES]]);
  expect(await answersOf(file)).toEqual(answers);
});

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
