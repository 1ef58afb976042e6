import { PublisherError } from '../../errors.ts';
import type { Replica } from '../replica.ts';
import { requireAlone, SCHEMA } from '../sqlite/database.ts';
import { leaveLog, readProjection } from '../sqlite/projected-file.ts';
import { openProjectedStore } from '../sqlite/sqlite-store.ts';
import { withSession } from './connection.ts';
import { createLog, readHead } from './log.ts';
import { openReplicatedStore } from './replicated-store.ts';
import { saveSnapshot } from './snapshots.ts';

interface Place {
  /** The file of the store. */
  readonly file: string;
  /** The address of the database. */
  readonly url: string;
}

/**
 * Brings the store of one machine into an empty database. The file follows the log from then on: it is the first replica.
 *
 * @throws PublisherError `store_unavailable` where another process uses the store, where it is a replica already, or where the
 * database has a publication
 */
export async function moveToDatabase({ file, url }: Place): Promise<void> {
  if (readProjection(file)?.log !== undefined)
    throw new PublisherError('store_unavailable', `The store ${file} is in a database already.`, {
      hint: 'Start the service with --database-url.',
    });
  requireAlone(file, 'store move');
  const log = await withSession(url, async (session) => {
    await createLog(session, SCHEMA);
    const head = await readHead(session);
    const { rows } = await session.query('SELECT 1 FROM feed_publisher.replica LIMIT 1');
    if (head.last > 0 || rows.length > 0) throw takenDatabase();
    await saveSnapshot(session, file, SCHEMA);
    return head.log;
  });
  const { store, projection } = openProjectedStore(file, {}, () => Promise.reject(new Error('nothing is submitted')));
  try {
    await projection.follow({ log, position: 0, token: '' });
  } finally {
    await store.close();
  }
}

function takenDatabase(): PublisherError {
  return new PublisherError('store_unavailable', 'The database has a publication already.', {
    hint: 'Name an empty database. If the publication in it is no longer needed, run “DROP SCHEMA feed_publisher CASCADE” there first.',
  });
}

/**
 * Makes the store of this machine independent of the database, with everything that is in the database by now.
 *
 * @param leaving takes what is shared beside the store
 *
 * @throws PublisherError `database_unavailable`, `store_unavailable`
 */
export async function moveToFile(
  { file, url }: Place,
  leaving: (replica: Replica) => Promise<void> = async () => {},
): Promise<void> {
  const { store, replica } = await openReplicatedStore({ url, file, mayOwn: false });
  try {
    const { isConnected, applied, last } = replica.state();
    if (!isConnected || applied < last)
      throw new PublisherError('database_unavailable', 'The database went away before all changes were read.', {
        hint: 'Run the command again when the database is back.',
      });
    await leaving(replica);
  } finally {
    await store.close();
  }
  leaveLog(file);
}

/** Lets replicas of this version follow a log of an earlier one. No replica may run. */
export async function migrateLog(url: string): Promise<void> {
  await withSession(url, async (session) => {
    await createLog(session, SCHEMA);
    await session.query('UPDATE feed_publisher.head SET format = $1 WHERE format < $1', [SCHEMA]);
  });
}
