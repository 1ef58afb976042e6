/**
 * Requests that are not answered with bytes at hand stand in line, so that those that are never wait behind them. How
 * long the line is, how long its head has stood there and how late the event loop is tell what is too much.
 */

/**
 * A flood of requests must not keep the newsroom from publishing, nor the readers of a feed that has just changed from
 * having it. So each of them stands in a line of its own: the newsroom, who asks for a feed that was answered before,
 * and all others.
 */
export const LANES = ['newsroom', 'feeds', 'others'] as const;
export type Lane = (typeof LANES)[number];

export interface LaneLimits {
  /** Requests that may wait. */
  readonly waiting: number;
  /** Requests that may be worked on at once. */
  readonly active: number;
  /** Milliseconds after which a request that still waits is not begun: its client has lost patience. */
  readonly patience: number;
  /** Milliseconds by which the event loop may be late, all the time, before no more are taken. */
  readonly lag: number;
}

const LIMITS: Readonly<Record<Lane, LaneLimits>> = {
  newsroom: { waiting: 256, active: 256, patience: 30_000, lag: Number.POSITIVE_INFINITY },
  feeds: { waiting: 1000, active: 16, patience: 5000, lag: Number.POSITIVE_INFINITY },
  others: { waiting: 250, active: 16, patience: 5000, lag: 500 },
};

/**
 * Milliseconds of work after which the event loop is let go. It then goes round until that took as long as the work did,
 * unless it hears nothing new before: a round takes one new connection at most, and a client may be behind a thousand
 * others. Both are CPU time: where another program has the core, neither work nor rounds are done.
 */
const TURN = 5;

/** Whether a request may join its line. */
export function isTaken(
  { waiting, lag }: { readonly waiting: number; readonly lag: number },
  limits: Pick<LaneLimits, 'waiting' | 'lag'>,
): boolean {
  return waiting < limits.waiting && lag <= limits.lag;
}

/** Work that can wait in line. */
export interface Job {
  /** `done` is called, once or more often, when the work needs no more of this process. */
  readonly begin: (done: () => void) => void;
  /** Called instead where there is too much to do. */
  readonly refuse: () => void;
  /** Whether nobody waits for it any more. */
  readonly isGone: () => boolean;
}

export interface RequestQueue {
  readonly enter: (lane: Lane, job: Job) => void;
  /** To be told of every connection and every request. */
  readonly heard: () => void;
  readonly close: () => void;
}

interface Line {
  readonly limits: LaneLimits;
  readonly waiting: { readonly job: Job; readonly since: number }[];
  active: number;
}

interface RequestQueueParts {
  readonly limits?: Readonly<Record<Lane, LaneLimits>>;
  /** Milliseconds of a clock that is never set back. */
  readonly now?: () => number;
  /** Milliseconds for which this thread has worked. */
  readonly worked?: () => number;
  /** Milliseconds by which the event loop has been late all the time. */
  readonly lag?: Lag;
  /** Called when an overload is over: nobody was refused for a while. */
  readonly calm?: () => void;
}

/** Milliseconds without a refusal after which an overload is over. */
const CALM = 2000;

/** Lets work through a little in every turn of the event loop, from each line in turn, or refuses it. */
export function createRequestQueue({
  limits = LIMITS,
  now = () => performance.now(),
  worked = threadTime,
  lag = measureLag(now),
  calm = () => {},
}: RequestQueueParts = {}): RequestQueue {
  const lines = new Map(LANES.map((lane): [Lane, Line] => [lane, { limits: limits[lane], waiting: [], active: 0 }]));
  let isComing = false;
  let hasHeard = false;
  let restsUntil = 0;
  let calming: NodeJS.Timeout | undefined;

  function refuse(job: Job): void {
    calming ??= setTimeout(() => {
      calming = undefined;
      calm();
    }, CALM).unref();
    calming.refresh();
    job.refuse();
  }

  async function turn(): Promise<void> {
    if (hasHeard && worked() < restsUntil) {
      hasHeard = false;
      setImmediate(() => void turn());
      return;
    }
    const began = worked();
    do {
      for (const line of lines.values()) beginNext(line);
      await allPromises(); // a job that never waits is over by then, and its time counted
    } while (worked() < began + TURN && hasWorkAtAll());
    restsUntil = 2 * worked() - began;
    isComing = false;
    if (hasWorkAtAll()) comeAgain();
  }

  function hasWorkAtAll(): boolean {
    return lines.values().some(hasWork);
  }

  function comeAgain(): void {
    if (isComing) return;
    isComing = true;
    setImmediate(() => void turn());
  }

  function beginNext(line: Line): void {
    if (!hasWork(line)) return;
    const next = line.waiting.shift();
    if (next === undefined || next.job.isGone()) return;
    if (now() - next.since > line.limits.patience) {
      refuse(next.job);
      return;
    }
    line.active += 1;
    let isDone = false;
    next.job.begin(() => {
      if (isDone) return;
      isDone = true;
      line.active -= 1;
      if (hasWork(line)) comeAgain();
    });
  }

  return {
    enter(lane, job) {
      const line = lines.get(lane);
      if (line === undefined || !isTaken({ waiting: line.waiting.length, lag: lag.now() }, line.limits)) {
        refuse(job);
        return;
      }
      line.waiting.push({ job, since: now() });
      if (hasWork(line)) comeAgain();
    },
    heard() {
      hasHeard = true;
    },
    close() {
      clearTimeout(calming);
      lag.stop();
    },
  };
}

function threadTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/**
 * Resolves when no promise is left that could go on. Node runs what `nextTick` is given behind all of them where a promise
 * gave it, and before them where anything else did.
 */
function allPromises(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));
}

function hasWork({ waiting, active, limits }: Line): boolean {
  return waiting.length > 0 && active < limits.active;
}

interface Lag {
  readonly now: () => number;
  readonly stop: () => void;
}

const SAMPLE_EVERY = 100;
const SAMPLES = 5;

/**
 * Milliseconds by which timers are late: the least of the last few times, for one long turn that is over is no reason
 * to send anybody away.
 */
export function measureLag(now: () => number): Lag {
  const samples = Array<number>(SAMPLES).fill(0);
  let due = now() + SAMPLE_EVERY;
  let next = 0;
  const timer = setInterval(() => {
    samples[next % SAMPLES] = Math.max(0, now() - due);
    next += 1;
    due = now() + SAMPLE_EVERY;
  }, SAMPLE_EVERY).unref();
  return { now: () => Math.min(...samples), stop: () => clearInterval(timer) };
}
