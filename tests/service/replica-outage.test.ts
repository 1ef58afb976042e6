import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { purgeTargets } from '../../src/config/purge-targets.ts';
import { ALL_TAG, feedTag } from '../../src/feed/cache-tags.ts';
import { decodeOperation } from '../../src/store/postgres/codec.ts';
import { withSession } from '../../src/store/postgres/connection.ts';
import { type Cluster, startCluster } from '../peers/postgres.ts';
import { findProgram } from '../peers/programs.ts';
import { sized } from '../soak/sizes.ts';
import { type Replica, startReplica } from './replica-service.ts';

/** Milliseconds for which PostgreSQL is stopped, and milliseconds of load before and after it. */
const OUTAGE = sized({ short: 1500, soak: 60_000, full: 60_000 });
const AROUND = sized({ short: 300, soak: 5000, full: 20_000 });
/** A claim whose answer was lost ends with its lease, after a minute. */
const PATIENCE = sized({ short: 60_000, soak: 150_000, full: 150_000 });

const FEEDS = ['rss', 'atom', 'json'].map((format) => `/feeds/section/steady.${format}`);

interface Purge {
  readonly at: number;
  readonly tags: readonly string[];
}

/** A cache that counts its purges, and knows what they name. */
async function countingCache() {
  const purges: Purge[] = [];
  const server = createServer((request, response) => {
    request.resume();
    const tags = String(request.headers['xkey-purge'] ?? request.headers['xkey-softpurge']).split(' ');
    purges.push({ at: performance.now(), tags });
    response.writeHead(200).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, purges };
}

/** The messages that the log says were told, each once. */
async function settledIn(url: string): Promise<number> {
  const { rows } = await withSession(url, ({ query }) =>
    query<{ position: string; body: Buffer }>('SELECT position, body FROM feed_publisher.operation'),
  );
  const told = new Set<string>();
  for (const { position, body } of rows) {
    const operation = decodeOperation(body, Number(position));
    if (operation.name !== 'settleOutbox') continue;
    const [message, { result }] = operation.args;
    expect(result).toBe('told');
    told.add(JSON.stringify(message));
  }
  return told.size;
}

interface Load {
  /** When the changes of each feed were acknowledged. */
  readonly acknowledged: Map<string, number>;
  readonly refused: Set<number>;
  readonly wrong: string[];
  reads: number;
}

/** Writes stories, each with a feed of its own, on all replicas in turn. */
async function write(replicas: readonly Replica[], load: Load, isOver: () => boolean): Promise<void> {
  for (let index = 0; !isOver(); index += 1) {
    const tag = `t${index}`;
    const answer = await replicas[index % replicas.length]?.put(tag, { tags: [tag], sections: ['Other'] });
    // A change whose answer was lost with the database may be made all the same.
    if (answer?.status === 201) load.acknowledged.set(tag, performance.now());
    else load.refused.add(answer?.status ?? 0);
    await sleep(20);
  }
}

/** Reads feeds that do not change: every answer has the same bytes and tags. */
async function read(replica: Replica, load: Load, isOver: () => boolean): Promise<void> {
  const first = new Map<string, string>();
  for (let index = 0; !isOver(); index += 1) {
    const path = FEEDS[index % FEEDS.length] ?? '';
    const { status, headers, text } = await replica.get(path);
    const seen = JSON.stringify([status, headers.etag, text]);
    if (status !== 200 || (first.get(path) ?? seen) !== seen) load.wrong.push(`${path}: ${seen}`);
    first.set(path, seen);
    load.reads += 1;
    await sleep(2);
  }
}

async function outage(cluster: Cluster): Promise<void> {
  await sleep(AROUND);
  await cluster.crash();
  await sleep(OUTAGE);
  await cluster.start();
  await sleep(AROUND);
}

const isThere = (await findProgram('postgres')) !== undefined || process.env.REQUIRE_PEERS === '1';

test.runIf(isThere)(
  `while the database is away for ${OUTAGE / 1000} s, readers notice nothing, and a cache is told of each change once`,
  { tags: ['soak'], timeout: PATIENCE * 3 },
  async () => {
    const cluster = await startCluster();
    onTestFinished(cluster.close);
    const url = await cluster.createDatabase();
    const cache = await countingCache();
    const purge = { targets: purgeTargets.read(`varnish:${cache.url}`) ?? [] };
    const replicas = [await startReplica(url, { purge }), await startReplica(url, { purge })];
    const [one] = replicas;
    expect((await one?.put('steady', { sections: ['Steady'] }))?.status).toBe(201);
    const eventually = (check: () => Promise<void>) => vi.waitFor(check, { timeout: PATIENCE, interval: 50 });
    await eventually(async () => {
      for (const { get } of replicas) for (const path of FEEDS) expect((await get(path)).status).toBe(200);
    });

    let isOver = false;
    const load: Load = { acknowledged: new Map(), refused: new Set(), wrong: [], reads: 0 };
    const working = [
      write(replicas, load, () => isOver),
      ...replicas.map((replica) => read(replica, load, () => isOver)),
    ];
    await outage(cluster);
    isOver = true;
    await Promise.all(working);

    expect(load.wrong.slice(0, 3)).toEqual([]);
    expect(load.reads).toBeGreaterThan(10);
    await eventually(async () => expect((await one?.put('after', { tags: ['after'] }))?.status).toBe(201));
    load.acknowledged.set('after', performance.now());
    // A purge that nobody has settled would come again, and a message that was settled twice would be two.
    await eventually(async () => {
      const isTold = ([tag, at]: readonly [string, number]) =>
        cache.purges.some(
          (purge) => purge.at > at && [ALL_TAG, feedTag(`tag/${tag}`)].some((one) => purge.tags.includes(one)),
        );
      expect([...load.acknowledged].filter((change) => !isTold(change))).toEqual([]);
      const before = cache.purges.length;
      expect(await settledIn(url)).toBe(before);
    });
  },
);
