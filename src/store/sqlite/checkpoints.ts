import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { CheckpointDesk } from './checkpoint-thread.ts';

/**
 * Milliseconds: what was committed is still in the processor's caches, and the log begins anew before it has grown out of
 * them. Pages that change again and again are written more often for it, which costs less.
 */
const EVERY = 10;

export interface Checkpoints {
  readonly close: () => Promise<void>;
}

/**
 * Takes checkpoints in a thread, for one that writes without a pause: who commits when the log is long takes the rest,
 * which is little by then, and begins the log anew. Alone it would wait for the disk a fifth of the time. Where the thread
 * fails, the writer does all of it, as ever.
 */
export function openCheckpoints(file: string): Checkpoints {
  const workerData: CheckpointDesk = { file, every: EVERY };
  const thread = new Worker(join(import.meta.dirname, 'checkpoint-thread.ts'), { workerData });
  thread.on('error', () => {});
  thread.unref();
  return {
    close: async () => {
      await thread.terminate();
    },
  };
}
