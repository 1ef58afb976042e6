/** Ends a timer; without effect if the timer has run out. */
export type Cancel = () => void;

/** Timers that do not keep the process alive. Times are in milliseconds. */
export interface Timers {
  readonly after: (delay: number, work: () => void) => Cancel;
  readonly every: (interval: number, work: () => void) => Cancel;
}

export const systemTimers: Timers = {
  after(delay, work) {
    const timer = setTimeout(work, delay).unref();
    return () => clearTimeout(timer);
  },
  every(interval, work) {
    const timer = setInterval(work, interval).unref();
    return () => clearInterval(timer);
  },
};
