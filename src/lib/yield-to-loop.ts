/**
 * Shares a thread between long work and everything else. Code that has a lot to do calls this before each piece of it: pieces
 * that are ready run one after another for a few milliseconds, then the event loop goes round.
 */
export type YieldToLoop = () => Promise<void>;

/** Milliseconds of work before the event loop goes round. A single piece may take longer. */
const SLICE = 5;

/** The pieces run in the order of the calls. */
export function createYieldToLoop(now: () => number = () => performance.now()): YieldToLoop {
  const waiting: (() => void)[] = [];
  let isScheduled = false;

  async function slice(): Promise<void> {
    const began = now();
    do {
      waiting.shift()?.();
      await drainPromises(); // work without I/O ends here, so its time counts
    } while (waiting.length > 0 && now() < began + SLICE);
    isScheduled = false;
    schedule();
  }

  function schedule(): void {
    if (isScheduled || waiting.length === 0) return;
    isScheduled = true;
    setImmediate(() => void slice());
  }

  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      schedule();
    });
}

/** For code whose thread has nothing else to do. */
export const NEVER_YIELD: YieldToLoop = async () => {};

/**
 * Resolves when no promise is left that can continue. Node runs a `nextTick` callback after all of them if a promise
 * scheduled it, and before them otherwise.
 */
export function drainPromises(): Promise<void> {
  return new Promise((resolve) => queueMicrotask(() => process.nextTick(resolve)));
}
