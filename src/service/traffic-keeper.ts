import { setImmediate as pendingEvents, setTimeout as sleep } from 'node:timers/promises';
import type { Instant } from '../lib/instant.ts';
import { HOUR, HOURS_KEPT, type HourCounts, type TrafficStore } from '../store/traffic-store.ts';
import { sumCounts, type TrafficCounts } from '../telemetry/traffic.ts';

/** Milliseconds between savings: a crash loses no more. */
const INTERVAL = 10_000;
/** Milliseconds between attempts where another process writes. */
const RETRY = 5;
const ATTEMPTS = 200;

interface TrafficKeeperParts {
  readonly counts: Pick<TrafficCounts, 'take' | 'giveBack' | 'pending'>;
  readonly store: TrafficStore;
  readonly now: () => Instant;
  readonly fail: (error: unknown) => void;
}

/** Keeps what this process counts in the store of the traffic, and reads what all processes have counted. */
export interface TrafficKeeper {
  /** Saves what was counted. */
  readonly save: () => Promise<void>;
  /** What was counted in the hours that are kept, oldest first. An hour without answers has no counts. */
  readonly hours: () => Promise<readonly HourCounts[]>;
  /** Saves, and closes the store. */
  readonly close: () => Promise<void>;
}

export function createTrafficKeeper({ counts, store, now, fail }: TrafficKeeperParts): TrafficKeeper {
  const currentHour = () => Math.floor(now() / HOUR);

  async function save(attempts = ATTEMPTS): Promise<void> {
    for (let attempt = 1; counts.pending().length > 0; attempt += 1) {
      const taken = counts.take();
      if (addOrGiveBack(taken) || attempt >= attempts) return;
      await sleep(RETRY);
    }
  }

  function addOrGiveBack(taken: readonly HourCounts[]): boolean {
    try {
      if (store.add(taken, currentHour())) return true;
    } catch (error) {
      fail(error); // the figures go on in memory
    }
    counts.giveBack(taken);
    return false;
  }

  const timer = setInterval(() => void save(), INTERVAL).unref();
  return {
    save,
    async hours() {
      await save();
      const last = currentHour();
      const hours: HourCounts[] = [];
      for (let hour = last - HOURS_KEPT + 1; hour <= last; hour += 1) {
        await pendingEvents(); // a thousand feeds take a few milliseconds
        const saved = store.read(hour);
        const unsaved = counts.pending().filter((each) => each.hour === hour);
        hours.push({ ...sumCounts(saved === undefined ? unsaved : [saved, ...unsaved]), hour });
      }
      return hours;
    },
    async close() {
      clearInterval(timer);
      await save();
      store.close();
    },
  };
}
