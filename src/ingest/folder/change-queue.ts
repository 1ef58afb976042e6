/** What may have changed, done in turns, and those who wait for it. */
export interface Turns {
  /** Notes a path that may have changed. */
  readonly note: (path: string) => void;
  /** Notes a path because of what is being done: who waits for the one waits for the other. */
  readonly noteAlong: (path: string) => void;
  /** Notes a path that is not to be looked at before a moment, unless it is noted besides. Nobody waits for it until then. */
  readonly noteLater: (path: string, from: number) => void;
  /** Notes an article whose file went, or holds another by now. */
  readonly depart: (id: string) => void;
  /** Does this before all that is noted, and rejects where it does. */
  readonly begin: (first: () => Promise<void>) => Promise<void>;
  readonly isUnsettled: () => boolean;
  /** Waits for what was noted before, but not longer than `PATIENCE`. */
  readonly settled: () => Promise<void>;
  /** Ends with the turn that is being done. */
  readonly close: () => Promise<void>;
}

interface TurnsParts {
  /** Whether paths may be noted any moment that changed already. */
  readonly isBusy: () => boolean;
  /** Brings up to date what was noted. */
  readonly work: (paths: readonly string[]) => Promise<void>;
  /** Withdraws articles that departed, where no file has them. */
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

/** Milliseconds an article whose file went waits at most for another file that names its id to be noted. */
const RENAMING = 500;

/** A path that may have changed and was not looked at since. */
interface Noted {
  /** Its place among all that were noted. */
  readonly turn: number;
  /** When it was noted first, and when it changed last, milliseconds. */
  readonly since: number;
  readonly at: number;
  /** When it may be looked at, milliseconds. */
  readonly from: number;
}

/** An article whose file went, or holds another by now. */
interface Departed extends Pick<Noted, 'turn' | 'since'> {
  readonly id: string;
}

/** Somebody who waits for what was noted before. */
interface Waiter {
  /** The last turn that is waited for. Not known while a folder that came is read: what it brought is noted after that. */
  last: number | undefined;
  /** When he goes on in any case, milliseconds. */
  readonly until: number;
  readonly goOn: () => void;
}

export function openTurns({ isBusy, work, withdraw, fail }: TurnsParts): Turns {
  const noted = new Map<string, Noted>();
  /** Their articles are withdrawn once no other file can have them any more: files and folders are renamed. */
  let departed: Departed[] = [];
  /** In the order in which they came and go on. */
  const waiters: Waiter[] = [];
  let turns = 0;
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

  function note(path: string, turn = ++turns): void {
    const before = noted.get(path);
    const at = Date.now();
    noted.set(path, { turn: Math.min(turn, before?.turn ?? turn), since: before?.since ?? at, at, from: at + QUIET });
    schedule();
  }

  function noteLater(path: string, from: number): void {
    const at = Date.now();
    if (!noted.has(path)) noted.set(path, { turn: ++turns, since: at, at, from });
    schedule();
  }

  function depart(id: string): void {
    departed.push({ id, turn: working?.turn ?? turns, since: Date.now() });
  }

  function schedule(): void {
    if (closed || noted.size + departed.length === 0 || working !== undefined) return;
    timer ??= setTimeout(takeTurn, QUIET);
  }

  function takeTurn(): void {
    timer = undefined;
    const quiet = [...noted].filter(([, { from }]) => Date.now() >= from);
    const batch = quiet.slice(0, BATCH).map(([path]) => path);
    if (batch.length + departed.length === 0) {
      schedule();
      return;
    }
    const turn = Math.min(turns, ...batch.map((path) => noted.get(path)?.turn ?? turns));
    for (const path of batch) noted.delete(path);
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
    const waiting = departed;
    departed = [];
    setTimeout(() => {
      departed.push(...waiting);
      for (const path of batch) note(path);
      schedule();
    }, RETRY).unref();
  }

  /** Withdraws the articles whose files went and that no other file has now. */
  async function withdrawDeparted(): Promise<void> {
    const until = departedUntil();
    const over = departed.filter(({ since }) => since < until);
    if (over.length === 0) return;
    await withdraw(over.map(({ id }) => id));
    departed = departed.filter(({ since }) => since >= until);
  }

  /**
   * What departed before this moment has no other file: nothing is noted that could be one. As changes may never end,
   * what was noted more than `RENAMING` after it is not waited for, nor is a file that is written without end.
   */
  function departedUntil(): number {
    if (noted.size === 0 && !isBusy()) return Number.POSITIVE_INFINITY;
    let first = Date.now();
    for (const { since, at } of noted.values()) if (at - since <= PATIENCE) first = Math.min(first, since);
    return first - RENAMING;
  }

  /** The first turn that is not over. A file that is written without end is not waited for. */
  function openTurn(): number {
    let first = working?.turn ?? Number.POSITIVE_INFINITY;
    const patient = Date.now() - PATIENCE;
    const soon = Date.now() + QUIET;
    for (const { turn, since, from } of noted.values()) {
      if (since > patient && from <= soon) first = Math.min(first, turn);
    }
    for (const { turn, since } of departed) if (since > patient) first = Math.min(first, turn);
    return first;
  }

  /** Waits for what was noted before, not for what comes after: changes may never end. */
  function settled(): Promise<void> {
    return new Promise((goOn) => {
      waiters.push({ last: isBusy() ? undefined : turns, until: Date.now() + PATIENCE, goOn });
      if (waiters.length === 1) letGoOn();
    });
  }

  /** Looks once for all who wait: there may be thousands of them, and of files. */
  function letGoOn(): void {
    if (!isBusy()) for (const waiter of waiters) waiter.last ??= turns;
    const open = openTurn();
    const now = Date.now();
    const mustWait = ({ last, until }: Waiter) => !closed && now < until && (last === undefined || last >= open);
    const first = waiters.findIndex(mustWait);
    for (const { goOn } of waiters.splice(0, first < 0 ? waiters.length : first)) goOn();
    if (waiters.length > 0) setTimeout(letGoOn, 5);
  }

  return {
    note: (path) => note(path),
    noteAlong: (path) => note(path, working?.turn),
    noteLater,
    depart,
    begin,
    isUnsettled: () => isBusy() || working !== undefined || (noted.size + departed.length > 0 && openTurn() < Infinity),
    settled,
    async close() {
      closed = true;
      clearTimeout(timer);
      await working?.done;
    },
  };
}
