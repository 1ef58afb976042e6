import { systemTimers, type Timers } from '../document/timers.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';

/** Overwrites later what an erasure could not overwrite at once. */
export interface OverwriteRetries {
  /** Plans an attempt, unless one is planned. */
  readonly schedule: () => void;
  /** Begins no other attempt. Resolves when the current one is over. */
  readonly close: () => Promise<void>;
}

interface RetriesParts {
  readonly store: Pick<Store, 'overwriteErased'>;
  readonly log: Log;
  readonly fail: (error: unknown) => void;
  readonly timers?: Timers;
}

/** Milliseconds until an attempt. The command that erased an article has its own first. */
const DELAY = 60_000;
const MAX_DELAY = 15 * 60_000;

export function createOverwriteRetries({ store, log, fail, timers = systemTimers }: RetriesParts): OverwriteRetries {
  let cancel: (() => void) | undefined;
  let running: Promise<void> | undefined;
  let delay = DELAY;
  let isClosed = false;

  function schedule(): void {
    if (isClosed || cancel !== undefined || running !== undefined) return;
    cancel = timers.after(delay, () => {
      cancel = undefined;
      running = attempt()
        .catch((error: unknown) => {
          fail(error);
          return false;
        })
        .then((isDone) => {
          running = undefined;
          delay = isDone ? DELAY : Math.min(2 * delay, MAX_DELAY);
          if (!isDone) schedule();
        });
    });
  }

  async function attempt(): Promise<boolean> {
    const reason = await store.overwriteErased();
    if (reason !== undefined) {
      log.warn(
        { reason },
        `The store may still have text of erased articles: ${reason}. The service tries again later.`,
      );
    }
    return reason === undefined;
  }

  return {
    schedule,
    async close() {
      isClosed = true;
      cancel?.();
      await running;
    },
  };
}
