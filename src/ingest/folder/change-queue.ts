/** What may have changed, done in changeQueue, and those who wait for it. */
export interface ChangeQueue {
  /** Notes a path that may have changed. */
  readonly markDirty: (path: string) => void;
  /** Notes a path because of what is being done: who waits for the one waits for the other. */
  readonly markDirtyInBatch: (path: string) => void;
  /** Notes a path that is not to be looked at before a moment, unless it is dirty besides. Nobody waits for it until then. */
  readonly markDirtyLater: (path: string, from: number) => void;
  /** Notes an article whose file went, or holds another by now. */
  readonly markRemoved: (id: string) => void;
  /** Does this before all that is dirty, and rejects where it does. */
  readonly begin: (first: () => Promise<void>) => Promise<void>;
  readonly hasPending: () => boolean;
  /** Waits for what was dirty before, but not longer than `PATIENCE`. */
  readonly whenIdle: () => Promise<void>;
  /** Ends with the turn that is being done. */
  readonly close: () => Promise<void>;
}

interface ChangeQueueParts {
  /** Whether paths may be dirty any moment that changed already. */
  readonly isBusy: () => boolean;
  /** Brings up to date what was dirty. */
  readonly work: (paths: readonly string[]) => Promise<void>;
  /** Withdraws articles that removed, where no file has them. */
  readonly withdraw: (ids: readonly string[]) => Promise<void>;
  readonly fail: (error: unknown) => void;
}

/** Paths of one turn at most. */
const BATCH = 500;
/** Milliseconds without a change after which a file counts as written to its end. */
const QUIET = 25;
/** Milliseconds after which what failed is tried again. */
const RETRY = 1000;
/** Milliseconds an answer waits at most for files that are being read. */
const PATIENCE = 1000;

/** Milliseconds an article whose file went waits at most for another file that names its id to be dirty. */
const RENAMING = 500;

/** A path that may have changed and was not looked at since. */
interface DirtyPath {
  /** Its place among all that were dirty. */
  readonly turn: number;
  /** When it was dirty first, and when it changed last, milliseconds. */
  readonly since: number;
  readonly at: number;
  /** When it may be looked at, milliseconds. */
  readonly from: number;
}

/** An article whose file went, or holds another by now. */
interface RemovedArticle extends Pick<DirtyPath, 'turn' | 'since'> {
  readonly id: string;
}

/** Somebody who waits for what was dirty before. */
interface Waiter {
  /** The last turn that is waited for. Not known while a folder that came is read: what it brought is dirty after that. */
  last: number | undefined;
  /** When he goes on in any case, milliseconds. */
  readonly until: number;
  readonly goOn: () => void;
}

export function createChangeQueue({ isBusy, work, withdraw, fail }: ChangeQueueParts): ChangeQueue {
  const dirty = new Map<string, DirtyPath>();
  /** Their articles are withdrawn once no other file can have them any more: files and folders are renamed. */
  let removed: RemovedArticle[] = [];
  /** In the order in which they came and go on. */
  const waiters: Waiter[] = [];
  let changeQueue = 0;
  let timer: NodeJS.Timeout | undefined;
  let working: { readonly turn: number; readonly done: Promise<void> } | undefined;
  let closed = false;

  async function begin(first: () => Promise<void>): Promise<void> {
    const done = first().then(() => attempt([]));
    working = { turn: 0, done };
    await done;
    working = undefined;
    schedule();
  }

  function markDirty(path: string, turn = ++changeQueue): void {
    const before = dirty.get(path);
    const at = Date.now();
    dirty.set(path, { turn: Math.min(turn, before?.turn ?? turn), since: before?.since ?? at, at, from: at + QUIET });
    schedule();
  }

  function markDirtyLater(path: string, from: number): void {
    const at = Date.now();
    if (!dirty.has(path)) dirty.set(path, { turn: ++changeQueue, since: at, at, from });
    schedule();
  }

  function markRemoved(id: string): void {
    removed.push({ id, turn: working?.turn ?? changeQueue, since: Date.now() });
  }

  function schedule(): void {
    if (closed || dirty.size + removed.length === 0 || working !== undefined) return;
    timer ??= setTimeout(takeTurn, QUIET);
  }

  function takeTurn(): void {
    timer = undefined;
    const quiet = [...dirty].filter(([, { from }]) => Date.now() >= from);
    const batch = quiet.slice(0, BATCH).map(([path]) => path);
    if (batch.length + removed.length === 0) {
      schedule();
      return;
    }
    const turn = Math.min(changeQueue, ...batch.map((path) => dirty.get(path)?.turn ?? changeQueue));
    for (const path of batch) dirty.delete(path);
    const done = attempt(batch).finally(() => {
      working = undefined;
      schedule();
    });
    working = { turn, done };
  }

  async function attempt(batch: readonly string[]): Promise<void> {
    try {
      if (batch.length > 0) await work(batch);
      await withdrawDeparted();
    } catch (error) {
      fail(error);
      putOff(batch);
    }
  }

  function putOff(batch: readonly string[]): void {
    const waiting = removed;
    removed = [];
    setTimeout(() => {
      removed.push(...waiting);
      for (const path of batch) markDirty(path);
      schedule();
    }, RETRY).unref();
  }

  /** Withdraws the articles whose files went and that no other file has now. */
  async function withdrawDeparted(): Promise<void> {
    const until = departedUntil();
    const over = removed.filter(({ since }) => since < until);
    if (over.length === 0) return;
    await withdraw(over.map(({ id }) => id));
    removed = removed.filter(({ since }) => since >= until);
  }

  /**
   * What removed before this moment has no other file: nothing is dirty that could be one. As changes may never end,
   * what was dirty more than `RENAMING` after it is not waited for, nor is a file that is written without end.
   */
  function departedUntil(): number {
    if (dirty.size === 0 && !isBusy()) return Number.POSITIVE_INFINITY;
    let first = Date.now();
    for (const { since, at } of dirty.values()) if (at - since <= PATIENCE) first = Math.min(first, since);
    return first - RENAMING;
  }

  /** The first turn that is not over. A file that is written without end is not waited for. */
  function openTurn(): number {
    let first = working?.turn ?? Number.POSITIVE_INFINITY;
    const patient = Date.now() - PATIENCE;
    const soon = Date.now() + QUIET;
    for (const { turn, since, from } of dirty.values()) {
      if (since > patient && from <= soon) first = Math.min(first, turn);
    }
    for (const { turn, since } of removed) if (since > patient) first = Math.min(first, turn);
    return first;
  }

  /** Waits for what was dirty before, not for what comes after: changes may never end. */
  function whenIdle(): Promise<void> {
    return new Promise((goOn) => {
      waiters.push({ last: isBusy() ? undefined : changeQueue, until: Date.now() + PATIENCE, goOn });
      if (waiters.length === 1) letGoOn();
    });
  }

  /** Looks once for all who wait: there may be thousands of them, and of files. */
  function letGoOn(): void {
    if (!isBusy()) for (const waiter of waiters) waiter.last ??= changeQueue;
    const open = openTurn();
    const now = Date.now();
    const mustWait = ({ last, until }: Waiter) => !closed && now < until && (last === undefined || last >= open);
    const first = waiters.findIndex(mustWait);
    for (const { goOn } of waiters.splice(0, first < 0 ? waiters.length : first)) goOn();
    if (waiters.length > 0) setTimeout(letGoOn, 5);
  }

  return {
    markDirty: (path) => markDirty(path),
    markDirtyInBatch: (path) => markDirty(path, working?.turn),
    markDirtyLater,
    markRemoved,
    begin,
    hasPending: () => isBusy() || working !== undefined || (dirty.size + removed.length > 0 && openTurn() < Infinity),
    whenIdle,
    async close() {
      closed = true;
      clearTimeout(timer);
      await working?.done;
    },
  };
}
