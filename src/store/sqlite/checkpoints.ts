import type { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';

/**
 * Milliseconds between checkpoints of an import. So soon, the commits are still in the processor's caches, and the log restarts
 * before it outgrows them. A page that changes often is written more often, which costs less.
 */
const EVERY = 10;

/** Pages in the log of a service after which it takes a checkpoint: 8 MB, about 40 stories. */
const MOST_PENDING = 1000;

/** What the thread is given. */
export interface CheckpointConfig {
  readonly file: string;
  /** Milliseconds between checkpoints. Without it, the thread takes a checkpoint for each message, and replies after it. */
  readonly every: number | undefined;
}

export interface Checkpoints {
  /** Call this after each commit. */
  readonly afterCommit: () => void;
  readonly close: () => Promise<void>;
}

/**
 * Takes passive checkpoints in a thread while a process writes without a pause. A commit that finds a long log checkpoints
 * the rest, which is little by then, and restarts the log. Without the thread, an import waits for the disk a fifth of
 * the time. If the thread fails, the writer does all checkpoints, as SQLite does by default.
 */
export function openCheckpoints(file: string): Checkpoints {
  const thread = startThread({ file, every: EVERY });
  return { afterCommit: () => {}, close: () => end(thread) };
}

/**
 * Takes passive checkpoints in a thread of a service, when the log has grown. Without it, one change of some hundred would
 * wait until 64 MB are on disk. The thread starts when it is needed. If it fails, the writer does all checkpoints.
 */
export function createCheckpoints(db: DatabaseSync, file: string): Checkpoints {
  const select = db.prepare('PRAGMA wal_checkpoint(NOOP)');
  select.setReturnArrays(true);
  let thread: Worker | undefined;
  let isBusy = false;

  function start(): Worker | undefined {
    const started = startThread({ file, every: undefined });
    started?.on('message', () => {
      isBusy = false;
    });
    return started;
  }

  /** Pages of the log that are not in the database yet. */
  function pending(): number {
    try {
      const [, log, checkpointed] = select.get() as unknown as readonly [number, number, number];
      return log - checkpointed;
    } catch {
      return 0; // the change is on disk: whatever is wrong, the next one meets it
    }
  }

  return {
    afterCommit() {
      if (isBusy || pending() < MOST_PENDING) return;
      isBusy = true; // for good if the thread fails
      thread ??= start();
      thread?.postMessage('take');
    },
    close: () => end(thread),
  };
}

/** Undefined where the system has no room for another thread: Node throws then, and the change before is on disk already. */
function startThread(workerData: CheckpointConfig): Worker | undefined {
  try {
    const thread = new Worker(new URL('./checkpoint-thread.js', import.meta.url), { workerData });
    thread.on('error', () => {});
    thread.unref();
    return thread;
  } catch {
    return undefined;
  }
}

async function end(thread: Worker | undefined): Promise<void> {
  await thread?.terminate();
}
