import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createKey } from '../../src/publish/api-keys.ts';
import { withSession } from '../../src/store/postgres/connection.ts';
import { deliveryBatches } from '../../src/store/postgres/delivery-batches.ts';
import { createLog } from '../../src/store/postgres/log.ts';
import { SCHEMA } from '../../src/store/sqlite/database.ts';
import { ask } from '../helpers.ts';
import { bearer } from '../http/partners.ts';
import { type Cluster, startCluster } from '../peers/postgres.ts';
import { findProgram } from '../peers/programs.ts';
import { eventually } from '../store/postgres/replicas.ts';
import { type Replica, startReplica } from './replica-service.ts';

const PARTNERS = { 'partners/herald.yaml': 'name: Herald\ndialect: plain\nfeeds: [latest]\n' };
const [ONE, OTHER] = ['0b0e2c54-0000-4000-8000-000000000001', '0b0e2c54-0000-4000-8000-000000000002'];

const isThere = (await findProgram('postgres')) !== undefined || process.env.REQUIRE_PEERS === '1';
let cluster: Cluster;
beforeAll(async () => {
  if (isThere) cluster = await startCluster();
});
afterAll(() => cluster?.close());

async function read(replica: Replica, path: string) {
  return JSON.parse((await ask(replica.port, `/api/${path}`, { headers: bearer(replica.key) })).text);
}

interface Listed {
  readonly deliveries: readonly { readonly status: number; readonly at: string }[];
  readonly gaps: readonly unknown[];
}

async function deliveriesOn(replica: Replica): Promise<Listed> {
  return await read(replica, 'partners/herald/deliveries');
}

async function fetchFrom(replica: Replica, key: string): Promise<number> {
  const { status } = await ask(replica.port, '/partners/herald/latest.rss', { headers: bearer(key) });
  return status;
}

test.runIf(isThere)('receipts know what every replica has delivered', async () => {
  const url = await cluster.createDatabase();
  const [one, other] = [await startReplica(url, { files: PARTNERS }), await startReplica(url, { files: PARTNERS })];
  const { key } = await createKey(one.store, 'herald', 'partner', Date.now(), { partner: 'herald' });
  for (const id of ['a', 'b']) expect((await one.put(id)).status).toBe(201);
  await eventually(async () => expect(await fetchFrom(other, key)).toBe(200));
  expect(await fetchFrom(one, key)).toBe(200);
  const withdrawn = await ask(one.port, '/api/articles/a', { method: 'DELETE', headers: bearer(one.key) });
  expect(withdrawn.status).toBe(200);
  await eventually(async () => {
    for (const each of [one, other])
      expect((await read(each, 'withdrawals')).withdrawals[0].receipts).toMatchObject([{ state: 'not seen' }]);
  });
  expect(await fetchFrom(other, key)).toBe(200);
  await eventually(async () => {
    for (const each of [one, other])
      expect((await read(each, 'withdrawals')).withdrawals[0].receipts).toMatchObject([{ state: 'seen' }]);
  });
  await eventually(async () => {
    const [here, there] = [await deliveriesOn(one), await deliveriesOn(other)];
    expect(here.deliveries.length).toBeGreaterThanOrEqual(3);
    expect([here.deliveries, here.gaps]).toEqual([there.deliveries, []]);
  });
});

test.runIf(isThere)('what is delivered while the database is away is sent when it is back, once', async () => {
  const own = await startCluster();
  onTestFinished(own.close);
  const url = await own.createDatabase();
  const [one, other] = [await startReplica(url, { files: PARTNERS }), await startReplica(url, { files: PARTNERS })];
  const { key } = await createKey(one.store, 'herald', 'partner', Date.now(), { partner: 'herald' });
  expect(await fetchFrom(one, key)).toBe(200);
  await eventually(async () => expect((await deliveriesOn(other)).deliveries).toHaveLength(1));
  await own.crash();
  await eventually(async () => expect((await one.get('/readyz')).text).toBe('degraded'));
  for (let fetch = 0; fetch < 3; fetch += 1) expect(await fetchFrom(one, key)).toBe(200);
  expect((await deliveriesOn(one)).deliveries).toHaveLength(4);
  expect((await deliveriesOn(other)).deliveries).toHaveLength(1);
  await own.start();
  await eventually(async () => {
    const [here, there] = [await deliveriesOn(one), await deliveriesOn(other)];
    expect(there.deliveries).toHaveLength(4);
    expect(there.deliveries).toEqual(here.deliveries);
    expect([here.gaps, there.gaps]).toEqual([[], []]);
  });
  // A replica that is new has all of it.
  const fresh = await startReplica(url, { files: PARTNERS });
  await eventually(async () => expect((await deliveriesOn(fresh)).deliveries).toHaveLength(4));
  expect([...one.lines, ...other.lines].filter((line) => !line.includes('database'))).toEqual([]);
});

test.runIf(isThere)('batches have numbers without gaps, are kept once, and end with their time', async () => {
  const url = await cluster.createDatabase();
  await withSession(url, async (session) => {
    await createLog(session, SCHEMA);
    const [one, other] = [ONE, OTHER].map((machine = '') =>
      deliveryBatches({ session: () => session, machine, log: () => undefined }),
    );
    const batch = (id: number, at: number) => ({
      id: `0b0e2c54-0000-4000-8000-1000000000${id}`,
      deliveries: [
        {
          ...{ at, partner: 'herald', key: 'k', feed: 'latest', format: 'rss', status: 304, bytes: 0 },
          ...{ isWhole: true, revision: 7, network: '::/48' },
        },
      ],
    });
    const state = { through: 5, gaps: [{ from: 1, to: 2 }], isRecording: true };
    await one?.send({ batch: batch(10, 1000), state: undefined });
    await one?.send({ batch: batch(10, 1000), state });
    await one?.send({ batch: batch(11, 2000), state: undefined });
    await other?.send({ state: { since: 0, ...state } });
    expect(await other?.read(new Map([[ONE ?? '', 1]]))).toEqual({
      machines: [
        { id: ONE, last: 2, state },
        { id: OTHER, last: 0, state: { since: 0, ...state } },
      ],
      batches: [{ machine: ONE, number: 2, ...batch(11, 2000) }],
      isWhole: true,
    });
    expect(await one?.prune(2000)).toBe(1);
    expect(await one?.prune(2000)).toBe(0);
    expect((await other?.read(new Map()))?.batches.map(({ number }) => number)).toEqual([2]);
    const later = Date.now() + 60_000;
    expect([await one?.prune(later), await one?.prune(later)]).toEqual([1, 0]);
    expect(await other?.read(new Map())).toEqual({ machines: [], batches: [], isWhole: true });
  });
});
