import { randomUUID } from 'node:crypto';
import type { Operation, OperationName, ResultOf, Submit } from '../operations.ts';
import type { Replica } from '../replica.ts';
import { SCHEMA } from '../sqlite/database.ts';
import { openProjectedStore } from '../sqlite/sqlite-store.ts';
import type { Store } from '../store.ts';
import type { Session } from './connection.ts';
import { createLog, type Head, readHead } from './log.ts';
import { requireFormat } from './problems.ts';
import { prepareFile, replicaId } from './replica-file.ts';
import { Replication } from './replication.ts';
import { Submitter } from './submitter.ts';

export interface ReplicatedStoreOptions {
  /** The address of the database: `postgresql://user:password@host/name`. */
  readonly url: string;
  /** The file of this machine's copy of the store. It is made where it is missing. */
  readonly file: string;
  readonly isBulk?: boolean | undefined;
  /** Whether this process may become the owner. A command must not: it ends soon. */
  readonly mayOwn?: boolean;
  /** The clock of this machine. */
  readonly now?: () => number;
}

export interface ReplicatedStore {
  readonly store: Store;
  readonly replica: Replica;
}

/**
 * Opens the store of a replica: a projection on SQLite of the log of operations in PostgreSQL. Reading is local. A change is
 * made when the log has it, and shown when this replica has made it as well.
 *
 * Where the database is away and this machine has a copy of the store, it opens as well, and takes changes later.
 *
 * @throws PublisherError `database_unavailable`, `store_unavailable`, `store_outdated`, `store_too_new`, `store_damaged`
 */
export async function openReplicatedStore(options: ReplicatedStoreOptions): Promise<ReplicatedStore> {
  const { url, file, isBulk, mayOwn = true, now = Date.now } = options;
  const head = await prepareFile({ file, url, readLog });
  const replica = replicaId(file);
  const submitter = new Submitter({
    connection: () => replication.connection,
    follower: () => replication.follower,
    id: randomUUID(),
    replica,
    format: SCHEMA,
    onRefused: () => replication.refuseVersion(),
  });
  const { store: local, projection } = openProjectedStore(file, { isBulk }, submitTo(submitter));
  const revision = local.lastRevision;
  const replication = new Replication({ url, file, replica, projection, submitter, mayOwn, now, revision });
  const store = replicated(local, replication);
  try {
    await replication.start(head);
  } catch (error) {
    await store.close();
    throw error;
  }
  return { store, replica: replication.asReplica() };
}

/** Creates the log where there is none, and checks that this program may follow it. */
async function readLog(session: Session): Promise<Head> {
  await createLog(session, SCHEMA);
  const head = await readHead(session);
  requireFormat(head, SCHEMA);
  return head;
}

/** The store of this machine, as far as the log has a say. */
function replicated(local: Store, replication: Replication): Store {
  return {
    ...local,
    overwriteErased: async () => (await local.overwriteErased()) ?? (await replication.erasedInLog()),
    async check() {
      const { problem } = replication.state();
      if (problem !== undefined) throw problem;
      await local.check();
    },
    // The publisher looks here for dates that readers know: another replica may have made them known just now.
    async identities(ids) {
      await replication.catchUp();
      return await local.identities(ids);
    },
    async close() {
      await replication.close();
      await local.close();
    },
  };
}

/** The result of an operation is what the store makes of it: the log has no other types. */
function submitTo(submitter: Submitter): Submit {
  return async <Name extends OperationName>(name: Name, now: () => number, ...args: unknown[]) => {
    const operation = { name, at: now(), args } as unknown as Operation;
    return (await submitter.submit(operation)) as ResultOf<Name>;
  };
}
