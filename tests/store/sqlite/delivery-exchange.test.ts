import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startDeliveryExchange, takeShared } from '../../../src/service/delivery-exchange.ts';
import type { Delivery } from '../../../src/store/delivery-store.ts';
import type { MachineState, NumberedBatch, SharedDeliveries } from '../../../src/store/shared-deliveries.ts';
import { openDeliveryFile } from '../../../src/store/sqlite/delivery-file.ts';
import { dataFolder } from '../../helpers.ts';

const NOON = Date.parse('2026-11-20T12:00:00Z');
const SECOND = 1000;
const DAY = 24 * 60 * 60 * SECOND;

function delivery(fields: Partial<Delivery> = {}): Delivery {
  return {
    ...{ at: NOON, partner: 'herald', key: '0123456789ab', feed: 'latest', format: 'rss', status: 200 },
    ...{ bytes: 1000, isWhole: true, revision: 7, network: '192.0.2.0/24' },
    ...fields,
  };
}

/** What the database does, in memory. */
function sharedRecord() {
  const machines = new Map<string, { last: number; state?: MachineState | undefined }>();
  const batches: NumberedBatch[] = [];
  const forMachine = (machine: string, log = 'log'): SharedDeliveries => ({
    machine,
    log: () => log,
    async send({ batch, state }) {
      const known = machines.get(machine) ?? { last: 0 };
      const isNew = batch !== undefined && !batches.some(({ id }) => id === batch.id);
      const last = known.last + (isNew ? 1 : 0);
      if (isNew) batches.push({ ...batch, machine, number: last });
      machines.set(machine, { last, state: state ?? known.state });
    },
    async read(known) {
      const missing = batches.filter(({ machine: of, number }) => number > (known.get(of) ?? 0));
      // One at a time, so that every part but the last is incomplete.
      const all = [...machines].map(([id, rest]) => ({ id, ...rest }));
      return { machines: all, batches: missing.slice(0, 1), isWhole: missing.length <= 1 };
    },
    prune: async () => 0,
  });
  return { forMachine, machines, batches };
}

type Shared = ReturnType<typeof sharedRecord>;

/** The record of a machine that shares what it records. */
async function sharing(shared: Shared, machine: string, { file, log, since }: Options = {}) {
  const path = file ?? join(await dataFolder(), 'store/deliveries.sqlite');
  const clock = { now: NOON, since };
  const now = () => clock.now;
  const record = openDeliveryFile({ file: path, now, since: () => clock.since, onLoss: () => {} });
  onTestFinished(() => record.close());
  const deliveries = shared.forMachine(machine, log);
  const replica = { deliveries, state: () => Promise.reject(new Error('nobody asks')) as never };
  const take = () => takeShared({ exchange: record.exchange, replica, now });
  return {
    ...record,
    ...{ path, clock, take },
    add: (...added: Delivery[]) => record.add({ deliveries: added, through: clock.now }),
    send: async () => deliveries.send((await record.exchange.outgoing()) ?? {}),
    async round() {
      await take();
      await deliveries.send((await record.exchange.outgoing()) ?? {});
      await take();
    },
    times: async () => (await record.deliveries({ limit: 1000 })).map(({ at }) => at - NOON),
  };
}

interface Options {
  readonly file?: string;
  readonly log?: string;
  readonly since?: number;
}

test('a failure that goes on is reported once, and again after a round that succeeds', async () => {
  const shared = sharedRecord();
  const { exchange } = await sharing(shared, 'one');
  const deliveries = shared.forMachine('one');
  const failures: unknown[] = [];
  let problem: Error | undefined;
  vi.useFakeTimers({ toFake: ['setInterval'] }); // no rounds but those of the test
  onTestFinished(() => void vi.useRealTimers());
  const running = startDeliveryExchange({
    exchange,
    replica: {
      state: () => ({ isConnected: true }) as never,
      deliveries: {
        ...deliveries,
        read: (known) => (problem === undefined ? deliveries.read(known) : Promise.reject(problem)),
      },
    },
    isWanted: () => true,
    now: () => NOON,
    fail: (error) => failures.push(error),
  });
  onTestFinished(() => running.close());
  const unreadable = new Error('batch 7 cannot be read');
  for (const next of [unreadable, unreadable, unreadable, undefined, unreadable]) {
    problem = next;
    await running.round();
  }
  expect(failures).toEqual([unreadable, unreadable]);
});

test('a new machine has everything where earlier batches of the others were pruned', async () => {
  const shared = sharedRecord();
  const [one, other] = [await sharing(shared, 'one', { since: NOON }), await sharing(shared, 'other', { since: NOON })];
  await one.take();
  await one.add(delivery());
  await one.round();
  shared.batches.length = 0;
  expect(await other.take()).toBe(true);
  expect(await other.times()).toEqual([]);

  await one.add(delivery({ at: NOON + SECOND }));
  await one.round();
  expect(await other.take()).toBe(true);
  expect(await other.times()).toEqual([SECOND]);
});

test('each machine has what all have delivered, with all that is known of it', async () => {
  const shared = sharedRecord();
  const [one, other] = [await sharing(shared, 'one'), await sharing(shared, 'other')];
  const reach = { storiesFrom: 1, storiesTo: 2, endsFrom: 3, endsFromNumber: 4 };
  await one.round();
  await one.add(delivery({ at: NOON + 1, reach }), delivery({ at: NOON + 3 }));
  await other.round();
  await other.add(delivery({ at: NOON + 2, key: 'of-other' }));
  for (const each of [one, other, one]) await each.round();
  expect([await one.times(), await other.times()]).toEqual([
    [3, 2, 1],
    [3, 2, 1],
  ]);
  expect(await one.lastUses()).toEqual(await other.lastUses());
  const wanted = { partner: 'herald', feeds: ['latest'], from: NOON, to: NOON + 1 };
  expect(await other.firstWhole({ ...wanted, story: 2 })).toMatchObject({ at: NOON + 1 });
  expect(await other.firstWhole({ ...wanted, story: 9 })).toBeUndefined();
  expect(shared.batches.map(({ machine, number }) => [machine, number])).toEqual([
    ['one', 1],
    ['other', 1],
  ]);
});

test('what was recorded before a machine shared, and more than a batch, is sent in pieces', async () => {
  const shared = sharedRecord();
  const [one, other] = [await sharing(shared, 'one'), await sharing(shared, 'other')];
  await one.add(...Array.from({ length: 1200 }, (_, index) => delivery({ at: NOON + index })));
  await one.round();
  expect(shared.machines.get('one')?.state).toBeUndefined(); // more must come first
  await other.round();
  expect((await other.coverage(0)).gaps).toEqual([]);
  await one.round();
  await one.round();
  expect(shared.batches.map(({ deliveries }) => deliveries.length)).toEqual([500, 500, 200]);
  expect(shared.machines.get('one')?.state).toMatchObject({ through: NOON, gaps: [], isRecording: true });
  await other.take();
  expect((await other.deliveries({ limit: 2000 })).length).toBe(1200);
});

test('a batch whose answer was lost is sent again, and kept once', async () => {
  const shared = sharedRecord();
  const [one, other] = [await sharing(shared, 'one'), await sharing(shared, 'other')];
  await one.round();
  await one.add(delivery());
  await one.send(); // its answer is lost
  await one.add(delivery({ at: NOON + 1 }));
  await one.send();
  await one.round();
  await other.round();
  await other.round();
  expect(shared.batches.map(({ deliveries }) => deliveries.length)).toEqual([1, 1]);
  expect([await one.times(), await other.times()]).toEqual([
    [1, 0],
    [1, 0],
  ]);
});

test('a file that goes back to an earlier state records nothing twice, and gets back what it has lost', async () => {
  const shared = sharedRecord();
  const one = await sharing(shared, 'one');
  const other = await sharing(shared, 'other');
  await one.round();
  await one.add(delivery());
  await one.close();
  const copy = `${one.path}.copy`;
  await copyFile(one.path, copy); // as a backup has it: the delivery was not sent yet
  await one.add(delivery({ at: NOON + 1 }));
  await one.round();
  const again = await sharing(shared, 'one', { file: copy });
  for (const each of [again, other, again]) await each.round();
  expect([await again.times(), await other.times()]).toEqual([
    [1, 0],
    [1, 0],
  ]);
  await again.add(delivery({ at: NOON + 2 }));
  for (const each of [again, other]) await each.round();
  expect(await other.times()).toEqual([2, 1, 0]);
});

test('a machine without its file gets all back; what was not sent is a gap', async () => {
  const shared = sharedRecord();
  const one = await sharing(shared, 'one');
  await one.round();
  await one.add(delivery());
  await one.round();
  one.clock.now = NOON + 5 * SECOND;
  const again = await sharing(shared, 'one', { since: NOON - DAY });
  again.clock.now = NOON + 5 * SECOND;
  await again.add();
  expect((await again.coverage(0)).gaps).toEqual([{ from: NOON - DAY, to: NOON + 5 * SECOND }]);
  await again.round();
  expect(await again.times()).toEqual([0]);
  expect((await again.coverage(0)).gaps).toEqual([{ from: NOON, to: NOON + 5 * SECOND }]);
});

test('nobody knows what a silent machine delivers, for a day at most', async () => {
  const shared = sharedRecord();
  const [one, other] = [await sharing(shared, 'one'), await sharing(shared, 'other')];
  await one.add();
  one.clock.since = NOON - DAY;
  await one.round();
  const asOf = async (milliseconds: number) => {
    other.clock.now = NOON + milliseconds;
    await other.round();
    return await other.coverage(0);
  };
  expect(await asOf(9 * SECOND)).toEqual({ since: NOON - DAY, through: NOON, gaps: [] });
  const later = NOON + 11 * SECOND;
  expect(await asOf(11 * SECOND)).toEqual({ since: NOON - DAY, through: later, gaps: [{ from: NOON, to: later }] });
  expect((await asOf(3 * DAY)).gaps).toEqual([{ from: NOON, to: NOON + DAY }]);

  one.clock.now = NOON + 3 * DAY; // it was cut off: what it has recorded meanwhile is there now
  await one.add(delivery({ at: NOON + 12 * SECOND }));
  await one.round();
  expect(await asOf(3 * DAY)).toEqual({ since: NOON - DAY, through: NOON + 3 * DAY, gaps: [] });
  expect(await other.times()).toEqual([12 * SECOND]);

  await one.close();
  await one.round();
  expect((await asOf(9 * DAY)).gaps).toEqual([]); // it has said that it ends
});

test('a gap of one machine is a gap for all', async () => {
  const shared = sharedRecord();
  const [one, other] = [await sharing(shared, 'one'), await sharing(shared, 'other')];
  await one.add();
  one.clock.now = NOON + 4 * SECOND;
  await one.close(false); // as after a kill
  await one.round();
  other.clock.now = NOON + 4 * SECOND;
  await other.round();
  expect(await other.coverage(0)).toEqual({
    through: NOON + 4 * SECOND,
    gaps: [{ from: NOON, to: NOON + 4 * SECOND }],
  });
  expect((await other.coverage(NOON + 4 * SECOND)).gaps).toEqual([]);
});

test('a machine that is cut off says so, until it is alone', async () => {
  const shared = sharedRecord();
  const one = await sharing(shared, 'one');
  await one.exchange.join({ machine: 'one', log: 'log' });
  expect((await one.coverage(0)).gaps).toEqual([{ from: 0, to: NOON }]); // it has nothing of the others yet
  await one.round();
  one.clock.now = NOON + 11 * SECOND;
  expect((await one.coverage(0)).gaps).toEqual([{ from: NOON, to: NOON + 11 * SECOND }]);
  await one.exchange.leave();
  expect((await one.coverage(0)).gaps).toEqual([]);
  await one.add(delivery());
  expect(await one.exchange.outgoing()).toMatchObject({ batch: undefined });
});

test('a record that moves into another database brings all that it has', async () => {
  const [first, second] = [sharedRecord(), sharedRecord()];
  const [one, other] = [await sharing(first, 'one'), await sharing(first, 'other')];
  await one.round();
  await other.round();
  await one.add(delivery());
  await other.add(delivery({ at: NOON + 1 }));
  for (const each of [one, other, one]) await each.round();
  const files = { one: one.path, other: other.path };
  const moved = await sharing(second, 'one', { file: files.one, log: 'log-2' });
  const followed = await sharing(second, 'other', { file: files.other, log: 'log-2' });
  for (const each of [moved, followed, moved]) await each.round();
  const fresh = await sharing(second, 'fresh', { log: 'log-2' });
  await fresh.round();
  for (const { times } of [moved, followed, fresh]) expect(await times()).toEqual([1, 0]);
});

test('what is pruned before it was sent is not sent', async () => {
  const shared = sharedRecord();
  const one = await sharing(shared, 'one');
  await one.round();
  await one.add(delivery(), delivery({ at: NOON + 5 }));
  await one.prune(NOON + 5);
  await one.round();
  expect(shared.batches.flatMap(({ deliveries }) => deliveries.map(({ at }) => at))).toEqual([NOON + 5]);
});

test('a file of an earlier version goes on', async () => {
  const one = await sharing(sharedRecord(), 'one');
  await one.add(delivery());
  await one.close();
  const db = new DatabaseSync(one.path);
  db.exec('DROP TABLE membership; DROP TABLE outgoing; DROP TABLE machine; PRAGMA user_version = 1');
  db.close();
  const again = await sharing(sharedRecord(), 'one', { file: one.path });
  expect(await again.times()).toEqual([0]);
  await again.round();
  expect(await again.times()).toEqual([0]);
});
