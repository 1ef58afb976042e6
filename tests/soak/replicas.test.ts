// @module-tag soak
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createKey } from '../../src/publish/api-keys.ts';
import { withSession } from '../../src/store/postgres/connection.ts';
import { openReplicatedStore } from '../../src/store/postgres/replicated-store.ts';
import { type Answer, ask, dataFolder, PUBLICATION, record } from '../helpers.ts';
import { startCluster } from '../peers/postgres.ts';
import { findProgram } from '../peers/programs.ts';
import { seeded } from './crash/random.ts';
import { reportFigures } from './figures.ts';
import { type ReplicaProcess, replicaProcess } from './replicas/process.ts';
import { sized } from './sizes.ts';

/** REPLICAS_SEED repeats the choices of an earlier run. */
const SEED = Number(process.env.REPLICAS_SEED ?? Date.now() % 1_000_000);
/** Milliseconds of disorder. */
const DURATION = sized({ short: 5000, soak: 60_000, full: 600_000 });
const OFFSETS = [0, 1000, -1000, 300];
/** What happens, in turn: each a few times a minute, also on a busy machine. */
const DISORDER = ['cut', 'kill', 'crash', 'cut', 'kill'] as const;
/** Writers: each has stories of its own. */
const WRITERS = 6;
/** Milliseconds by which the clocks of replicas may differ: half the time of a question to a busy database. */
const CLOCK_ERROR = 250;
const DOCUMENTS = ['latest', 'section/world', 'section/local'].flatMap((feed) =>
  ['rss', 'atom', 'json'].map((format) => `/feeds/${feed}.${format}`),
);

/** What the writers know. */
interface Ledger {
  /** The last version of each story that was acknowledged. */
  readonly acknowledged: Map<string, number>;
  readonly embargoes: Map<string, number>;
  readonly wrong: string[];
  refused: number;
}

async function write(replicas: readonly ReplicaProcess[], writer: number, key: string, ledger: Ledger, until: number) {
  const random = seeded(SEED + writer);
  for (let version = 1; Date.now() < until; version += 1) {
    const id = `w${writer}-${Math.floor(random() * 30)}`;
    const replica = replicas[Math.floor(random() * replicas.length)];
    if (replica === undefined || !replica.isUp()) {
      await sleep(20);
      continue;
    }
    const isSecret = random() < 0.1;
    const story = isSecret ? `secret-${writer}-${version}` : id;
    const embargo = Math.ceil(Date.now() / 1000) * 1000 + 3000;
    const fields = {
      title: `Version ${version}`,
      sections: [random() < 0.5 ? 'World' : 'Local'],
      ...(isSecret ? { embargoUntil: new Date(embargo).toISOString() } : {}),
    };
    if (isSecret) ledger.embargoes.set(story, embargo);
    const answer = await put(replica.port(), key, story, fields).catch(() => undefined);
    if (answer === undefined || answer.status >= 500) ledger.refused += 1;
    else if (answer.status < 300) ledger.acknowledged.set(story, version);
    else ledger.wrong.push(`${story}: ${answer.status} ${answer.text.slice(0, 300)}`);
  }
}

function put(port: number, key: string, id: string, fields: Readonly<Record<string, unknown>>): Promise<Answer> {
  return ask(port, `/api/articles/${id}`, {
    method: 'PUT',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(record({ id, url: `/${id}`, publishedAt: '2026-11-20T10:00:00Z', ...fields })),
  });
}

/** Reads all the time: no secret early, and no two documents under one tag. */
async function read(replicas: readonly ReplicaProcess[], ledger: Ledger, until: number): Promise<number> {
  const random = seeded(SEED + 1000);
  const digests = new Map<string, string>();
  let count = 0;
  for (; Date.now() < until; await sleep(5)) {
    const replica = replicas[Math.floor(random() * replicas.length)];
    const path = DOCUMENTS[Math.floor(random() * DOCUMENTS.length)] ?? '';
    if (replica === undefined || !replica.isUp()) continue;
    const answer = await ask(replica.port(), path).catch(() => undefined);
    const at = Date.now();
    if (answer === undefined) continue;
    count += 1;
    if (answer.status >= 500) ledger.wrong.push(`${path}: ${answer.status} ${answer.text.slice(0, 200)}`);
    if (answer.status !== 200) continue;
    for (const [, story = ''] of answer.text.matchAll(/(secret-\d+-\d+)/g)) {
      const embargo = ledger.embargoes.get(story) ?? 0;
      if (at < embargo - CLOCK_ERROR) ledger.wrong.push(`${story} was shown ${embargo - at} ms early`);
    }
    const [tag, digest] = [`${path} ${answer.headers.etag}`, digestOf(answer)];
    if ((digests.get(tag) ?? digest) !== digest) ledger.wrong.push(`two documents have the tag ${tag}`);
    digests.set(tag, digest);
  }
  return count;
}

function digestOf({ body }: Answer): string {
  return createHash('sha256').update(body).digest('hex');
}

const isThere = (await findProgram('postgres')) !== undefined || process.env.REQUIRE_PEERS === '1';

test.runIf(isThere)(`replicas agree whatever ends meanwhile, with the seed ${SEED}`, async (context) => {
  const cluster = await startCluster({ isDurable: true });
  onTestFinished(cluster.close);
  const url = await cluster.createDatabase();
  const folders = await Promise.all(OFFSETS.map(() => dataFolder({ 'publication.yaml': PUBLICATION })));
  const first = await openReplicatedStore({ url, file: `${folders[0]}/store/publisher.sqlite`, mayOwn: false });
  const { key } = await createKey(first.store, 'soak', 'write', Date.now());
  await first.store.close();
  const replicas = folders.map((folder, index) => replicaProcess({ folder, url, offset: OFFSETS[index] ?? 0 }));
  for (const replica of replicas) await replica.start();
  onTestFinished(async () => {
    for (const replica of replicas) await replica.stop();
  });

  const ledger: Ledger = { acknowledged: new Map(), embargoes: new Map(), wrong: [], refused: 0 };
  const until = Date.now() + DURATION;
  const random = seeded(SEED);
  const counts = { kills: 0, crashes: 0, cuts: 0 };
  const disorder = (async () => {
    for (let step = 0; Date.now() < until; step += 1, await sleep(300 + random() * 1200)) {
      const what = DISORDER[step % DISORDER.length];
      if (what === 'kill') {
        const victim = replicas[Math.floor(random() * replicas.length)];
        await victim?.kill();
        await sleep(random() * 500);
        await victim?.start();
        counts.kills += 1;
      } else if (what === 'crash') {
        await cluster.crash();
        await sleep(random() * 2000);
        await cluster.start();
        counts.crashes += 1;
      } else counts.cuts += await cluster.cut(0.2);
    }
  })();
  const writers = Array.from({ length: WRITERS }, (_, writer) => write(replicas, writer, key, ledger, until));
  const [reads] = await Promise.all([read(replicas, ledger, until), disorder, ...writers]);

  // Every embargo is over, and every replica has every change.
  await sleep(Math.max(0, ...[...ledger.embargoes.values()].map((end) => end + 1000 - Date.now())));
  const lastOf = async () => {
    const { rows } = await withSession(url, ({ query }) =>
      query<{ last: string }>('SELECT last FROM feed_publisher.head'),
    );
    return Number(rows[0]?.last);
  };
  await vi.waitFor(
    async () => {
      const last = await lastOf();
      for (const replica of replicas) expect(await replica.applied()).toBe(last);
    },
    { timeout: 60_000, interval: 250 },
  );
  for (const path of DOCUMENTS) {
    const answers = await Promise.all(replicas.map((replica) => ask(replica.port(), path)));
    const seen = answers.map((answer) => [answer.status, answer.headers.etag, digestOf(answer)]);
    expect(
      seen.every((one) => one.join() === seen[0]?.join()),
      `${path}: ${JSON.stringify(seen)}`,
    ).toBe(true);
  }
  for (const [id, version] of ledger.acknowledged) {
    const { text } = await ask(replicas[0]?.port() ?? 0, `/api/articles/${id}`, {
      headers: { Authorization: `Bearer ${key}` },
    });
    const [, kept = '0'] = /Version (\d+)/.exec(text) ?? [];
    if (Number(kept) < version) ledger.wrong.push(`${id}: version ${version} was acknowledged, ${kept} is kept`);
  }
  const { rows } = await withSession(url, ({ query }) =>
    query<{ first: number; last: number; count: number }>(
      'SELECT min(position)::int AS first, max(position)::int AS last, count(*)::int AS count FROM feed_publisher.operation',
    ),
  );
  const [{ first: from = 0, last: to = 0, count = 0 } = {}] = rows;
  expect(count, 'operations without a gap').toBe(to - from + 1);
  expect(ledger.wrong).toEqual([]);
  reportFigures(context, {
    'replicas: operations': to,
    'replicas: stories acknowledged': ledger.acknowledged.size,
    'replicas: changes refused': ledger.refused,
    'replicas: documents read': reads,
    'replicas: kills': counts.kills,
    'replicas: crashes of the database': counts.crashes,
    'replicas: connections cut': counts.cuts,
  });
});
