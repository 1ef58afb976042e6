import { setImmediate } from 'node:timers/promises';
import type { FeedKey, Format } from '../feed/feeds.ts';
import type { Coding } from './content-codings.ts';
import type { Cancel, Timers } from './timers.ts';

/** A document that changed and was requested before: it will be requested again. */
export interface HotDocument {
  readonly key: FeedKey;
  readonly format: Format;
  /** Requests since it was made. */
  readonly requests: number;
  /** The codings that it was requested in. */
  readonly codings: readonly Coding[];
}

interface RewarmerParts {
  /** Makes the document and its codings. */
  readonly rewarm: (name: string, document: HotDocument) => Promise<void>;
  /** Takes an error of `rewarm`: no request would report it. */
  readonly fail: (error: unknown) => void;
  readonly timers: Timers;
}

interface Rewarmer {
  readonly add: (name: string, document: HotDocument) => void;
  /** Plans to make the documents that were added. */
  readonly schedule: () => void;
  /** Begins no other document. @returns when the current one is made */
  readonly close: () => Promise<void>;
}

/** Milliseconds from a change to the rewarming: the changes of one burst cause one. */
const DELAY = 50;
/** The documents that are rewarmed at a time at most: the most requested ones. */
export const MAX_HOT = 100;

/** Makes changed documents again before somebody requests them, the most requested ones first. */
export function createRewarmer({ rewarm, fail, timers }: RewarmerParts): Rewarmer {
  const hot = new Map<string, HotDocument>();
  let cancel: Cancel | undefined;
  let running: Promise<void> | undefined;
  let isClosed = false;

  function schedule(): void {
    // A later change does not postpone the plan: changes may never pause.
    if (hot.size === 0 || cancel !== undefined || running !== undefined || isClosed) return;
    cancel = timers.after(DELAY, () => {
      cancel = undefined;
      running = rewarmAll().finally(() => {
        running = undefined;
        schedule();
      });
    });
  }

  async function rewarmAll(): Promise<void> {
    const documents = mostRequested(hot);
    hot.clear();
    for (const [name, document] of documents) {
      if (isClosed) return;
      await rewarm(name, document).catch(fail);
      await setImmediate(); // requests come first
    }
  }

  return {
    add: (name, document) => hot.set(name, document),
    schedule,
    async close() {
      isClosed = true;
      cancel?.();
      await running;
    },
  };
}

function mostRequested(hot: ReadonlyMap<string, HotDocument>): [string, HotDocument][] {
  return [...hot].sort(([, one], [, other]) => other.requests - one.requests).slice(0, MAX_HOT);
}
