import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { systemTimers, type Timers } from '../document/timers.ts';

/** Bytes of heap from which a collection frees more than it costs. The heap has 45 MB after a start with few feeds. */
const LARGE_HEAP = 64 * 1024 * 1024;

/**
 * Returns free heap to the system after a start or an overload. V8 keeps a heap at its largest size, and a start with
 * 10,000 feeds needs 150 MB for a moment. Blocks the event loop for tens of milliseconds if the heap is large.
 *
 * Does nothing unless Node runs with `--expose-gc`, as `npm start` runs it.
 */
export function releaseFreeHeap(): void {
  if (getHeapStatistics().total_heap_size < LARGE_HEAP) return;
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

/** Requests that wait at once. Each takes some kilobytes of the heap for up to a minute. */
const MANY = 1000;
/** Percent of its live size by which a heap that is full of them may grow until the next collection. */
const LITTLE = 25;
/** Milliseconds after which it is looked at again whether many wait: a change answers all of them, and they come again. */
const LOOK_AGAIN = 60_000;

interface GrowthParts {
  /** The flags that Node was started with. */
  readonly flags?: readonly string[];
  readonly setFlag?: (flag: string) => void;
  readonly timers?: Timers;
}

/**
 * Keeps the heap small while many requests wait. Ordinary garbage is collected while it is young. A request that waits is not, and
 * its remains stay until the heap has grown: with 5,000 requests, by another 40 MB. V8 reads the flag at each collection.
 *
 * Does nothing unless Node runs with `--heap-growing-percent`, as `npm start` runs it.
 *
 * @returns a function that takes the number of requests that wait, whenever there is one more
 */
export function createHeapGrowth(parts: GrowthParts = {}): (waiting: number) => void {
  const { flags = process.execArgv, setFlag = setFlagsFromString, timers = systemTimers } = parts;
  const usual = Number(
    flags.map((flag) => /^--heap[-_]growing[-_]percent=(\d+)$/.exec(flag)?.[1]).findLast(Boolean) ?? 0,
  );
  if (usual <= LITTLE) return () => {};
  let most = 0;
  let isLittle = false;

  function lookAgain(): void {
    if (most >= MANY) {
      most = 0;
      timers.after(LOOK_AGAIN, lookAgain);
      return;
    }
    isLittle = false;
    setFlag(`--heap-growing-percent=${usual}`);
  }

  return (waiting) => {
    most = Math.max(most, waiting);
    if (isLittle || most < MANY) return;
    isLittle = true;
    setFlag(`--heap-growing-percent=${LITTLE}`);
    timers.after(LOOK_AGAIN, lookAgain);
  };
}
