import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadPublication } from '../../src/config/publication.ts';
import { createKey } from '../../src/publish/api-keys.ts';
import { storeFile } from '../../src/service/data-folder.ts';
import { openReplicaFolder } from '../../src/service/replica-folder.ts';
import { withSession } from '../../src/store/postgres/connection.ts';
import { saveSnapshot } from '../../src/store/postgres/snapshots.ts';
import { SCHEMA } from '../../src/store/sqlite/database.ts';
import { ask, PUBLICATION, record } from '../helpers.ts';
import { type Cluster, startCluster } from '../peers/postgres.ts';
import { type ReplicaProcess, replicaProcess } from '../soak/replicas/process.ts';
import { figure, percentile, print, printTable, setting } from './figures.ts';
import { writeRecords } from './newsroom.ts';
import { temporaryFolder } from './processes.ts';
import { launch } from './service.ts';

const REPLICAS = 4;
/** Changes whose way to every replica is measured, one after the other. */
const CHANGES = 300;
/** Keys that are revoked, one after the other. */
const REVOCATIONS = 100;
/** Clients that change at the same time, and milliseconds for which they do. */
const CLIENTS = 16;
const RATE_TIME = 10_000;
/** BENCH_ARTICLES=1000000 imports as many records. */
const RECORDS = setting('BENCH_ARTICLES', 20_000);

/** `npm run bench -- replicas`: what a change costs that several machines have to make. */
export async function replicas(): Promise<void> {
  const cluster = await startCluster({ isDurable: true });
  const folder = temporaryFolder('replicas');
  try {
    await changes(cluster, join(folder.path, 'changes'));
    for (const followers of [1, REPLICAS]) await imports(cluster, join(folder.path, `import-${followers}`), followers);
  } finally {
    await cluster.close();
    folder.remove();
  }
}

/** Starts replicas of an empty database, each on a folder of its own. */
async function startReplicas(cluster: Cluster, folder: string, count: number) {
  const url = await cluster.createDatabase();
  const folders = Array.from({ length: count }, (_, index) => join(folder, String(index)));
  for (const path of folders) {
    await mkdir(join(path, 'articles'), { recursive: true });
    await writeFile(join(path, 'publication.yaml'), PUBLICATION);
  }
  const [first = ''] = folders;
  const publication = loadPublication(first);
  const { store } = await openReplicaFolder(first, { databaseUrl: url, publication, mayOwn: false });
  const { key } = await createKey(store, 'bench', 'write', Date.now());
  await store.close();
  const started = folders.map((path) => replicaProcess({ folder: path, url, offset: 0 }));
  for (const replica of started) await replica.start();
  return { url, key, folders, replicas: started };
}

async function changes(cluster: Cluster, folder: string): Promise<void> {
  const started = await startReplicas(cluster, folder, REPLICAS);
  const { replicas: all, key } = started;
  const put = (replica: ReplicaProcess, id: string) =>
    ask(replica.port(), `/api/articles/${id}`, {
      method: 'PUT',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(record({ id, url: `/${id}` })),
    });
  const isThere = async (replica: ReplicaProcess, id: string) => {
    const path = `/api/articles/${id}`;
    while ((await ask(replica.port(), path, { headers: { Authorization: `Bearer ${key}` } })).status !== 200);
  };
  const [acknowledged, visible]: [number[], number[]] = [[], []];
  for (let index = 0; index < CHANGES; index += 1) {
    const replica = all[index % all.length] as ReplicaProcess;
    const began = performance.now();
    await put(replica, `a-${index}`);
    const answered = performance.now();
    await Promise.all(all.map((one) => isThere(one, `a-${index}`)));
    acknowledged.push(answered - began);
    visible.push(performance.now() - answered);
  }
  const refused = await revocations(started);
  let count = 0;
  const end = performance.now() + RATE_TIME;
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      for (let index = 0; performance.now() < end; index += 1) {
        await put(all[client % all.length] as ReplicaProcess, `c-${client}-${index}`);
        count += 1;
      }
    }),
  );
  const row = (name: string, times: readonly number[]) => [
    name,
    ...[0.5, 0.95, 0.99, 1].map((share) => figure(percentile(times, share), 1)),
  ];
  print(`\nreplicas: ${REPLICAS} of them, one PostgreSQL, this machine (${CHANGES} changes one after the other)`);
  printTable([
    ['ms', 'p50', 'p95', 'p99', 'most'],
    row('a change, acknowledged', acknowledged),
    row('acknowledged, until all show it', visible),
    row('a key revoked, until all refuse it', refused),
  ]);
  print(`single changes by ${CLIENTS} clients: ${figure((count * 1000) / RATE_TIME)} a second`);
  for (const replica of all) await replica.stop();
}

type Started = Awaited<ReturnType<typeof startReplicas>>;

/** Milliseconds from the acknowledgement of a revocation until every replica refuses the key, for keys one after the other. */
async function revocations({ url, folders, replicas: all }: Started): Promise<number[]> {
  const [folder = ''] = folders;
  const publication = loadPublication(folder);
  const { store } = await openReplicaFolder(folder, { databaseUrl: url, publication, mayOwn: false });
  const status = async (replica: ReplicaProcess, key: string) =>
    (await ask(replica.port(), '/api/feeds', { headers: { Authorization: `Bearer ${key}` } })).status;
  const times: number[] = [];
  for (let index = 0; index < REVOCATIONS; index += 1) {
    const { id, key } = await createKey(store, `bench ${index}`, 'read', Date.now());
    await Promise.all(
      all.map(async (replica) => {
        while ((await status(replica, key)) !== 200);
      }),
    );
    await store.revokeKey(id, Date.now());
    const acknowledged = performance.now();
    await Promise.all(
      all.map(async (replica) => {
        while ((await status(replica, key)) !== 401);
      }),
    );
    times.push(performance.now() - acknowledged);
  }
  await store.close();
  return times;
}

async function imports(cluster: Cluster, folder: string, followers: number): Promise<void> {
  const { url, folders, replicas: all } = await startReplicas(cluster, folder, followers);
  const own = join(folder, 'import');
  await mkdir(join(own, 'articles'), { recursive: true });
  await writeFile(join(own, 'publication.yaml'), PUBLICATION);
  const file = join(folder, 'records.ndjson');
  await writeRecords(file, RECORDS);
  const began = performance.now();
  const rejected = join(folder, 'rejected.ndjson');
  const child = launch(['import', file, '--data', own, '--rejected', rejected, '--database-url', url]);
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`import ended with ${code}`);
  const imported = (performance.now() - began) / 1000;
  const { rows } = await withSession(url, ({ query }) =>
    query<{ last: string }>('SELECT last FROM feed_publisher.head'),
  );
  for (const replica of all) while ((await replica.applied()) < Number(rows[0]?.last));
  const followed = (performance.now() - began) / 1000;
  print(`\nimport of ${RECORDS} records, ${followers} following:`);
  print(
    `  ${figure(RECORDS / imported)} records a second; all have them after ${figure(followed - imported, 1)} s more`,
  );
  if (followers === 1) await newReplica(url, folder, folders[0] ?? '');
  for (const replica of all) await replica.stop();
}

/** A replica without a store starts, with a copy of the store in the database. */
async function newReplica(url: string, folder: string, of: string): Promise<void> {
  const began = performance.now();
  await withSession(url, (session) => saveSnapshot(session, storeFile(of), SCHEMA));
  const copied = performance.now();
  const path = join(folder, 'new');
  await mkdir(join(path, 'articles'), { recursive: true });
  await writeFile(join(path, 'publication.yaml'), PUBLICATION);
  const replica = replicaProcess({ folder: path, url, offset: 0 });
  await replica.start();
  const ready = performance.now();
  await replica.stop();
  print(`  a copy of the store for new replicas: ${figure((copied - began) / 1000, 1)} s`);
  print(`  a new replica of ${RECORDS} articles, ready: ${figure((ready - copied) / 1000, 1)} s`);
}
