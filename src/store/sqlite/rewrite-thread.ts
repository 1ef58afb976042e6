/** A thread that rewrites the file of a store; see overwriting.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { connect, storeError } from './database.ts';

/** The message of the thread: undefined where the file is rewritten. */
export type RewriteReply = string | undefined;

try {
  const db = connect(workerData as string);
  try {
    db.exec('VACUUM');
    // Moves the whole file from the log here, so that the event loop of the service only has to cut the log off.
    db.exec('PRAGMA wal_checkpoint(PASSIVE)');
  } finally {
    db.close();
  }
  reply(undefined);
} catch (error) {
  const known = storeError(error);
  reply(known instanceof Error ? known.message : String(known));
}

function reply(message: RewriteReply): void {
  parentPort?.postMessage(message);
}
