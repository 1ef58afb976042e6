/** A thread that moves commits from the write-ahead log into the database; see checkpoints.ts. */
import { DatabaseSync } from 'node:sqlite';
import { workerData } from 'node:worker_threads';

export interface CheckpointConfig {
  readonly file: string;
  /** Milliseconds between checkpoints. */
  readonly every: number;
}

const { file, every } = workerData as CheckpointConfig;
const db = new DatabaseSync(file);
db.exec('PRAGMA secure_delete = ON');
const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');

setInterval(() => {
  try {
    checkpoint.get();
  } catch {
    // The writer meets the same failure once its log is long, and reports it.
  }
}, every);
