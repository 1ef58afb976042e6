import { systemTimers, type Timers } from '../document/timers.ts';
import { isStoreDamage } from '../errors.ts';
import type { FeedKey } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import type { Store } from '../store/store.ts';

export interface HistoryDivision {
  /** Divides what is left now, and looks regularly from then on. */
  readonly start: () => void;
  /** Call this after each change of the newsroom: the next part waits until no other change follows. */
  readonly noteChange: () => void;
  /** Begins no other part. Resolves when the current one is over. */
  readonly close: () => Promise<void>;
}

interface HistoryDivisionParts {
  readonly store: Pick<Store, 'divideHistory'>;
  readonly now: () => Instant;
  /** Takes the feeds whose documents are other ones now. */
  readonly announce: (keys: readonly FeedKey[]) => void;
  readonly fail: (error: unknown) => void;
  readonly timers?: Timers;
  /** Milliseconds of a monotonic clock. */
  readonly clock?: () => number;
}

/** Milliseconds between two parts of the work, in which changes and readers come first. */
const PAUSE = 20;
/** Milliseconds without a change after which the next part begins. */
const QUIET = 60;
/** Milliseconds after which the next part begins in any case. */
const LONGEST = 500;
/** Milliseconds until the next look. Changes keep archives up to date by themselves, unless thousands of embargoes end at once. */
const INTERVAL = 60 * 60_000;

/**
 * Divides the history of feeds into the pages of their archives while the service runs: a store of an earlier version, or one
 * that was filled before its first start, may have a million articles.
 */
export function startHistoryDivision(parts: HistoryDivisionParts): HistoryDivision {
  const { store, now, announce, fail, timers = systemTimers, clock = () => performance.now() } = parts;
  let running: Promise<void> | undefined;
  let stop: (() => void) | undefined;
  let changedAt = Number.NEGATIVE_INFINITY;
  let wake = () => {};
  let isClosing = false;

  function pause(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = timers.after(PAUSE, resolve);
      wake = () => {
        cancel();
        resolve();
      };
    });
  }

  /** While stories come one after another, a part would hold up most of them. */
  async function giveWay(): Promise<void> {
    for (let waited = 0; !isClosing && waited < LONGEST; waited += PAUSE) {
      await pause();
      if (clock() - changedAt >= QUIET) return;
    }
  }

  async function divide(): Promise<void> {
    for (let after: FeedKey | undefined = ''; after !== undefined && !isClosing; ) {
      const { next, changed } = await store.divideHistory(after, now);
      if (changed.length > 0) announce(changed);
      after = next;
      if (next !== undefined) await giveWay();
    }
  }

  function look(): void {
    running ??= divide()
      .catch((error: unknown) => {
        if (!isStoreDamage(error)) fail(error); // damage is reported elsewhere
      })
      .finally(() => {
        running = undefined;
      });
  }

  return {
    start() {
      stop ??= timers.every(INTERVAL, look);
      look();
    },
    noteChange() {
      changedAt = clock();
    },
    async close() {
      stop?.();
      isClosing = true;
      wake();
      await running;
    },
  };
}
