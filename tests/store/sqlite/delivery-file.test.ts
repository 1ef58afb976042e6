import { spawnSync } from 'node:child_process';
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import type { Delivery } from '../../../src/store/delivery-store.ts';
import { openDeliveryFile } from '../../../src/store/sqlite/delivery-file.ts';
import { dataFolder } from '../../helpers.ts';

const NOON = Date.parse('2026-11-20T12:00:00Z');
const ALL = Number.MAX_SAFE_INTEGER;

function delivery(fields: Partial<Delivery> = {}): Delivery {
  return {
    at: NOON,
    partner: 'herald',
    key: '0123456789ab',
    feed: 'latest',
    format: 'rss',
    status: 200,
    bytes: 1000,
    isWhole: true,
    revision: 7,
    network: '192.0.2.0/24',
    ...fields,
  };
}

/** A file, and what was put aside of it. */
async function opened({ file, since }: { file?: string; since?: number } = {}) {
  const path = file ?? join(await dataFolder(), 'store/deliveries.sqlite');
  const losses: string[] = [];
  const clock = { now: NOON };
  const onLoss = (reason: string, name: string) => losses.push(`${reason} → ${name.slice(path.length)}`);
  const store = openDeliveryFile({ file: path, now: () => clock.now, since: () => since, onLoss });
  onTestFinished(() => store.close());
  return { path, losses, clock, ...store };
}

test('lists what two processes have recorded, newest first, page by page', async () => {
  const one = await opened();
  const other = await opened({ file: one.path });
  expect(await one.deliveries({ limit: 10 })).toEqual([]);
  await one.add({ deliveries: [delivery({ at: NOON + 1 }), delivery({ at: NOON + 3 })], through: NOON + 4 });
  await other.add({ deliveries: [delivery({ at: NOON + 2, partner: 'post' })], through: NOON + 4 });
  await one.add({ deliveries: [delivery({ at: NOON + 3, isWhole: false })], through: NOON + 5 });

  const [newest, second, ...rest] = await other.deliveries({ limit: 10 });
  expect(newest).toEqual({ ...delivery({ at: NOON + 3, isWhole: false }), number: 4 });
  expect(second).toEqual({ ...delivery({ at: NOON + 3 }), number: 2 });
  expect(rest.map(({ at }) => at - NOON)).toEqual([2, 1]);
  expect(await one.deliveries({ limit: 1, before: { at: NOON + 3, number: 4 } })).toEqual([second]);
  expect((await one.deliveries({ limit: 9, partner: 'post' })).map(({ at }) => at - NOON)).toEqual([2]);
  expect((await one.deliveries({ limit: 9, after: NOON + 2 })).map(({ at }) => at - NOON)).toEqual([3, 3, 2]);
  expect(await one.lastUses()).toEqual(new Map([['0123456789ab', NOON + 3]]));
});

test('finds the first whole document of some feeds with a revision', async () => {
  const { add, firstWhole, statuses } = await opened();
  const deliveries = [
    delivery({ at: NOON + 1, status: 304, revision: 9 }),
    delivery({ at: NOON + 2, isWhole: false, revision: 9 }),
    delivery({ at: NOON + 3, feed: 'section/world', revision: 9 }),
    delivery({ at: NOON + 4, revision: 8 }),
    delivery({ at: NOON + 5, revision: 9 }),
    delivery({ at: NOON + 6, revision: 9, partner: 'post' }),
  ];
  await add({ deliveries, through: NOON + 9 });
  const search = { partner: 'herald', feeds: ['latest', 'tag/a'], from: NOON, to: ALL };

  expect((await firstWhole({ ...search, revision: 9 }))?.at).toBe(NOON + 5);
  expect((await firstWhole(search))?.at).toBe(NOON + 4);
  expect(await firstWhole({ ...search, from: NOON + 6 })).toBeUndefined();
  expect(await firstWhole({ ...search, to: NOON + 3 })).toBeUndefined();
  expect(await statuses('herald', NOON + 1)).toEqual(
    new Map([
      [200, 4],
      [304, 1],
    ]),
  );
});

test('a process that ends leaves no gap, and one that does not say so leaves one', async () => {
  const { add, close, path, clock } = await opened();
  await add({ deliveries: [], through: NOON + 5 });
  clock.now = NOON + 1000;
  await close();
  const next = await opened({ file: path });
  next.clock.now = NOON + 2000;
  expect(await next.coverage(0)).toEqual({ through: NOON + 2000, gaps: [] });

  await next.add({ deliveries: [], through: NOON + 1990 });
  expect(await next.coverage(0)).toEqual({ through: NOON + 1990, gaps: [] }); // it runs, and will save the rest
  next.clock.now = NOON + 3000;
  await next.close(false);
  expect(await next.coverage(0)).toEqual({ through: NOON + 3000, gaps: [{ from: NOON + 1990, to: NOON + 3000 }] });
  expect((await next.coverage(NOON + 3000)).gaps).toEqual([]);
});

/** Has a process record up to each of these moments, by its clock, and kills it. */
function killProcess(path: string, throughs: readonly number[]): void {
  const script = `
    import { openDeliveryFile } from ${JSON.stringify(new URL('../../../src/store/sqlite/delivery-file.ts', import.meta.url).href)};
    let now = 0;
    const store = openDeliveryFile({ file: ${JSON.stringify(path)}, now: () => now, since: () => undefined, onLoss: () => {} });
    for (now of ${JSON.stringify(throughs)}) await store.add({ deliveries: [], through: now });
    process.kill(process.pid, 'SIGKILL');`;
  const { signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
  });
  expect([signal, stderr]).toEqual(['SIGKILL', '']);
}

test('a killed process leaves a gap from its last saving to the next start', async () => {
  const { path, coverage, add, clock } = await opened();
  killProcess(path, [NOON]);

  clock.now = NOON + 700; // nobody has started again: the end is not known yet
  expect(await coverage(0)).toEqual({ through: NOON + 700, gaps: [{ from: NOON, to: NOON + 700 }] });
  clock.now = NOON + 900;
  await add({ deliveries: [], through: NOON + 900 });
  clock.now = NOON + 5000;
  expect((await coverage(0)).gaps).toEqual([{ from: NOON, to: NOON + 900 }]);
});

const HOUR = 3_600_000;

test.each([
  ['back before the kill', [NOON, NOON - HOUR], NOON - HOUR + 900, { from: NOON - HOUR, to: NOON - HOUR + 900 }],
  ['forward before the kill', [NOON, NOON + HOUR], NOON + HOUR + 900, { from: NOON + HOUR, to: NOON + HOUR + 900 }],
  ['back after the kill', [NOON], NOON - HOUR, { from: NOON, to: NOON + 1000 }],
  ['forward after the kill', [NOON], NOON + HOUR, { from: NOON, to: NOON + HOUR }],
] as const)(
  'what a killed process has not recorded is a gap, also if the clock is set %s',
  async (_, throughs, now, gap) => {
    const { path, coverage, add, clock } = await opened();
    killProcess(path, throughs);
    clock.now = now;
    expect((await coverage(0)).gaps).toEqual([gap]);
    await add({ deliveries: [], through: now });
    expect((await coverage(0)).gaps).toEqual([gap]);
  },
);

test('while the clock is an hour behind, the record ends at the present', async () => {
  const { add, coverage, clock } = await opened();
  await add({ deliveries: [], through: NOON });
  clock.now = NOON - HOUR;
  await add({ deliveries: [], through: NOON - HOUR - 10 });
  expect(await coverage(0)).toEqual({ through: NOON - HOUR - 10, gaps: [] });
});

test('what a process could not keep is a gap', async () => {
  const { add, coverage } = await opened();
  await add({ deliveries: [], through: NOON + 9, lost: { from: NOON + 1, to: NOON + 4, count: 3 } });
  expect((await coverage(0)).gaps).toEqual([{ from: NOON + 1, to: NOON + 4 }]);
});

test('while another process writes nothing is added', async () => {
  const { add, path, deliveries } = await opened();
  await add({ deliveries: [delivery()], through: NOON });
  const other = new DatabaseSync(path);
  onTestFinished(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  expect(await add({ deliveries: [delivery()], through: NOON })).toBe('busy');
  expect(await deliveries({ limit: 9 })).toHaveLength(1);
  other.exec('ROLLBACK');
  expect(await add({ deliveries: [delivery()], through: NOON })).toBe('added');
  expect(await deliveries({ limit: 9 })).toHaveLength(2);
});

test.each([
  ['a text', (file: string) => writeFileSync(file, 'no database, but a text of some length\n'.repeat(200))],
  [
    'a database of another program',
    (file: string) => {
      const db = new DatabaseSync(file);
      db.exec('CREATE TABLE other (a)');
      db.close();
    },
  ],
  [
    'a later version',
    (file: string) => {
      const db = new DatabaseSync(file);
      db.exec('PRAGMA application_id = 1179673701; PRAGMA user_version = 99; CREATE TABLE other (a)');
      db.close();
    },
  ],
])('%s in the place of the file is put aside, and its time is a gap', async (_name, write) => {
  const folder = await dataFolder({ 'store/note.txt': '' });
  const path = join(folder, 'store/deliveries.sqlite');
  write(path);
  const { add, losses, coverage, deliveries } = await opened({ file: path, since: NOON - 5000 });
  expect(await add({ deliveries: [delivery()], through: NOON })).toBe('added');

  expect(await deliveries({ limit: 9 })).toHaveLength(1);
  expect(losses).toEqual([expect.stringMatching(/ → \.damaged-2026-11-20T120000Z$/)]);
  expect(readdirSync(join(folder, 'store'))).toContain('deliveries.sqlite.damaged-2026-11-20T120000Z');
  expect((await coverage(0)).gaps).toEqual([{ from: NOON - 5000, to: NOON }]);
});

test('a folder in the place of the file is named as such, and the file is written when it has gone', async () => {
  const folder = await dataFolder({ 'store/deliveries.sqlite/note.txt': '' });
  const path = join(folder, 'store/deliveries.sqlite');
  const { add, problem, deliveries, losses } = await opened({ file: path });
  const advice = 'A folder has this name: move the folder away';
  expect(await add({ deliveries: [delivery()], through: NOON })).toBe('full');
  expect(problem()).toBe(advice);
  await expect(deliveries({ limit: 9 })).rejects.toMatchObject({
    code: 'store_unavailable',
    message: `The record of deliveries cannot be used: ${path}.`,
    hint: `${advice}.`,
  });
  renameSync(path, `${path}-moved`);
  expect(await add({ deliveries: [delivery()], through: NOON })).toBe('added');
  expect([problem(), losses]).toEqual([undefined, []]);
});

test('a file in the place of the store’s folder is named as such', async () => {
  const path = join(await dataFolder({ store: '' }), 'store/deliveries.sqlite');
  const { add, problem } = await opened({ file: path });
  expect(await add({ deliveries: [delivery()], through: NOON })).toBe('full');
  expect(problem()).toMatch(/^The reason: .* \((?:EEXIST|ENOTDIR)\)$/);
});

test('two versions of the program do not put each other’s files aside without end', async () => {
  const { path, add, losses, problem } = await opened();
  expect(await add({ deliveries: [delivery()], through: NOON })).toBe('added');
  rmSync(path);
  const newer = new DatabaseSync(path);
  newer.exec('PRAGMA application_id = 1179673701; PRAGMA user_version = 99; CREATE TABLE delivery (a)');
  newer.close();
  expect(await add({ deliveries: [delivery()], through: NOON })).toBe('full');
  expect(losses).toEqual([]);
  expect(problem()).toBe('A service of another version uses it: stop that service');
});

test('a file that is missing is a gap since the first recording', async () => {
  const path = join(await dataFolder(), 'store/deliveries.sqlite');
  const { add, coverage, losses } = await opened({ file: path, since: NOON - 5000 });
  expect(await coverage(0)).toEqual({ through: NOON, gaps: [{ from: NOON - 5000, to: NOON }], since: NOON - 5000 });
  await add({ deliveries: [], through: NOON });
  expect(await coverage(0)).toEqual({ through: NOON, gaps: [{ from: NOON - 5000, to: NOON }], since: NOON - 5000 });
  expect(losses).toEqual([]);
});

test('another process goes on in the new file where one has put the file aside', async () => {
  const one = await opened();
  await one.add({ deliveries: [delivery()], through: NOON });
  await one.close();
  writeFileSync(one.path, 'damaged '.repeat(2000));
  const other = await opened({ file: one.path });
  await other.add({ deliveries: [delivery({ partner: 'post' })], through: NOON });
  await one.add({ deliveries: [delivery()], through: NOON });
  expect((await other.deliveries({ limit: 9 })).map(({ partner }) => partner)).toEqual(['herald', 'post']);
  expect([one.losses.length, other.losses.length]).toEqual([0, 1]);
});

test('removes what is old, and keeps the last use of keys', async () => {
  const { add, prune, deliveries, lastUses } = await opened();
  expect(await prune(NOON)).toBe(0);
  await add({ deliveries: [delivery(), delivery({ at: NOON + 5 })], through: NOON + 5 });
  expect(await prune(NOON + 5)).toBe(1);
  expect(await prune(NOON + 5)).toBe(0);
  expect((await deliveries({ limit: 9 })).map(({ at }) => at)).toEqual([NOON + 5]);
  await prune(NOON + 6);
  expect(await lastUses()).toEqual(new Map([['0123456789ab', NOON + 5]]));
});

test('searches read an index, not the table', async () => {
  const { add, path } = await opened();
  await add({ deliveries: [delivery()], through: NOON });
  const db = new DatabaseSync(path);
  onTestFinished(() => db.close());
  const plan = (sql: string) =>
    db
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map(({ detail }) => String(detail))
      .join();
  expect(
    plan("SELECT * FROM delivery WHERE status = 200 AND whole = 1 AND partner = 'a' AND at >= 1 ORDER BY at"),
  ).toContain('delivery_whole');
  expect(plan("SELECT * FROM delivery WHERE partner = 'a' AND at >= 1 ORDER BY at DESC, id DESC")).toContain(
    'delivery_partner',
  );
});
