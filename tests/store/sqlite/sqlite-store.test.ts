import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { articleText } from '../../../src/article/stored.ts';
import { PublisherError } from '../../../src/errors.ts';
import { ownKeys, type Selection } from '../../../src/feed/feeds.ts';
import { customFeedChooser } from '../../../src/feed/selection.ts';
import { OLDER } from '../../../src/store/sqlite/audit.ts';
import { SHARED, SINGLE } from '../../../src/store/sqlite/audit-texts.ts';
import {
  defineMigrationFunctions,
  migrateDatabase,
  openDatabase,
  storeError,
} from '../../../src/store/sqlite/database.ts';
import { SAME_URL } from '../../../src/store/sqlite/entries.ts';
import { LIST_NAMES } from '../../../src/store/sqlite/feed-rows.ts';
import { type FeedList, listQuery, STORE_LISTS, type StoreList } from '../../../src/store/sqlite/lists.ts';
import { MIGRATIONS, SEAL } from '../../../src/store/sqlite/migrations.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import type { Listed, ListOptions, Put, Store } from '../../../src/store/store.ts';
import { article, dataFolder } from '../../helpers.ts';
import { sized } from '../../soak/sizes.ts';
import { storeContract } from '../../store.contract.ts';
import { overwriteTables } from '../overwritten.ts';

const NOW = Date.UTC(2026, 10, 22);
const OPTIONS = { limit: 50, tombstonesFor: 86_400_000 };

storeContract(
  'SQLite',
  async () => openSqliteStore(':memory:'),
  async () => {
    const file = await storeFile();
    return [opened(file), opened(file)];
  },
  damaged,
);

/** A path for a store, whose folder is not there yet. */
async function storeFile(): Promise<string> {
  return join(await dataFolder(), 'store', 'publisher.sqlite');
}

function opened(file: string): Store {
  const store = openSqliteStore(file);
  onTestFinished(() => store.close().catch(() => {})); // where the test has not done so
  return store;
}

function put(fields: Readonly<Record<string, unknown>>): Put {
  const made = article(fields);
  return { kind: 'put', article: articleText(made), record: '{"a":1}', feeds: ownKeys(made), changedAt: NOW };
}

/** A store that has only these steps of the schema. */
async function databaseOf(steps: readonly string[], version = steps.length): Promise<string> {
  const file = await storeFile();
  await mkdir(join(file, '..'));
  const db = new DatabaseSync(file);
  defineMigrationFunctions(db);
  for (const step of steps) db.exec(step);
  db.exec(`PRAGMA user_version = ${version}`);
  db.close();
  return file;
}

/** Gives what a test has written its checksums, and closes the store. */
function seal(db: DatabaseSync): void {
  defineMigrationFunctions(db);
  db.exec(SEAL);
  db.close();
}

/** The code of the error that the work throws, and whether the message names the file. */
function refusal(file: string, work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    if (error instanceof PublisherError) return [error.code, error.message.includes(file)];
    throw error;
  }
  return 'nothing is thrown';
}

test('a store that is opened again is as it was left', async () => {
  const file = await storeFile();
  const before = opened(file);
  await before.backfillFeeds([{ id: 'own', select: { any: ['tag/x'], all: [], none: [] } }], () => NOW);
  await before.apply([put({ tags: ['x'] }), put({ id: 'b' }), put({ id: 'c' })], () => NOW);
  await before.apply([{ kind: 'withdraw', id: 'b', reason: 'error' }], () => NOW);
  await before.apply([{ ...put({ id: 'c' }), source: { path: 'c.md', signature: '1', media: [] } }], () => NOW);
  await before.saveSetting('s', 'v');
  await before.createKey({ id: 'k', name: 'K', scope: 'read', hash: Uint8Array.of(1), createdAt: 1 });
  const everything = async (store: Store) => [
    await store.snapshot('latest', NOW, OPTIONS),
    await store.feeds(NOW),
    await store.rules(),
    await store.page(0, 50),
    await store.sources(),
    await store.setting('s'),
    await store.keys(),
  ];
  const left = await everything(before);
  await before.close();
  const after = opened(file);
  expect(await everything(after)).toEqual(left);
  expect(await after.apply([put({ id: 'd' })], () => NOW)).toMatchObject([{ result: 'created', revision: 5 }]);
  expect((await after.find('d'))?.number).toBe(4);
});

test('an acknowledged change is on disk before the store is closed', async () => {
  const file = await storeFile();
  await opened(file).apply([put({})], () => NOW);
  const db = new DatabaseSync(file, { readOnly: true });
  onTestFinished(() => db.close());
  expect(db.prepare('SELECT id, revision, record FROM article').all()).toEqual([
    { id: 'a', revision: 1, record: '{"a":1}' },
  ]);
});

/** The query plan of a statement. */
async function stepsOf(sql: string): Promise<readonly unknown[]> {
  const db = new DatabaseSync(await databaseOf(MIGRATIONS));
  onTestFinished(() => db.close());
  const steps = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
  return steps.map(({ detail }) => detail);
}

test('a feed is counted exactly where many articles share a moment', async () => {
  const file = await databaseOf(MIGRATIONS);
  const db = new DatabaseSync(file);
  db.exec(`
    PRAGMA foreign_keys = OFF;
    INSERT INTO feed (number, key, name) VALUES (1000, 'tag/x', 'x');
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100001)
    INSERT INTO entry (feed, published, tie, article, expires)
    SELECT 1000, iif(n % 1000 = 0, ${NOW + 1}, ${NOW} - (n % 3)), n % 7, n, iif(n % 10 = 1, ${NOW}, NULL) FROM numbers`);
  seal(db);
  const store = opened(file);
  const total = await store.feedTotal('tag/x', NOW);

  // 100 are still to come, 10,001 have expired.
  expect(total).toEqual({ articles: 100_001 - 100 - 10_001, newest: NOW });
  const feeds = await store.listFeeds({ after: '', limit: 5, at: NOW });
  expect(feeds.feeds.at(-1)).toEqual({ key: 'tag/x', name: 'x', ...total });
});

test('a commit is on disk before it is acknowledged: the journal is written ahead and waited for', async () => {
  const file = await storeFile();
  for (const state of ['new', 'old']) {
    const db = openDatabase(file);
    const pragmas = ['synchronous', 'journal_mode'].map((name) => db.prepare(`PRAGMA ${name}`).get());
    db.close();

    expect(pragmas, state).toEqual([{ synchronous: 2 }, { journal_mode: 'wal' }]); // 2 is FULL
  }
});

test('a store of an earlier program may have had readers, whatever it holds', async () => {
  const store = opened(await databaseOf(MIGRATIONS));
  await store.apply([{ ...put({}), changedAt: 5 }], () => NOW);
  expect((await store.snapshot('latest', NOW, OPTIONS))?.changedAt).toBe(NOW);
});

test('the clock is read once no other process can write any more: to wait for that may take seconds', async () => {
  const file = await storeFile();
  const store = opened(file);
  const other = new DatabaseSync(file, { timeout: 0 });
  const isLocked = () => {
    try {
      other.exec('BEGIN IMMEDIATE; ROLLBACK');
      return false;
    } catch (error) {
      return String(error).includes('database is locked');
    }
  };
  const asked: boolean[] = [];
  const now = () => {
    asked.push(isLocked());
    return NOW;
  };
  await store.apply([put({})], now);
  await store.apply([{ kind: 'withdraw', id: 'a' }], now);
  await store.backfillFeeds([{ id: 'own', select: { any: [], all: [], none: [] } }], now);
  await store.touchAllFeeds(now);
  const afterwards = isLocked();
  other.close();

  expect(asked.length).toBeGreaterThanOrEqual(4);
  expect([new Set(asked), afterwards]).toEqual([new Set([true]), false]);
});

/** The index of each list. The names under embargo of a feed are few. */
const INDEX_OF: Readonly<Record<FeedList | StoreList, string>> = {
  entries: 'SEARCH entry USING PRIMARY KEY (feed=? AND published>? AND published<?)',
  expiries: 'SEARCH entry USING COVERING INDEX entry_expires (feed=? AND expires>? AND expires<?)',
  tombstones: 'SEARCH tombstone USING PRIMARY KEY (feed=? AND at>? AND at<?)',
  coming: 'SEARCH coming_name USING PRIMARY KEY (feed=?)',
  pages: 'SEARCH archive_page USING PRIMARY KEY (feed=? AND published>? AND published<?)',
  rights: 'SEARCH rights_end USING PRIMARY KEY (feed=? AND at>? AND at<?)',
  articles: 'SEARCH article USING INDEX sqlite_autoindex_article_3 (revision>? AND revision<?)',
  withdrawn: 'SEARCH article USING INDEX article_withdrawn (revision>? AND revision<?)',
  expiring: 'SEARCH article USING COVERING INDEX article_expires (revision>? AND revision<?)',
  singleAudits: 'SEARCH audit USING INDEX audit_article (lowest>? AND lowest<?)',
  rangeAudits: 'SEARCH audit USING COVERING INDEX audit_range (highest>? AND highest<?)',
  syndication: 'SEARCH syndication USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)',
  corrections: 'SEARCH syndication USING INDEX syndication_corrected (corrected>? AND corrected<?)',
  formerFeeds: 'SEARCH former_member USING PRIMARY KEY (article>? AND article<?)',
  formerMembers: 'SEARCH former_member USING INDEX former_member_feed (feed>? AND feed<?)',
  departures: 'SEARCH former_member USING INDEX former_member_left (left_at>? AND left_at<?)',
  mediaUses: 'SEARCH media_use USING COVERING INDEX media_use_path (path_checksum>? AND path_checksum<?)',
};

test.each([...LIST_NAMES, ...(Object.keys(STORE_LISTS) as StoreList[])])(
  'a part of a list is a range of an index: %s',
  async (name) => {
    expect((await stepsOf(listQuery(name)))[0]).toBe(INDEX_OF[name]);
  },
);

test('the lists of large and small feeds are the same', async () => {
  const store = openSqliteStore(':memory:');
  const kinds = [
    {},
    { expiresAt: '2026-11-21T00:00:00Z' },
    { embargoUntil: '2026-12-01T00:00:00Z' },
    { withdrawn: { at: '2026-11-21T00:00:00Z' } },
  ];
  const puts = Array.from({ length: 6000 }, (_, number) =>
    put({ id: `a${number}`, tags: [number < 5500 ? 'many' : 'few'], ...kinds[number % 4] }),
  );
  await store.apply(puts, () => Date.UTC(2026, 10, 1));
  const idsOf = async (options: Pick<ListOptions, 'feed' | 'status'>) => {
    const ids: string[] = [];
    for (let next: number | undefined = 0; next !== undefined; ) {
      const page: Listed = await store.list({ ...options, after: next, limit: 400, at: NOW });
      ids.push(...page.articles.map(({ article: { id } }) => id));
      next = page.next;
    }
    return ids;
  };
  const expected = (of: (number: number) => boolean) =>
    puts.flatMap(({ article: { id } }, number) => (of(number) ? [id] : []));

  for (const [index, status] of (['visible', 'expired', 'embargoed', 'withdrawn'] as const).entries()) {
    const isOne = (number: number) => number % 4 === index;
    expect(await idsOf({ status })).toEqual(expected(isOne));
    expect(await idsOf({ status, feed: 'tag/many' })).toEqual(expected((number) => isOne(number) && number < 5500));
    expect(await idsOf({ status, feed: 'tag/few' })).toEqual(expected((number) => isOne(number) && number >= 5500));
  }
  expect(await idsOf({ feed: 'tag/many' })).toEqual(expected((number) => number < 5500));
  expect(await idsOf({ feed: 'tag/few' })).toEqual(expected((number) => number >= 5500));
  await store.close();
});

test('a store of a newer program is refused, and not touched', async () => {
  const file = await databaseOf(MIGRATIONS, MIGRATIONS.length + 1);
  const expected = ['store_too_new', true];
  expect(refusal(file, () => openSqliteStore(file))).toEqual(expected);
  expect(refusal(file, () => migrateDatabase(file))).toEqual(expected);
});

test.each(MIGRATIONS.map((_, index) => index).slice(1))(
  'a store of version %d is refused until it is brought up to date',
  async (version) => {
    const file = await databaseOf(MIGRATIONS.slice(0, version));
    expect(refusal(file, () => openSqliteStore(file))).toEqual(['store_outdated', true]);
    expect(migrateDatabase(file)).toEqual({ from: version, to: MIGRATIONS.length });
    const store = opened(file);
    await store.apply([put({})], () => NOW);
    expect([await store.count(), await store.keys()]).toEqual([1, []]);
  },
);

/** Opens the store as soon as all threads have started, and reports the result. */
const OPENING = `
  const { parentPort, workerData: { module, file, gate, count } } = require('node:worker_threads');
  import(module).then(async ({ openSqliteStore }) => {
    Atomics.add(gate, 0, 1);
    while (Atomics.load(gate, 0) < count);
    try {
      await openSqliteStore(file).close();
      parentPort.postMessage('opened');
    } catch (error) {
      parentPort.postMessage(String(error));
    }
  });
`;

/** Rounds in which two threads open a new store at the same moment. */
const ROUNDS_OF_OPENING = sized({ short: 3, soak: 10, full: 100 });

test('processes that open a new store together all find its whole schema', { tags: ['soak'] }, async () => {
  const module = new URL('../../../src/store/sqlite/sqlite-store.ts', import.meta.url).href;
  for (let round = 0; round < ROUNDS_OF_OPENING; round += 1) {
    const count = 2;
    const workerData = { module, file: await storeFile(), gate: new Int32Array(new SharedArrayBuffer(4)), count };
    const results = await Promise.all(
      Array.from({ length: count }, async () => {
        const [message] = await once(new Worker(OPENING, { eval: true, workerData }), 'message');
        return message;
      }),
    );
    expect(results).toEqual(['opened', 'opened']);
  }
});

test('a store that knew files by their paths knows them by their articles', async () => {
  const file = await databaseOf(MIGRATIONS.slice(0, 3));
  const db = new DatabaseSync(file);
  db.exec(
    `INSERT INTO source VALUES ('a.md', 'a', '1', '["p.png"]'), ('en/b.md', 'b', '2', '[]'), ('b.md', 'b', '2', '[]')`,
  );
  db.close();
  migrateDatabase(file);
  expect((await opened(file).sources()).toSorted((one, other) => (one.id < other.id ? -1 : 1))).toEqual([
    { id: 'a', path: 'a.md', signature: '1', media: ['p.png'] },
    { id: 'b', path: expect.stringMatching(/^(en\/)?b\.md$/), signature: '2', media: [] },
  ]);
});

test('a store that did not know which articles name which files of the media folder learns it, and keeps names of feeds', async () => {
  const file = await databaseOf(MIGRATIONS.slice(0, 6));
  const db = new DatabaseSync(file);
  const insert = db.prepare(`INSERT INTO article VALUES (?, ?, ?, ?, ?, 0, NULL, ?, ?, '{}')`);
  const text = (name: string) => JSON.stringify({ html: `<img src="https://feeds.news.example/media/${name}">` });
  insert.run(1, 'a', 'urn:a', 1, 0, null, text('a%20b.png'));
  insert.run(2, 'b', 'urn:b', 2, NOW + 1, null, text('later.png'));
  insert.run(3, 'c', 'urn:c', 3, 0, 5, text('gone.png'));
  db.exec(`INSERT INTO feed (key, name, visible_from) VALUES ('tag/x', 'X', 0)`);
  db.close();
  migrateDatabase(file);
  const store = opened(file);
  const visible = (name: string, at: number) => store.isMediaVisible(name, at);
  expect([await visible('a b.png', NOW), await visible('later.png', NOW), await visible('gone.png', NOW)]).toEqual([
    true,
    false,
    false,
  ]);
  expect(await visible('later.png', NOW + 1)).toBe(true);
  expect(await store.feeds(NOW)).toContainEqual({ key: 'tag/x', name: 'X' });
});

/** The rows of the tables: which feeds hold which articles. */
function placesIn(file: string): unknown[] {
  const db = new DatabaseSync(file, { readOnly: true });
  const held = (table: string) =>
    db.prepare(`SELECT '${table}', key, article FROM ${table} JOIN feed ON feed.number = feed ORDER BY key, article`);
  const rows = ['entry', 'tombstone'].flatMap((table) =>
    held(table)
      .all()
      .map((row) => Object.values(row)),
  );
  db.close();
  return rows;
}

const FEEDS = ['latest', 'tag/x', 'tag/y', 'tag/z'];
const feedsOfArticle = fc.subarray(FEEDS.slice(1)).map((keys) => ['latest', ...keys]);
const selection = fc.record({ any: fc.subarray(FEEDS), all: fc.subarray(FEEDS), none: fc.subarray(FEEDS.slice(1)) });
const step = fc.oneof(
  fc.record({
    kind: fc.constant('put' as const),
    id: fc.integer({ min: 0, max: 3 }),
    title: fc.nat(1),
    feeds: feedsOfArticle,
  }),
  fc.record({ kind: fc.constant('withdraw' as const), id: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ kind: fc.constant('rule' as const), id: fc.integer({ min: 0, max: 1 }), select: fc.option(selection) }),
);

test('after any changes, articles are in their own feeds and those that rules select, and in no others', {
  tags: ['soak'],
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 15 }), async (steps) => {
      const file = await storeFile();
      const store = openSqliteStore(file);
      const rules = new Map<string, Selection>();
      const articles = new Map<number, { number: number; feeds: readonly string[]; isWithdrawn: boolean }>();
      for (const each of steps) {
        if (each.kind === 'rule') {
          const id = `own-${each.id}`;
          await store.backfillFeeds([each.select === null ? { id } : { id, select: each.select }], () => NOW);
          if (each.select === null) rules.delete(id);
          else rules.set(id, each.select);
        } else if (each.kind === 'put') {
          const id = `a-${each.id}`;
          const feeds = each.feeds.map((key) => ({ key, name: '' }));
          await store.apply([{ ...put({ id, title: `Title ${each.title}` }), feeds }], () => NOW);
          const number = (await store.find(id))?.number ?? 0;
          articles.set(each.id, { number, feeds: each.feeds, isWithdrawn: false });
        } else {
          await store.apply([{ kind: 'withdraw', id: `a-${each.id}` }], () => NOW);
          const known = articles.get(each.id);
          if (known !== undefined) articles.set(each.id, { ...known, isWithdrawn: true });
        }
      }
      await store.close();
      const choose = customFeedChooser([...rules].map(([id, select]) => ({ id, select })));
      const expected = [...articles.values()].flatMap(({ number, feeds, isWithdrawn }) =>
        [...feeds, ...choose(feeds)].map((key) => `${isWithdrawn ? 'tombstone' : 'entry'},${key},${number}`),
      );
      expect(placesIn(file).map(String).sort()).toEqual(expected.sort());
    }),
    { numRuns: sized({ short: 20, soak: 200, full: 5000 }) },
  );
});

test('a store opened for an import leaves an empty log when it is closed', async () => {
  const file = await storeFile();
  const store = openSqliteStore(file, { isBulk: true });
  for (let number = 0; number < 20; number += 1) {
    await store.apply([put({ id: `a-${number}` })], () => NOW);
    await sleep(20); // a checkpoint may come between
  }
  expect(await store.count()).toBe(20);
  await store.close();
  expect(await readdir(join(file, '..'))).toEqual(['publisher.sqlite']);
  expect(await opened(file).count()).toBe(20);
});

test('the log of a service moves into the store in the background, long before a change has to wait for it', async () => {
  const file = await storeFile();
  const store = openSqliteStore(file);
  const watcher = new DatabaseSync(file);
  onTestFinished(() => (watcher.isOpen ? watcher.close() : undefined));
  const pending = () => {
    const { log, checkpointed } = { ...watcher.prepare('PRAGMA wal_checkpoint(NOOP)').get() };
    return Number(log) - Number(checkpointed);
  };
  const body = `<p>${'word '.repeat(100_000)}</p>`;
  for (let number = 0; number < 24; number += 1) await store.apply([put({ id: `a-${number}`, body })], () => NOW);
  await vi.waitFor(() => expect(pending()).toBeLessThan(1000), { timeout: 20_000 });
  expect(await store.count()).toBe(24);
  watcher.close();
  await store.close();
  expect(await readdir(join(file, '..'))).toEqual(['publisher.sqlite']);
});

test('a store of version 6 finds the addresses of its articles, and has no history of them', async () => {
  const file = await databaseOf(MIGRATIONS.slice(0, 6));
  const db = new DatabaseSync(file);
  const articles = [article({ id: 'a' }), article({ id: 'b', withdrawn: { at: '2026-11-21T00:00:00Z' } })];
  const insert = db.prepare('INSERT INTO article VALUES (?, ?, ?, ?, ?, ?, NULL, ?, ?, ?)');
  for (const [index, made] of articles.entries()) {
    const { id, publicId, publishedAt, withdrawn } = made;
    const dates = [publishedAt, publishedAt, withdrawn?.at ?? null] as const;
    insert.run(index + 1, id, publicId, index + 1, ...dates, JSON.stringify(made), '{}');
    db.prepare("INSERT INTO place VALUES (?, ?, 0, NULL, '[]')").run(index + 1, publishedAt);
  }
  db.exec('UPDATE revision SET last = 2');
  db.close();
  migrateDatabase(file);
  const store = opened(file);

  expect([await store.history('a'), await store.auditAfter(0, 10)]).toEqual([[], []]);
  expect(await store.apply([put({ id: 'c' }), put({ id: 'a', title: 'New' })], () => NOW)).toMatchObject([
    { id: 'c', result: 'created', sameAddress: 'a' },
    { id: 'a', result: 'updated', sameAddress: 'c' },
  ]);
  expect((await store.history('a')).map(({ what, revision }) => [what, revision])).toEqual([['corrected', 4]]);
});

test('what the audit and the address of an article are looked up with has an index', async () => {
  for (const [sql, index] of [
    [SINGLE, 'SEARCH audit USING INDEX audit_article (lowest=?)'],
    [SHARED, 'SEARCH audit USING INDEX audit_range (highest>?)'],
    [OLDER, 'SEARCH audit USING COVERING INDEX audit_at (at<?)'],
    [SAME_URL, 'SEARCH place USING COVERING INDEX place_url_hash (url_hash=?)'],
  ] as const) {
    expect(await stepsOf(sql)).toContain(index);
  }
});

/**
 * Lets each look at the clock take longer than one piece of work may, and returns a function that tells how often the event
 * loop has gone round.
 */
function countTurns(): () => number {
  let milliseconds = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
    milliseconds += 100;
    return milliseconds;
  });
  let turns = 0;
  let isOver = false;
  const countTurn = () => {
    turns += 1;
    if (!isOver) setImmediate(countTurn);
  };
  setImmediate(countTurn);
  onTestFinished(() => {
    isOver = true;
    clock.mockRestore();
  });
  return () => turns;
}

test('a history lets other work come between the rows of many imports', async () => {
  const store = opened(await storeFile());
  const actor = { kind: 'import', source: 'in.ndjson' } as const;
  for (let version = 1; version <= 5; version += 1) {
    const ids = version % 2 === 0 ? ['c', 'a', 'b'] : ['a', 'b', 'c'];
    await store.apply(
      ids.map((id) => ({ ...put({ id, title: `Version ${version}` }), actor })),
      () => NOW,
    );
  }
  const turns = countTurns();

  const history = await store.history('b');
  expect(history.map(({ what }) => what)).toEqual(['published', 'corrected', 'corrected', 'corrected', 'corrected']);
  expect(turns()).toBeGreaterThanOrEqual(5);
});

test('a list of the feeds of a kind lets other work come between feeds that hold nothing', async () => {
  const store = opened(await storeFile());
  const tags = Array.from({ length: 40 }, (_, index) => `topic ${index}`);
  await store.apply(
    [put({ id: 'a', tags }), put({ id: 'b', tags: ['water'] }), { kind: 'withdraw', id: 'a' }],
    () => NOW,
  );
  const turns = countTurns();

  const listed = async () => (await store.feedsOfKind('tag', NOW, 9)).map(({ key }) => key);
  expect(await listed()).toEqual(['tag/water']);
  expect(turns()).toBeGreaterThanOrEqual(40);
  const before = turns();
  expect(await listed()).toEqual(['tag/water']); // kept while nothing changes
  expect(turns() - before).toBeLessThan(5);
});

test('one transaction removes a limited number of bytes of old rows of the audit, and at least one row', async () => {
  const file = await storeFile();
  const store = opened(file);
  await store.count(); // the schema is there
  const db = new DatabaseSync(file);
  const insert = db.prepare('INSERT INTO audit VALUES (?, ?, 1, 2, NULL, ?, 0)');
  for (const [index, megabytes] of [1, 1.5, 3, 0, 0, 0.5].entries())
    insert.run(index + 1, index === 5 ? NOW : index, 'x'.repeat(megabytes * 1_000_000));
  seal(db);

  const removed = [];
  for (let time = 0; time < 4; time += 1) removed.push(await store.pruneAudit(NOW));
  expect(removed).toEqual([2, 1, 2, 0]);
});

/** A store of version 3 with these rules; empty where a start was interrupted. */
async function ruledStore(rules: string): Promise<string> {
  const file = await databaseOf(MIGRATIONS.slice(0, 3));
  const db = new DatabaseSync(file);
  db.prepare('INSERT INTO setting VALUES (?, ?)').run('rules', rules);
  db.exec(`
    INSERT INTO feed (number, key, name, declared, visible_from) VALUES
      (1, 'latest', '', 1, NULL), (2, 'own', '', 1, 5), (3, 'tag/x', 'X', 0, NULL), (4, 'old', '', 0, 5);
    INSERT INTO article VALUES
      (1, 'a', 'tag:news.example,2026:a', 1, 9, 9, NULL, NULL, '{}', '{}'),
      (2, 'b', 'tag:news.example,2026:b', 2, 9, 9, NULL, 10, '{}', '{}');
    INSERT INTO entry VALUES (1, 9, 7, 1, NULL), (2, 9, 7, 1, NULL), (3, 9, 7, 1, NULL), (4, 9, 7, 1, NULL);
    INSERT INTO tombstone VALUES (1, 10, 2), (2, 10, 2), (3, 10, 2);
    UPDATE revision SET last = 2;
  `);
  db.close();
  migrateDatabase(file);
  return file;
}

test('a store of version 3 keeps the rules that filled its feeds', async () => {
  const select = { any: ['tag/x'], all: [], none: ['tag/y'] };
  const store = opened(await ruledStore(JSON.stringify([['own', select]])));
  expect([await store.rules(), await store.setting('rules')]).toEqual([[{ id: 'own', select }], undefined]);
  expect((await store.memberships(1)).toSorted()).toEqual(['latest', 'own', 'tag/x']);
  expect((await store.memberships(2)).toSorted()).toEqual(['latest', 'own', 'tag/x']);
});

test('articles from an older version can be moved between feeds', async () => {
  const file = await ruledStore(JSON.stringify([['own', { any: ['tag/x'], all: [], none: [] }]]));
  const store = opened(file);
  const moved = { ...put({ tags: ['z'] }), article: { ...put({}).article, publishedAt: 9 } };
  await store.apply([moved], () => NOW);
  await store.apply(
    [{ ...put({ id: 'b', tags: ['z'] }), article: { ...put({ id: 'b' }).article, publishedAt: 9 } }],
    () => NOW,
  );
  expect(placesIn(file)).toEqual([
    ['entry', 'language/en', 1],
    ['entry', 'language/en', 2],
    ['entry', 'latest', 1],
    ['entry', 'latest', 2],
    ['entry', 'tag/z', 1],
    ['entry', 'tag/z', 2],
  ]);
});

test('feeds that version 3 was filling when it was interrupted are to be filled again', async () => {
  const store = opened(await ruledStore(''));
  expect(await store.rules()).toEqual([]);
  expect((await store.feeds(NOW)).map(({ key }) => key)).toEqual(['latest', 'tag/x']);
  for (const number of [1, 2]) expect(await store.memberships(number)).toEqual(['latest', 'tag/x']);
});

test('one transaction fills a limited number of feeds', async () => {
  const store = openSqliteStore(':memory:');
  const puts = Array.from({ length: 400 }, (_, number) => put({ id: `a${number}` }));
  await store.apply(puts, () => NOW);
  const feeds = Array.from({ length: 300 }, (_, number) => ({
    id: `f${number}`,
    select: { any: [], all: [], none: [] },
  }));
  expect(await store.backfillFeeds(feeds, () => NOW)).toBe(250); // 100,000 entries
  expect(await store.backfillFeeds(feeds.slice(250), () => NOW)).toBe(50);
  await store.close();
});

test('a store that is up to date stays as it is', async () => {
  const file = await storeFile();
  await opened(file).apply([put({})], () => NOW);
  expect(migrateDatabase(file)).toEqual({ from: MIGRATIONS.length, to: MIGRATIONS.length });
  expect(await opened(file).count()).toBe(1);
});

test('a file that is no database cannot be opened', async () => {
  const file = await storeFile();
  await mkdir(join(file, '..'));
  await writeFile(file, 'This is a text, and longer than the hundred bytes of the header of a database. '.repeat(20));
  expect(refusal(file, () => openSqliteStore(file))).toEqual(['store_unavailable', true]);
});

/** A store with articles, all of whose pages but the first are overwritten. */
async function damaged(): Promise<Store> {
  const file = await storeFile();
  const store = opened(file);
  await store.apply([put({}), put({ id: 'b' })], () => NOW);
  await store.close();
  await overwriteTables(file);
  return opened(file);
}

test('a folder in the place of the store cannot be opened', async () => {
  const file = await storeFile();
  await mkdir(file, { recursive: true });
  expect(refusal(file, () => openSqliteStore(file))).toEqual(['store_unavailable', true]);
});

test.each([
  ['no room', 13, 'insufficient_storage'],
  ['a disk that fails', 10, 'store_unavailable'],
  ['a disk that fails at a sync', 1034, 'store_unavailable'],
  ['a disk that may only be read', 8, 'store_unavailable'],
  ['another process that writes for too long', 5, 'store_unavailable'],
  ['a damaged page', 11, 'store_damaged'],
  ['a damaged index', 779, 'store_damaged'],
  ['a file that ends too soon', 522, 'store_damaged'],
  ['a row that an index should have had', 2067, 'store_damaged'],
  ['a file that cannot be opened any more', 14, 'store_unavailable'],
  ['what is no database', 26, 'store_damaged'],
])('%s becomes an error of its own', (_, errcode, code) => {
  const cause = Object.assign(new Error('database or disk'), { errcode });
  expect(storeError(cause)).toMatchObject({ name: 'PublisherError', code, cause });
});

test.each([Object.assign(new Error('constraint'), { errcode: 19 }), new Error('a bug'), 5])(
  '%s is no failure of the store',
  (error) => {
    expect(storeError(error)).toBe(error);
  },
);
