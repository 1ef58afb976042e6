import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { articleText } from '../../../src/article/stored.ts';
import { ownKeys } from '../../../src/feed/feeds.ts';
import { withSession } from '../../../src/store/postgres/connection.ts';
import { maintain } from '../../../src/store/postgres/maintenance.ts';
import { moveToDatabase, moveToFile } from '../../../src/store/postgres/move.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import type { Put, Store } from '../../../src/store/store.ts';
import { article, dataFolder } from '../../helpers.ts';
import { type Cluster, startCluster } from '../../peers/postgres.ts';
import { findProgram } from '../../peers/programs.ts';
import { overwriteTables } from '../overwritten.ts';
import { eventually, openReplica } from './replicas.ts';

const NOW = Date.UTC(2026, 10, 22);
const OPTIONS = { limit: 50, tombstonesFor: 86_400_000 };

const isThere = (await findProgram('postgres')) !== undefined || process.env.REQUIRE_PEERS === '1';
let cluster: Cluster;
beforeAll(async () => {
  if (isThere) cluster = await startCluster();
});
afterAll(() => cluster?.close());

function put(fields: Readonly<Record<string, unknown>>): Put {
  const made = article(fields);
  return { kind: 'put', article: articleText(made), record: '{"a":1}', feeds: ownKeys(made), changedAt: NOW };
}

/** Does the work of the owner until the log is empty: it waits until the replicas have told how far they are. */
async function pruned(url: string, file: string): Promise<void> {
  await eventually(async () => {
    const { rows } = await withSession(url, async (session) => {
      await maintain(session, file);
      return session.query('SELECT 1 FROM feed_publisher.operation');
    });
    expect(rows).toEqual([]);
  });
}

/** What readers see, and what the store says of its changes. */
async function contentOf(store: Store) {
  const snapshot = await store.snapshot('latest', NOW, OPTIONS);
  const articles = await store.page(0, 1000);
  return { snapshot, articles, revision: await store.lastRevision(), rules: await store.rules() };
}

describe.runIf(isThere)('replicas', () => {
  test('make the same changes in the same order, whoever asks for them', async () => {
    const url = await cluster.createDatabase();
    const replicas = [await openReplica(url), await openReplica(url), await openReplica(url)];
    await Promise.all(
      replicas.flatMap(({ store }, own) =>
        Array.from({ length: 20 }, (_, index) =>
          store.apply([put({ id: `shared-${index}`, title: `By ${own}` }), put({ id: `${own}-${index}` })], () => NOW),
        ),
      ),
    );
    await Promise.all(replicas.map(({ replica }) => replica.catchUp()));
    const [first, ...others] = await Promise.all(replicas.map(({ store }) => contentOf(store)));
    expect(first?.articles).toHaveLength(80);
    for (const other of others) expect(other).toEqual(first);
    expect(replicas.map(({ replica }) => replica.state().applied)).toEqual([60, 60, 60]);
  });

  test('have no gap and no change twice where connections are cut in the middle of changes', async () => {
    const url = await cluster.createDatabase();
    const [one, other] = [await openReplica(url), await openReplica(url)];
    const acknowledged: string[] = [];
    let isDone = false;
    const cuts = (async () => {
      for (; !isDone; await new Promise((resolve) => setTimeout(resolve, 100))) await cluster.cut(0.5);
    })();
    for (let index = 0; index < 30; index += 1) {
      const { store } = index % 2 === 0 ? one : other;
      const id = `a-${index}`;
      const outcome = await store.apply([put({ id })], () => NOW).catch(() => undefined);
      if (outcome?.[0]?.result === 'created') acknowledged.push(id);
    }
    isDone = true;
    await cuts;
    // The last cut may be noticed only now.
    await eventually(async () => {
      const { rows } = await withSession(url, ({ query }) =>
        query<{ last: number }>('SELECT last::int FROM feed_publisher.head'),
      );
      for (const { replica } of [one, other]) await replica.catchUp();
      expect([one, other].map(({ replica }) => replica.state().applied)).toEqual([rows[0]?.last, rows[0]?.last]);
    });
    const [here, there] = [await contentOf(one.store), await contentOf(other.store)];
    expect(here).toEqual(there);
    const ids = here.articles.map(({ article: { id } }) => id);
    expect(acknowledged.filter((id) => !ids.includes(id))).toEqual([]);
    expect(here.articles.map(({ revision }) => revision)).toEqual(ids.map((_, index) => index + 1));
    const gaps = await withSession(url, ({ query }) =>
      query(`SELECT count(*)::int AS count, max(position)::int AS last, (SELECT last::int FROM feed_publisher.head) AS head
        FROM feed_publisher.operation`),
    );
    const [{ count, last, head } = {}] = gaps.rows;
    expect([count, head]).toEqual([last, last]);
  });

  test('a change whose answer is lost is made once, and acknowledged', async () => {
    const url = await cluster.createDatabase();
    const relay = await startRelay(new URL(url));
    const { store } = await openReplica(relay.url);
    relay.holdAnswers();
    const applied = store.apply([put({ id: 'a' })], () => NOW);
    await eventually(async () => {
      const { rows } = await withSession(url, ({ query }) => query('SELECT 1 FROM feed_publisher.operation'));
      expect(rows).toHaveLength(1);
    });
    relay.cut();
    expect((await applied).map(({ result }) => result)).toEqual(['created']);
    expect(await store.count()).toBe(1);
    const { rows } = await withSession(url, ({ query }) => query('SELECT 1 FROM feed_publisher.operation'));
    expect(rows).toHaveLength(1);
  });

  test('two processes of one machine share its store, and each has the results of its own changes', async () => {
    const url = await cluster.createDatabase();
    const service = await openReplica(url);
    const command = await openReplica(url, { file: service.file, mayOwn: false });
    const asked = Array.from({ length: 20 }, (_, index) =>
      (index % 2 === 0 ? service : command).store.apply([put({ id: `a-${index}` })], () => NOW),
    );
    const outcomes = (await Promise.all(asked)).flat();
    expect(outcomes.map(({ id, result }) => [id, result])).toEqual(
      Array.from({ length: 20 }, (_, index) => [`a-${index}`, 'created']),
    );
    expect(await service.store.count()).toBe(20);
  });

  test('a new one takes the newest copy of the store, and goes on from there', async () => {
    const url = await cluster.createDatabase();
    const one = await openReplica(url);
    for (const id of ['a', 'b']) await one.store.apply([put({ id })], () => NOW);
    await withSession(url, ({ query }) => query('UPDATE feed_publisher.head SET erased = last')); // so that a copy is due
    await pruned(url, one.file);
    await one.store.apply([put({ id: 'c' })], () => NOW);
    const other = await openReplica(url);
    expect(await contentOf(other.store)).toEqual(await contentOf(one.store));
    await one.store.close();
    await rm(one.file);
    const again = await openReplica(url, { file: one.file });
    expect(await contentOf(again.store)).toEqual(await contentOf(other.store));
  });

  test('an erasure removes the text from the log and from the copy of the store', async () => {
    const url = await cluster.createDatabase();
    const { store, file } = await openReplica(url);
    await store.apply([put({ id: 'a', title: 'A secret title' }), put({ id: 'b' })], () => NOW);
    await store.apply([{ kind: 'erase', id: 'a' }], () => NOW);
    expect(await store.overwriteErased()).toBe('the log in the database has it for some minutes more');
    await pruned(url, file);
    expect(await store.overwriteErased()).toBeUndefined();
    const left = await withSession(url, ({ query }) => query('SELECT 1 FROM feed_publisher.operation'));
    expect(left.rows).toEqual([]);
    const other = await openReplica(url);
    expect((await other.store.find('a'))?.isErased).toBe(true);
  });

  test('a replica whose log was restored from an earlier state is not ready, and starts anew', async () => {
    const url = await cluster.createDatabase();
    const one = await openReplica(url);
    await one.store.apply([put({ id: 'a' })], () => NOW);
    await one.store.apply([put({ id: 'lost' })], () => NOW);
    await withSession(url, async ({ query }) => {
      await query('DELETE FROM feed_publisher.operation WHERE position = 2');
      await query('UPDATE feed_publisher.head SET last = 1');
    });
    await cluster.cut(1);
    await eventually(() => expect(one.replica.state().problem?.code).toBe('not_ready'));
    await expect(one.store.check()).rejects.toMatchObject({ code: 'not_ready' });
    await one.store.close();
    const again = await openReplica(url, { file: one.file });
    expect((await again.store.page(0, 10)).map(({ article: { id } }) => id)).toEqual(['a']);
    expect(existsSync(`${one.file}.old`)).toBe(true);
  });

  test('a replica whose store is damaged takes another one from the database', async () => {
    const url = await cluster.createDatabase();
    const one = await openReplica(url);
    await one.store.apply([put({ id: 'a' }), put({ id: 'b' })], () => NOW);
    const before = await contentOf(one.store);
    await one.store.close();
    await overwriteTables(one.file);
    const again = await openReplica(url, { file: one.file });
    expect(await contentOf(again.store)).toEqual(before);
    expect(existsSync(`${one.file}.old`)).toBe(true);
  });

  test('a store moves into a database and back with all that it has', async () => {
    const file = join(await dataFolder(), 'store', 'publisher.sqlite');
    const alone = openSqliteStore(file);
    await alone.apply([put({ id: 'a' }), put({ id: 'b' })], () => NOW);
    await alone.backfillFeeds([{ id: 'own', select: { any: ['latest'], all: [], none: [] } }], () => NOW);
    const before = await contentOf(alone);
    await alone.close();
    const url = await cluster.createDatabase();
    await moveToDatabase({ file, url });
    await expect(moveToDatabase({ file, url })).rejects.toMatchObject({ code: 'store_unavailable' });
    const [first, second] = [await openReplica(url, { file }), await openReplica(url)];
    expect([await contentOf(first.store), await contentOf(second.store)]).toEqual([before, before]);
    await second.store.apply([put({ id: 'c' })], () => NOW);
    const after = await contentOf(second.store);
    await first.store.close();
    const refused = openSqliteStore(file);
    await expect(refused.touchAllFeeds(() => NOW)).rejects.toMatchObject({ code: 'store_unavailable' });
    await refused.close();
    await moveToFile({ file, url });
    const back = openSqliteStore(file);
    onTestFinished(back.close);
    expect(await contentOf(back)).toEqual(after);
    await back.apply([put({ id: 'd' })], () => NOW);
  });
});

/** Passes connections on to a socket of PostgreSQL. */
async function startRelay(target: URL) {
  const path = join(target.searchParams.get('host') ?? '', '.s.PGSQL.5432');
  const sockets = new Set<Socket>();
  let isHolding = false;
  const server = createServer((client) => {
    const database = connect(path);
    const isHeld = () => isHolding && sockets.has(client);
    sockets.add(client);
    client.pipe(database);
    database.on('data', (chunk) => {
      if (!isHeld()) client.write(chunk);
    });
    for (const [one, other] of [
      [client, database],
      [database, client],
    ] as const)
      one.on('error', () => {}).on('close', () => other.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the relay has no port');
  return {
    url: `postgresql://feeds@127.0.0.1:${address.port}${target.pathname}`,
    holdAnswers(): void {
      isHolding = true;
    },
    cut(): void {
      isHolding = false;
      const cut = [...sockets];
      sockets.clear();
      for (const socket of cut) socket.destroy();
    },
  };
}
