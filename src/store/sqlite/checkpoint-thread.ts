/** A thread that moves what was committed from the write-ahead log into the database; see checkpoints.ts. */
import { DatabaseSync } from 'node:sqlite';
import { workerData } from 'node:worker_threads';

export interface CheckpointDesk {
  readonly file: string;
  /** Milliseconds between checkpoints. */
  readonly every: number;
}

const { file, every } = workerData as CheckpointDesk;
const db = new DatabaseSync(file);
const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');

setInterval(() => {
  try {
    checkpoint.get();
  } catch {
    // The writer meets the same when its log is long, and tells of it.
  }
}, every);
