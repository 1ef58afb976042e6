interface PeriodicLooksParts {
  /** Looks for changes that the system has not reported. It must not reject. */
  readonly look: () => Promise<void>;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
}

/** Milliseconds between two looks. */
export const LOOK_EVERY = 30_000;
/** A look is followed by at least this many times as long without one: looks take a small share of the disk and the core. */
const REST = 10;

/**
 * Looks again and again, because not every system reports every change: nobody reports what another computer writes to a
 * network share, or the host to the folder of a container (inotify(7), “Limitations and caveats”).
 */
export function startPeriodicLooks({ look, now = () => performance.now() }: PeriodicLooksParts): { close: () => void } {
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  function schedule(milliseconds: number): void {
    if (!isClosed) timer = setTimeout(() => void lookNow(), milliseconds).unref();
  }

  async function lookNow(): Promise<void> {
    const began = now();
    await look();
    schedule(Math.max(LOOK_EVERY, REST * (now() - began)));
  }

  schedule(LOOK_EVERY);
  return {
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}
