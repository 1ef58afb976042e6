import { afterAll, beforeAll, expect, test } from 'vitest';
import { withSession } from '../../src/store/postgres/connection.ts';
import { ask } from '../helpers.ts';
import { bearer } from '../http/partners.ts';
import { type Cluster, startCluster } from '../peers/postgres.ts';
import { findProgram } from '../peers/programs.ts';
import { eventually } from '../store/postgres/replicas.ts';
import { type Replica, startReplica } from './replica-service.ts';

const isThere = (await findProgram('postgres')) !== undefined || process.env.REQUIRE_PEERS === '1';
let cluster: Cluster;
beforeAll(async () => {
  if (isThere) cluster = await startCluster();
});
afterAll(() => cluster?.close());

/** What a replica tells of a feed, and of the services that read it. */
async function trafficOf(replica: Replica) {
  const { text } = await ask(replica.port, '/api/status', { headers: bearer(replica.key) });
  const { feeds, services } = JSON.parse(text).traffic;
  const latest = feeds.find(({ feed }: { readonly feed: string }) => feed === 'latest');
  return { requests: latest?.requests ?? 0, services };
}

test.runIf(isThere)('the status of each replica has the answers of all, also of one that has ended', async () => {
  const url = await cluster.createDatabase();
  const [one, other] = [await startReplica(url), await startReplica(url)];
  const read = (replica: Replica, subscribers: number) =>
    ask(replica.port, '/feeds/latest.rss', {
      headers: { 'User-Agent': `Collector/1.0 (+https://collector.example; ${subscribers} subscribers)` },
    });
  for (let time = 0; time < 3; time += 1) expect((await read(one, 12)).status).toBe(200);
  expect((await read(other, 7)).status).toBe(200);

  const services = [{ service: 'Collector', subscribers: 12, feeds: 1 }];
  // Each status gives the figures of its own replica to the others.
  await eventually(async () => {
    const shown = [await trafficOf(one), await trafficOf(other)];
    expect(shown).toEqual([
      { requests: 4, services },
      { requests: 4, services },
    ]);
  });
  expect((await read(one, 12)).status).toBe(200);
  await trafficOf(one);
  await one.close();
  expect(await trafficOf(other)).toEqual({ requests: 5, services });
});

test.runIf(isThere)('what another program has written is reported once, and the rest is shown', async () => {
  const url = await cluster.createDatabase();
  const replica = await startReplica(url);
  await ask(replica.port, '/feeds/latest.rss');
  await withSession(url, ({ query }) =>
    query(
      `INSERT INTO feed_publisher.traffic_hour (machine, hour, counts)
      VALUES (gen_random_uuid(), floor(extract(epoch FROM now()) / 3600)::bigint, 'nonsense')`,
    ),
  );
  for (let time = 0; time < 2; time += 1) expect((await trafficOf(replica)).requests).toBe(1);
  const failures = replica.told.filter(({ level }) => level === 'error');
  expect(failures).toHaveLength(1);
  expect(JSON.stringify(failures)).toContain('The traffic of the replica');
});
