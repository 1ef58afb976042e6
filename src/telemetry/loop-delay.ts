import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Milliseconds between looks at the clock. Node's histogram counts them as delay. */
const RESOLUTION = 20;
/** Milliseconds. */
const PERIOD = 30_000;
const NANOSECONDS = 1e6;

/** Watches how long the event loop was blocked. */
export interface LoopDelayWatch {
  /** The longest block in the last half to whole minute, milliseconds. */
  readonly longest: () => number;
  /** Forgets what was measured: a start blocks the event loop while nobody is served. */
  readonly restart: () => void;
  readonly close: () => void;
}

export function watchLoopDelay(): LoopDelayWatch {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
  histogram.enable();
  const longestNow = () => (histogram.count === 0 ? 0 : Math.max(0, histogram.max / NANOSECONDS - RESOLUTION));
  let before = 0;
  const timer = setInterval(() => {
    before = longestNow();
    histogram.reset();
  }, PERIOD).unref();
  return {
    longest: () => Math.round(Math.max(before, longestNow()) * 10) / 10,
    restart() {
      before = 0;
      histogram.reset();
    },
    close() {
      clearInterval(timer);
      histogram.disable();
    },
  };
}
