import type { FeedKey } from '../feed/feeds.ts';
import type { Store } from '../store/store.ts';
import type { Cancel, Timers } from './timers.ts';

/** Changes that other processes make in the same store. */
export type ExternalChanges = Pick<Store, 'mayHaveExternalChanges' | 'takeExternallyChangedFeeds'>;

interface CatchUpParts {
  readonly externalChanges: ExternalChanges;
  /** Takes the feeds that other processes changed. */
  readonly forget: (keys: readonly FeedKey[]) => void;
  readonly timers: Timers;
}

interface CatchUp {
  /**
   * Whether there may be external changes that `forget` has not taken yet: until then, cached documents may be outdated.
   */
  readonly isBehind: () => boolean;
  /** @returns when `forget` has taken all external changes that were made before the call */
  readonly catchUp: () => Promise<void>;
  /** Catches up regularly from now on, without waiting for a request. */
  readonly follow: () => void;
  /** @returns when the catching up that has begun is over */
  readonly close: () => Promise<void>;
}

/** Milliseconds between two looks for external changes. */
const INTERVAL = 50;

/** Finds out which feeds other processes changed, once for all requests that come meanwhile. */
export function createCatchUp({ externalChanges, forget, timers }: CatchUpParts): CatchUp {
  let running: Promise<void> | undefined;
  let stop: Cancel | undefined;

  async function catchUp(): Promise<void> {
    if (running !== undefined) await running; // it may have begun before a change that this request has to show
    if (running === undefined && externalChanges.mayHaveExternalChanges()) {
      running = externalChanges
        .takeExternallyChangedFeeds()
        .then(forget)
        .finally(() => {
          running = undefined;
        });
    }
    await running;
  }

  function look(): void {
    if (running === undefined) catchUp().catch(() => {}); // the next request meets the same error, and reports it
  }

  return {
    isBehind: () => running !== undefined || externalChanges.mayHaveExternalChanges(),
    catchUp,
    follow() {
      stop ??= timers.every(INTERVAL, look);
    },
    async close() {
      stop?.();
      await running?.catch(() => {}); // reported to the request that waits for it
    },
  };
}
