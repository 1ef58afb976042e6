/** Milliseconds without a change after which a file counts as completely written. */
export const DEBOUNCE = 25;
/** Most paths of one batch. */
const BATCH_LIMIT = 500;
/** Milliseconds for which a reader waits for one change at most: a file may be written without end. */
export const PATIENCE = 1000;
/** Milliseconds for which a removed article waits at most for changed files: one of them may be its renamed file. */
const RENAME_GRACE = 500;

/** A path that may have changed since it was last read. Times are milliseconds since 1970. */
interface DirtyPath {
  /** Position among all changes, counted from 1: readers wait for the changes before their request. */
  readonly sequence: number;
  readonly firstChange: number;
  readonly lastChange: number;
  /** When the path may be read. */
  readonly readyAt: number;
}

/** An article whose file was removed, or names another id now. */
export interface RemovedArticle {
  readonly id: string;
  /** The file that held it; undefined where it is not known any more. */
  readonly path?: string | undefined;
  readonly sequence: number;
  /** When its file was missed, in milliseconds since 1970. */
  readonly since: number;
}

/**
 * The changes that are not in the store yet. Every method takes the time, in milliseconds since 1970, and sets no timer.
 */
export interface PendingChanges {
  readonly isEmpty: () => boolean;
  /** The position of the latest change. */
  readonly lastSequence: () => number;
  /** Adds a path that may have changed. */
  readonly markDirty: (path: string, now: number) => void;
  /** Adds a path because of the current batch: readers who wait for the batch wait for this path as well. */
  readonly markDirtyInBatch: (path: string, now: number) => void;
  /** Adds a path to be read at `readyAt`, unless it is dirty already. No reader waits until then. */
  readonly recheckAt: (path: string, readyAt: number, now: number) => void;
  readonly markRemoved: (id: string, now: number, path?: string) => void;
  /** Starts the batch of the start, which has no paths and precedes every change. */
  readonly startFirstBatch: () => void;
  /** Starts a batch with the paths that are ready; undefined if there is nothing to do. */
  readonly takeBatch: (now: number) => readonly string[] | undefined;
  readonly endBatch: () => void;
  /** The removed articles to withdraw now: no changed file that could be theirs is unread. */
  readonly withdrawable: (now: number, mayMoreChange: boolean) => readonly RemovedArticle[];
  readonly forgetRemoved: (removed: Iterable<RemovedArticle>) => void;
  /** Takes all removed articles out, for `restoreRemoved`. */
  readonly takeRemoved: () => readonly RemovedArticle[];
  readonly restoreRemoved: (removed: readonly RemovedArticle[]) => void;
  /** The position of the first change that readers wait for; infinite if there is none. */
  readonly firstAwaited: (now: number) => number;
}

export function createPendingChanges(): PendingChanges {
  const dirty = new Map<string, DirtyPath>();
  const removed = new Set<RemovedArticle>();
  let lastSequence = 0;
  let batchSequence: number | undefined;

  function markDirty(path: string, now: number, sequence: number): void {
    const before = dirty.get(path);
    dirty.set(path, {
      sequence: Math.min(sequence, before?.sequence ?? sequence),
      firstChange: before?.firstChange ?? now,
      lastChange: now,
      readyAt: now + DEBOUNCE,
    });
  }

  function takeBatch(now: number): readonly string[] | undefined {
    const paths: string[] = [];
    let first = lastSequence;
    for (const [path, { readyAt, sequence }] of dirty) {
      if (now < readyAt) continue;
      paths.push(path);
      first = Math.min(first, sequence);
      if (paths.length === BATCH_LIMIT) break;
    }
    if (paths.length + removed.size === 0) return undefined;
    for (const path of paths) dirty.delete(path);
    batchSequence = first;
    return paths;
  }

  /** A file that is written without end delays no withdrawal: it is not the renamed file of an earlier removal. */
  function withdrawable(now: number, mayMoreChange: boolean): readonly RemovedArticle[] {
    if (dirty.size === 0 && !mayMoreChange) return [...removed];
    let firstChange = now;
    for (const path of dirty.values()) {
      if (path.lastChange - path.firstChange <= PATIENCE) firstChange = Math.min(firstChange, path.firstChange);
    }
    return [...removed].filter(({ since }) => since < firstChange - RENAME_GRACE);
  }

  function firstAwaited(now: number): number {
    let first = batchSequence ?? Number.POSITIVE_INFINITY;
    for (const { sequence, firstChange, readyAt } of dirty.values()) {
      if (firstChange > now - PATIENCE && readyAt <= now + DEBOUNCE) first = Math.min(first, sequence);
    }
    for (const { sequence, since } of removed) if (since > now - PATIENCE) first = Math.min(first, sequence);
    return first;
  }

  return {
    isEmpty: () => dirty.size + removed.size === 0,
    lastSequence: () => lastSequence,
    markDirty: (path, now) => markDirty(path, now, ++lastSequence),
    markDirtyInBatch: (path, now) => markDirty(path, now, batchSequence ?? ++lastSequence),
    recheckAt(path, readyAt, now) {
      if (dirty.has(path)) return;
      dirty.set(path, { sequence: ++lastSequence, firstChange: now, lastChange: now, readyAt });
    },
    markRemoved: (id, now, path) => removed.add({ id, path, sequence: batchSequence ?? lastSequence, since: now }),
    startFirstBatch() {
      batchSequence = 0;
    },
    takeBatch,
    endBatch() {
      batchSequence = undefined;
    },
    withdrawable,
    forgetRemoved(withdrawn) {
      for (const article of withdrawn) removed.delete(article);
    },
    takeRemoved() {
      const taken = [...removed];
      removed.clear();
      return taken;
    },
    restoreRemoved(taken) {
      for (const article of taken) removed.add(article);
    },
    firstAwaited,
  };
}
