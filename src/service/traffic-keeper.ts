import { setImmediate as pendingEvents, setTimeout as sleep } from 'node:timers/promises';
import type { Instant } from '../lib/instant.ts';
import { type Added, HOUR, HOURS_KEPT, TOTALS_WIDTH, type TrafficStore } from '../store/traffic-store.ts';
import { addNumbers, createSum, type TrafficCounts } from '../telemetry/traffic.ts';
import type { CountedHours } from '../telemetry/traffic-report.ts';

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
  /** What all processes have counted in the hours that are kept. */
  readonly read: () => Promise<CountedHours>;
  /** Saves, and closes the store. */
  readonly close: () => Promise<void>;
}

export function createTrafficKeeper({ counts, store, now, fail }: TrafficKeeperParts): TrafficKeeper {
  const currentHour = () => Math.floor(now() / HOUR);

  let isClosed = false;

  async function save(): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS && counts.pending().length > 0 && !isClosed; attempt += 1) {
      if (addPending() !== 'busy') return;
      await sleep(RETRY);
    }
  }

  function addPending(): Added | undefined {
    const taken = counts.take();
    let added: Added | undefined;
    try {
      added = store.add(taken, currentHour());
    } catch (error) {
      fail(error); // the figures wait in memory
    }
    if (added !== 'added') counts.giveBack(taken);
    return added;
  }

  const timer = setInterval(() => void save(), INTERVAL).unref();
  return {
    save,
    async read() {
      await save();
      const last = currentHour();
      const hours: { hour: number; totals: Float64Array }[] = [];
      const { sum, add } = createSum();
      for (let hour = last - HOURS_KEPT + 1; hour <= last; hour += 1) {
        await pendingEvents(); // a thousand feeds take a few milliseconds
        const saved = store.read(hour);
        const unsaved = counts.pending().filter((each) => each.hour === hour);
        const totals = new Float64Array(TOTALS_WIDTH);
        for (const each of saved === undefined ? unsaved : [saved, ...unsaved]) {
          addNumbers(totals, each.totals);
          add(each);
        }
        hours.push({ hour, totals });
      }
      return { hours, sum };
    },
    async close() {
      clearInterval(timer);
      await save();
      isClosed = true;
      store.close();
    },
  };
}
