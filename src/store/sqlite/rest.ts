import { setImmediate as pendingEvents } from 'node:timers/promises';

/** Milliseconds after which other work of the event loop comes first. */
const TIME_SLICE = 10;

/** Returns a function to call between pieces of work. It lets other work of the event loop come first when it is time. */
export function createRest(): () => Promise<void> {
  let began = performance.now();
  return async () => {
    if (performance.now() - began < TIME_SLICE) return;
    await pendingEvents();
    began = performance.now();
  };
}
