/**
 * A thread that moves commits from the write-ahead log into the database; see checkpoints.ts. It is JavaScript because Node
 * would load a compiler into the thread to read TypeScript, which takes 18 MB.
 */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/** @type {import('./checkpoints.ts').CheckpointConfig} */
const { file, every } = workerData;
const db = new DatabaseSync(file);
db.exec('PRAGMA secure_delete = ON');
const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)');

function take() {
  try {
    checkpoint.get();
  } catch {
    // The writer meets the same failure once its log is long, and reports it.
  }
}

if (every !== undefined) setInterval(take, every);
else
  parentPort?.on('message', () => {
    take();
    parentPort?.postMessage('done');
  });
