import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { CheckpointConfig } from './checkpoint-thread.ts';

/**
 * Milliseconds between checkpoints. So soon, the commits are still in the processor's caches, and the log restarts before
 * it outgrows them. A page that changes often is written more often, which costs less.
 */
const EVERY = 10;

export interface Checkpoints {
  readonly close: () => Promise<void>;
}

/**
 * Takes passive checkpoints in a thread while a process writes without a pause. A commit that finds a long log checkpoints
 * the rest, which is little by then, and restarts the log. Without the thread, an import waits for the disk a fifth of
 * the time. If the thread fails, the writer does all checkpoints, as SQLite does by default.
 */
export function openCheckpoints(file: string): Checkpoints {
  const workerData: CheckpointConfig = { file, every: EVERY };
  const thread = new Worker(join(import.meta.dirname, 'checkpoint-thread.ts'), { workerData });
  thread.on('error', () => {});
  thread.unref();
  return {
    close: async () => {
      await thread.terminate();
    },
  };
}
