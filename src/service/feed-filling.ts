import { setTimeout as sleep } from 'node:timers/promises';
import { isStoreDamage } from '../errors.ts';
import type { FeedKey } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';

interface FeedFilling {
  /** Goes on with the feeds that are being filled. */
  readonly start: () => void;
  /** Begins no other piece. Resolves when the current one is over. */
  readonly close: () => Promise<void>;
}

interface FeedFillingParts {
  readonly store: Pick<Store, 'fillFeeds' | 'fillingFeeds'>;
  readonly now: () => Instant;
  /** Takes the feeds that are filled now. */
  readonly announce: (keys: readonly FeedKey[]) => void;
  readonly log: Log;
  readonly fail: (error: unknown) => void;
}

/** Milliseconds between two pieces of the work at least; twice as long as the last piece took, if that is longer. */
const PAUSE = 5;
/** Milliseconds until a failed piece is tried again. */
const RETRY = 5000;

/** Fills feeds with new rules while the service runs: a store of a million articles takes minutes for ten thousand rules. */
export function createFeedFilling({ store, now, announce, log, fail }: FeedFillingParts): FeedFilling {
  const closing = new AbortController();
  const pause = (milliseconds: number) => sleep(milliseconds, undefined, { signal: closing.signal }).catch(() => {});
  let running: Promise<void> | undefined;
  let isWanted = false;

  /** Returns how many feeds are left. */
  async function fillOne(): Promise<number> {
    const began = performance.now();
    const { left, filled } = await store.fillFeeds(now);
    if (filled.length > 0) announce(filled);
    if (left > 0) await pause(Math.max(PAUSE, 2 * (performance.now() - began)));
    return left;
  }

  async function fillAll(): Promise<void> {
    const count = await store.fillingFeeds();
    if (count === 0) return;
    const began = performance.now();
    log.info({ feeds: count }, 'Feeds with new rules are being filled. Until a feed is filled, its readers get 503.');
    while (!closing.signal.aborted && (await fillOne()) > 0);
    if (closing.signal.aborted) return;
    log.info({ ms: Math.round(performance.now() - began) }, 'All feeds are filled.');
  }

  async function run(): Promise<void> {
    while (isWanted && !closing.signal.aborted) {
      isWanted = false;
      try {
        await fillAll();
      } catch (error) {
        if (isStoreDamage(error)) return; // damage is reported elsewhere, and nothing can be filled
        fail(error);
        isWanted = true;
        await pause(RETRY);
      }
    }
  }

  return {
    start() {
      isWanted = true;
      running ??= run().finally(() => {
        running = undefined;
      });
    },
    async close() {
      closing.abort();
      await running;
    },
  };
}
