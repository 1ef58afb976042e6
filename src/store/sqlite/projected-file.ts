import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { PublisherError } from '../../errors.ts';
import type { LogPosition } from '../projection.ts';
import { LOCAL_SETTINGS, SITE_SETTINGS } from '../store.ts';
import { createEmpty, isThere, openDatabase, requireAlone, withStoreErrors } from './database.ts';
import { LOG, logPosition, REPLY } from './projection.ts';
import type { ProjectionCopy, ProjectionCopyReply } from './projection-copy-thread.ts';
import { createSettings } from './settings.ts';

/** What a file has of a log. */
export interface FilePosition extends LogPosition {
  /** Whether the store has no article, no key and no custom feed: nothing is lost with it. */
  readonly isEmpty: boolean;
}

/**
 * Reads what the file of a store has of a log. Undefined where there is no file.
 *
 * @throws PublisherError as `openSqliteStore`
 */
export function readProjection(file: string): FilePosition | undefined {
  return withStoreErrors(positionIn)(file);
}

function positionIn(file: string): FilePosition | undefined {
  if (!isThere(file)) return undefined;
  const db = openDatabase(file);
  try {
    const row = db.prepare('SELECT (SELECT last FROM revision) + (SELECT count(*) FROM key) AS has').get();
    return { ...logPosition(createSettings(db)), isEmpty: Number(row?.has) === 0 };
  } finally {
    db.close();
  }
}

/** Makes the file of a store follow no log any more. No other process may use it. */
export function leaveLog(file: string): void {
  requireAlone(file, 'store move');
  const db = openDatabase(file);
  try {
    db.prepare('DELETE FROM setting WHERE substr(name, 1, length(?1)) = ?1').run(LOG);
  } finally {
    db.close();
  }
}

/** Creates the file of a store that begins with the first operation of a log. */
export function createProjection(file: string): void {
  createEmpty(file).close();
}

/**
 * Copies a store into another file, in a thread: the event loop goes on meanwhile. The copy has nothing that is only about this
 * machine.
 *
 * @returns which operations the copy has
 */
export async function copyProjection(file: string, to: string): Promise<LogPosition> {
  rmSync(to, { force: true });
  const reply = await new Promise<ProjectionCopyReply>((done) => {
    const workerData: ProjectionCopy = { file, to, without: LOCAL_SETTINGS, withoutPrefixes: [REPLY, SITE_SETTINGS] };
    const thread = new Worker(join(import.meta.dirname, 'projection-copy-thread.ts'), { workerData });
    let message: ProjectionCopyReply = { failure: 'its thread failed' };
    thread.once('message', (sent: ProjectionCopyReply) => {
      message = sent;
    });
    thread.once('error', (error) => {
      message = { failure: String(error) };
    });
    thread.once('exit', () => done(message));
  });
  if ('failure' in reply)
    throw new PublisherError('store_unavailable', `The store cannot be copied (${reply.failure}).`, {
      hint: 'Make room in the folder of the store. The service tries again.',
    });
  return reply.position;
}
