import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { loadPublication } from '../../src/config/publication.ts';
import { purgeTargets } from '../../src/config/purge-targets.ts';
import { createKey } from '../../src/publish/api-keys.ts';
import { openReplicaFolder } from '../../src/service/replica-folder.ts';
import { serve } from '../../src/service/serve.ts';
import { ask, dataFolder, FAST_PATH, listen, PUBLICATION, record } from '../helpers.ts';
import { type Cluster, startCluster } from '../peers/postgres.ts';
import { findProgram } from '../peers/programs.ts';
import { eventually } from '../store/postgres/replicas.ts';

/** What caches in front of replicas may keep while a replica is cut off from the database. */

const isThere = (await findProgram('postgres')) !== undefined || process.env.REQUIRE_PEERS === '1';
let cluster: Cluster;
beforeAll(async () => {
  if (isThere) cluster = await startCluster();
});
afterAll(() => cluster?.close());

const FEED = '/feeds/latest.rss';

async function listenOn<Server extends { listen: (port: number, host: string) => unknown; address: () => unknown }>(
  server: Server & NodeJS.EventEmitter,
): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A way to the database on which, once it is cut, nothing arrives and nothing is closed: as in a network that drops packets. */
async function wayTo(url: string) {
  const { pathname, searchParams } = new URL(url);
  const path = join(searchParams.get('host') ?? '', '.s.PGSQL.5432');
  const sockets: Socket[] = [];
  let isCut = false;
  const server = createServer((client) => {
    const database = connect({ path });
    sockets.push(client, database);
    for (const [from, to] of [
      [client, database],
      [database, client],
    ] as const) {
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
      from.on('data', (bytes) => isCut || to.write(bytes));
    }
  });
  const own = await listenOn(server);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    url: `postgresql://feeds@127.0.0.1:${own}${pathname}`,
    cut: () => {
      isCut = true;
    },
  };
}

/** A cache that calls a function for each purge, before it says that it has purged. */
async function cacheThat(onPurge: () => Promise<void>): Promise<string> {
  const server = createHttpServer((request, response) => {
    request.resume();
    void onPurge()
      .catch(() => {}) // the replica has ended, and so has the test
      .finally(() => response.writeHead(200).end());
  });
  const port = await listenOn(server);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${port}/`;
}

async function startReplica(databaseUrl: string, cache: string) {
  const path = await dataFolder({ 'publication.yaml': PUBLICATION });
  const opened = await openReplicaFolder(path, { databaseUrl, publication: loadPublication(path), mayOwn: true });
  const { log } = listen();
  const purge = { targets: purgeTargets.read(`varnish:${cache}`) ?? [] };
  const service = await serve(opened, {
    host: '127.0.0.1',
    port: 0,
    version: '0.0.0',
    fastPath: FAST_PATH,
    log,
    purge,
  });
  onTestFinished(() => service.close());
  const { key } = await createKey(opened.store, 'test', 'write', Date.now());
  return {
    put: (id: string) =>
      ask(service.port, `/api/articles/${id}`, {
        method: 'PUT',
        headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(record({ id, url: `/${id}` })),
      }),
    get: () => ask(service.port, FEED),
  };
}

test.runIf(isThere)('a purge lets no old copy of a replica that is cut off into a cache for long', async () => {
  const url = await cluster.createDatabase();
  const way = await wayTo(url);
  let other: Awaited<ReturnType<typeof startReplica>> | undefined;
  /** What a cache gets that fetches the feed right after a purge, from the replica that is cut off. */
  const fetched: { readonly lifetime: unknown; readonly isOld: boolean }[] = [];
  const cache = await cacheThat(async () => {
    const answer = await other?.get();
    if (answer === undefined) return;
    fetched.push({ lifetime: answer.headers['cdn-cache-control'], isOld: !answer.text.includes('/b</link>') });
  });
  const one = await startReplica(url, cache);
  other = await startReplica(way.url, cache);
  expect((await one.put('a')).status).toBe(201);
  await eventually(async () => expect((await other?.get())?.text).toContain('/a</link>'));
  await eventually(async () => expect((await other?.get())?.headers['cdn-cache-control']).toMatch(/^max-age=86400/));

  way.cut();
  const before = fetched.length;
  expect((await one.put('b')).status).toBe(201);
  expect((await one.get()).headers['cdn-cache-control']).toMatch(/^max-age=86400/);
  await eventually(() => expect(fetched.length).toBeGreaterThan(before));

  expect(fetched.slice(before)).toEqual([{ lifetime: undefined, isOld: true }]);
  const later = await other.get();
  expect([later.status, later.headers['cache-control']]).toEqual([
    200,
    expect.stringMatching(/^public, max-age=\d{1,2},/),
  ]);
});
