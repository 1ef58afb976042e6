import type { Timers } from '../../src/document/timers.ts';

interface Timer {
  at: number;
  readonly interval: number | undefined;
  readonly work: () => void;
}

/** Timers whose time passes when a test calls `pass`. */
export function manualTimers(): Timers & { readonly pass: (milliseconds: number) => void } {
  const timers = new Set<Timer>();
  let now = 0;
  const add = (timer: Timer) => {
    timers.add(timer);
    return () => void timers.delete(timer);
  };
  return {
    after: (delay, work) => add({ at: now + delay, interval: undefined, work }),
    every: (interval, work) => add({ at: now + interval, interval, work }),
    pass(milliseconds) {
      now += milliseconds;
      for (const timer of [...timers]) {
        if (timer.at > now) continue;
        if (timer.interval === undefined) timers.delete(timer);
        else timer.at += timer.interval;
        timer.work();
      }
    },
  };
}

/** Waits until everything has happened that needs no more than rounds of the event loop. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 5; round += 1) await new Promise((resolve) => setImmediate(resolve));
}
