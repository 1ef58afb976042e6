import { systemTimers, type Timers } from '../document/timers.ts';

interface WarmUpParts {
  readonly warmUp: () => Promise<void>;
  /** Milliseconds from now. */
  readonly delay: number;
  readonly timers?: Timers;
  /** Takes an error of `warmUp`: no request would report it. */
  readonly fail: (error: unknown) => void;
}

/** Warms up once, later. Returns a function that ends it, and waits until nothing is read any more. */
export function warmUpLater({ warmUp, delay, timers = systemTimers, fail }: WarmUpParts): () => Promise<void> {
  let warming: Promise<void> | undefined;
  const cancel = timers.after(delay, () => {
    warming = warmUp().catch(fail);
  });
  return async () => {
    cancel();
    await warming;
  };
}
