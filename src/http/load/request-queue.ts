/**
 * Queues the requests that are not answered from the cache, so that cached answers never wait behind them. The length of
 * the queue, the age of its first request and the delay of the event loop decide when the service refuses requests.
 */

import { drainPromises } from '../../lib/yield-to-loop.ts';

/**
 * A flood of requests must neither keep the newsroom from publishing, nor the readers of a feed that has just changed from
 * getting it. So each has a lane of its own: the newsroom, requests for feeds that were answered before, partners that follow
 * their change feed, all others. Partners that wait for the same change come back together: their lane is long.
 */
export const LANES = ['newsroom', 'feeds', 'changes', 'others'] as const;
export type Lane = (typeof LANES)[number];

export interface LaneLimits {
  /** Requests that may wait. */
  readonly waiting: number;
  /** Requests that the service works on at once. */
  readonly active: number;
  /** Milliseconds after which a request that still waits is refused: its client has lost patience. */
  readonly patience: number;
  /** Milliseconds of constant event-loop delay above which the lane takes no more requests. */
  readonly delay: number;
}

const LIMITS: Readonly<Record<Lane, LaneLimits>> = {
  newsroom: { waiting: 256, active: 256, patience: 30_000, delay: Number.POSITIVE_INFINITY },
  feeds: { waiting: 1000, active: 16, patience: 5000, delay: Number.POSITIVE_INFINITY },
  changes: { waiting: 10_000, active: 16, patience: 60_000, delay: Number.POSITIVE_INFINITY },
  others: { waiting: 250, active: 16, patience: 5000, delay: 500 },
};

/**
 * CPU milliseconds of work before the event loop continues. The queue then rests for as long as it worked, because a
 * round accepts at most one connection, and a client may be behind a thousand others. It works again earlier if nothing
 * arrives.
 */
const TIME_SLICE = 5;

/** Whether a lane takes another request. */
export function hasRoom(
  { waiting, delay }: { readonly waiting: number; readonly delay: number },
  limits: Pick<LaneLimits, 'waiting' | 'delay'>,
): boolean {
  return waiting < limits.waiting && delay <= limits.delay;
}

/** A request that can wait. */
export interface Job {
  /** Call `done`, once or more often, when the request needs no more of this process. */
  readonly begin: (done: () => void) => void;
  /** Called instead of `begin` where there is too much to do. */
  readonly refuse: () => void;
  /** Whether its client has left. */
  readonly isGone: () => boolean;
}

export interface LaneLength {
  readonly lane: Lane;
  readonly waiting: number;
  readonly limit: number;
}

export interface RequestQueue {
  readonly enter: (lane: Lane, job: Job) => void;
  /** How many requests wait in each lane, and how many may. */
  readonly waiting: () => readonly LaneLength[];
  /** Call this for every connection and every request that comes. */
  readonly arrived: () => void;
  readonly close: () => void;
}

interface LaneState {
  readonly limits: LaneLimits;
  readonly waiting: { readonly job: Job; readonly since: number }[];
  active: number;
}

interface RequestQueueParts {
  readonly limits?: Readonly<Record<Lane, LaneLimits>>;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
  /** Milliseconds of CPU time of this thread. */
  readonly cpuTime?: () => number;
  readonly delay?: LoopDelay;
  /** Called when an overload is over: no request was refused for a while. */
  readonly onCalm?: () => void;
}

/** Milliseconds without a refusal after which an overload is over. */
const CALM = 2000;

/** Begins a few requests in every round of the event loop, from each lane alternately, or refuses them. */
export function createRequestQueue({
  limits = LIMITS,
  now = () => performance.now(),
  cpuTime = threadCpuTime,
  delay = measureLoopDelay(now),
  onCalm = () => {},
}: RequestQueueParts = {}): RequestQueue {
  const lanes = new Map(
    LANES.map((lane): [Lane, LaneState] => [lane, { limits: limits[lane], waiting: [], active: 0 }]),
  );
  const calm = createQuietTimer(CALM, onCalm);
  const schedule = createTimeSlices({ cpuTime, hasWork: () => lanes.values().some(canBegin), work: beginOneOfEach });

  function beginOneOfEach(): void {
    for (const lane of lanes.values()) beginNext(lane);
  }

  function refuse(job: Job): void {
    calm.restart();
    job.refuse();
  }

  function beginNext(lane: LaneState): void {
    if (!canBegin(lane)) return;
    const next = lane.waiting.shift();
    if (next === undefined || next.job.isGone()) return;
    if (now() - next.since > lane.limits.patience) {
      refuse(next.job);
      return;
    }
    lane.active += 1;
    let isDone = false;
    next.job.begin(() => {
      if (isDone) return;
      isDone = true;
      lane.active -= 1;
      if (canBegin(lane)) schedule.start();
    });
  }

  return {
    enter(name, job) {
      const lane = lanes.get(name);
      if (lane === undefined || !hasRoom({ waiting: lane.waiting.length, delay: delay.now() }, lane.limits))
        return refuse(job);
      lane.waiting.push({ job, since: now() });
      if (canBegin(lane)) schedule.start();
    },
    waiting: () =>
      [...lanes].map(
        ([
          lane,
          {
            waiting,
            limits: { waiting: limit },
          },
        ]) => ({ lane, waiting: waiting.length, limit }),
      ),
    arrived: schedule.arrived,
    close() {
      calm.stop();
      delay.stop();
    },
  };
}

function canBegin({ waiting, active, limits }: LaneState): boolean {
  return waiting.length > 0 && active < limits.active;
}

interface TimeSliceParts {
  readonly cpuTime: () => number;
  readonly hasWork: () => boolean;
  readonly work: () => void;
}

/** Works in slices of `TIME_SLICE`, with as much time between them for the rest of the event loop. */
function createTimeSlices({ cpuTime, hasWork, work }: TimeSliceParts) {
  let isScheduled = false;
  let hasArrivals = false;
  let restsUntil = 0;

  async function slice(): Promise<void> {
    if (hasArrivals && cpuTime() < restsUntil) {
      hasArrivals = false;
      setImmediate(() => void slice());
      return;
    }
    const began = cpuTime();
    do {
      work();
      await drainPromises(); // jobs without I/O finish here, so their time counts
    } while (cpuTime() < began + TIME_SLICE && hasWork());
    restsUntil = 2 * cpuTime() - began;
    isScheduled = false;
    if (hasWork()) start();
  }

  function start(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => void slice());
  }

  return {
    start,
    arrived() {
      hasArrivals = true;
    },
  };
}

function createQuietTimer(milliseconds: number, onQuiet: () => void) {
  let timer: NodeJS.Timeout | undefined;
  return {
    restart() {
      timer ??= setTimeout(() => {
        timer = undefined;
        onQuiet();
      }, milliseconds).unref();
      timer.refresh();
    },
    stop: () => clearTimeout(timer),
  };
}

function threadCpuTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

export interface LoopDelay {
  /** Milliseconds by which the event loop has been late all the time lately. */
  readonly now: () => number;
  readonly stop: () => void;
}

const SAMPLE_EVERY = 100;
const SAMPLES = 5;

/** Measures the minimum of the last delays: one long task in the past must not refuse requests. */
export function measureLoopDelay(now: () => number): LoopDelay {
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
