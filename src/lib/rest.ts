import { setImmediate as nextRound } from 'node:timers/promises';

/** Lets the event loop go round if the work since its last round took long. */
export type Rest = () => Promise<void>;

/** Milliseconds of work until the event loop goes round. */
const SLICE = 5;

/** @param clock milliseconds of a monotonic clock */
export function createRest(clock: () => number = () => performance.now()): Rest {
  let began = clock();
  return async () => {
    if (clock() - began < SLICE) return;
    await nextRound();
    began = clock();
  };
}
