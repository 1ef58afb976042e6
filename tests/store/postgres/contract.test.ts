// @module-tag soak
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect } from 'vitest';
import { articleText } from '../../../src/article/stored.ts';
import { ownKeys } from '../../../src/feed/feeds.ts';
import { withSession } from '../../../src/store/postgres/connection.ts';
import { maintain } from '../../../src/store/postgres/maintenance.ts';
import { SCHEMA } from '../../../src/store/sqlite/database.ts';
import type { Store } from '../../../src/store/store.ts';
import { article } from '../../helpers.ts';
import { type Cluster, startCluster } from '../../peers/postgres.ts';
import { findProgram } from '../../peers/programs.ts';
import { RUN, sized } from '../../soak/sizes.ts';
import { storeContract } from '../../store.contract.ts';
import { outboxContract } from '../outbox.contract.ts';
import { overwriteTables } from '../overwritten.ts';
import { eventually, inStep, openReplica } from './replicas.ts';

const NOW = Date.UTC(2026, 10, 22);
/** Of the property of the outbox: each run has a database of its own. */
const RUNS = sized({ short: 1, soak: 3, full: 20 });

let cluster: Promise<Cluster> | undefined;
afterAll(async () => (await cluster)?.close());

async function newDatabase(): Promise<string> {
  cluster ??= startCluster();
  return (await cluster).createDatabase();
}

/** Runs a statement in a connection of its own. */
function damaging(file: string, statement: string): void {
  const db = new DatabaseSync(file);
  db.exec(statement);
  db.close();
}

/** As the owner of the log completes an erasure, which needs to know how far the replicas are. */
async function overwritten(store: Store, url: string, file: string): Promise<string | undefined> {
  const reason = await store.overwriteErased();
  if (reason?.startsWith('the log') !== true) return reason;
  return await eventually(async () => {
    await withSession(url, (session) => maintain(session, file));
    expect(await store.overwriteErased()).toBeUndefined();
    return undefined;
  });
}

const isThere = (await findProgram('postgres')) !== undefined || process.env.REQUIRE_PEERS === '1';

// Each test has a database of its own: `npm test` leaves them to the soak.
describe.runIf(isThere && RUN !== 'short')('on PostgreSQL', () => {
  storeContract(
    'PostgreSQL',
    async () => {
      const url = await newDatabase();
      const { store, file } = await openReplica(url);
      return { ...store, overwriteErased: () => overwritten(store, url, file) };
    },
    async () => {
      const url = await newDatabase();
      const [one, other] = [await openReplica(url), await openReplica(url)];
      const first = inStep(one, [other]);
      return [{ ...first, overwriteErased: () => overwritten(first, url, one.file) }, inStep(other, [one])];
    },
    async () => {
      const url = await newDatabase();
      const { store, file } = await openReplica(url);
      const made = [article({}), article({ id: 'b' })];
      const puts = made.map((one) => ({
        kind: 'put' as const,
        article: articleText(one),
        record: '{"a":1}',
        feeds: ownKeys(one),
      }));
      await store.apply(puts, () => NOW);
      damaging(file, 'PRAGMA wal_checkpoint(TRUNCATE)');
      await overwriteTables(file);
      damaging(file, `PRAGMA user_version = ${SCHEMA}`); // a commit, so that the store reads its file again
      return store;
    },
    { isReplicated: true },
  );
  outboxContract('PostgreSQL', async () => (await openReplica(await newDatabase())).store, RUNS);
});
