import { isStoreDamage } from '../../errors.ts';
import { createIdleWaiters } from './idle-waiters.ts';
import { createPendingChanges, DEBOUNCE, type RemovedArticle } from './pending-changes.ts';

/** Brings changed files into the store, batch by batch, and lets readers wait for them. */
export interface ChangeQueue {
  /** Adds a path that may have changed. */
  readonly markDirty: (path: string) => void;
  /** Adds a path because of the current batch: readers who wait for the batch wait for this path as well. */
  readonly markDirtyInBatch: (path: string) => void;
  /** Adds a path to be read at `readyAt`, in milliseconds since 1970, unless it is dirty already. No reader waits until then. */
  readonly recheckAt: (path: string, readyAt: number) => void;
  /** Adds an article whose file, at the path, was removed or names another id now. */
  readonly markRemoved: (id: string, path?: string) => void;
  /** Runs this before every batch. Rejects if it rejects; then no batch is ever run. */
  readonly begin: (first: () => Promise<void>) => Promise<void>;
  /** Whether a reader has anything to wait for. */
  readonly hasPending: () => boolean;
  /** Waits until every change before the call is done, but not longer than a second. */
  readonly whenIdle: () => Promise<void>;
  /** Waits for the current batch. No other is run. */
  readonly close: () => Promise<void>;
}

interface ChangeQueueParts {
  /** Milliseconds since 1970, by the clock that dates files. */
  readonly now: () => number;
  /** Whether changes that happened already may still be added. */
  readonly isBusy: () => boolean;
  /** Brings the store up to date with these paths. If it rejects, they are tried again after a second. */
  readonly processBatch: (paths: readonly string[]) => Promise<void>;
  /** Withdraws those of the articles that no file holds. If it rejects, they are tried again after a second. */
  readonly withdraw: (removed: readonly RemovedArticle[]) => Promise<void>;
  /** Receives each error of `processBatch` and `withdraw`. */
  readonly fail: (error: unknown) => void;
}

/** Milliseconds after which a failed batch is tried again. */
const RETRY = 1000;

/** A queue that runs one batch at a time. A path joins a batch `DEBOUNCE` after its last change. */
export function createChangeQueue(parts: ChangeQueueParts): ChangeQueue {
  const { now, isBusy, processBatch, withdraw, fail } = parts;
  const pending = createPendingChanges();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let isClosed = false;

  async function begin(first: () => Promise<void>): Promise<void> {
    pending.startFirstBatch();
    running = first().then(() => attempt([]));
    await running;
    endBatch();
  }

  function schedule(): void {
    if (isClosed || running !== undefined || pending.isEmpty()) return;
    timer ??= setTimeout(runBatch, DEBOUNCE);
  }

  function runBatch(): void {
    timer = undefined;
    if (running !== undefined) return; // a path was marked before `begin`, which schedules again at its end
    const paths = pending.takeBatch(now());
    if (paths === undefined) schedule();
    else running = attempt(paths).finally(endBatch);
  }

  function endBatch(): void {
    pending.endBatch();
    running = undefined;
    schedule();
  }

  async function attempt(paths: readonly string[]): Promise<void> {
    try {
      if (paths.length > 0) await processBatch(paths);
      const removed = pending.withdrawable(now(), isBusy());
      if (removed.length > 0) await withdraw(removed);
      pending.forgetRemoved(removed);
    } catch (error) {
      fail(error);
      if (!isStoreDamage(error)) retryLater(paths); // a restart reads all files again
    }
  }

  /** No reader waits until then: the disk may be full for hours. */
  function retryLater(paths: readonly string[]): void {
    const removed = pending.takeRemoved();
    setTimeout(() => {
      pending.restoreRemoved(removed);
      for (const path of paths) pending.markDirty(path, now());
      schedule();
    }, RETRY).unref();
  }

  return {
    markDirty(path) {
      pending.markDirty(path, now());
      schedule();
    },
    markDirtyInBatch(path) {
      pending.markDirtyInBatch(path, now());
      schedule();
    },
    recheckAt(path, readyAt) {
      pending.recheckAt(path, readyAt, now());
      schedule();
    },
    markRemoved: (id, path) => pending.markRemoved(id, now(), path),
    begin,
    hasPending: () =>
      isBusy() || running !== undefined || (!pending.isEmpty() && pending.firstAwaited(now()) < Infinity),
    whenIdle: createIdleWaiters({
      now,
      isBusy,
      isClosed: () => isClosed,
      lastSequence: pending.lastSequence,
      firstAwaited: () => pending.firstAwaited(now()),
    }),
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await running?.catch(() => {}); // `begin` has rejected with it
    },
  };
}
