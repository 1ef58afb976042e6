import { setImmediate as pendingEvents, setTimeout as sleep } from 'node:timers/promises';
import type { Instant } from '../lib/instant.ts';
import {
  type Added,
  HOUR,
  HOURS_KEPT,
  type HourCounts,
  type SharedTraffic,
  TOTALS_WIDTH,
  type TrafficStore,
} from '../store/traffic-store.ts';
import { addNumbers, createSum, type TrafficCounts } from '../telemetry/traffic.ts';
import type { CountedHours } from '../telemetry/traffic-report.ts';
import { isDatabaseAway } from './unless-damaged.ts';

/** Milliseconds between savings: a crash loses no more. */
const INTERVAL = 10_000;
/** Milliseconds between attempts where another process writes. */
const RETRY = 5;
const ATTEMPTS = 200;
/** Milliseconds for which the status waits for a database that does not answer. */
const PATIENCE = 1000;

interface TrafficKeeperParts {
  readonly counts: Pick<TrafficCounts, 'take' | 'giveBack' | 'pending'>;
  readonly store: TrafficStore;
  /** Undefined where this machine is alone, or where another of its processes shares what they count. */
  readonly shared?: SharedTraffic | undefined;
  readonly now: () => Instant;
  readonly fail: (error: unknown) => void;
}

/** Keeps what this process counts in the store of the traffic, and reads what all processes have counted, also on other machines. */
export interface TrafficKeeper {
  /** Saves what was counted. */
  readonly save: () => Promise<void>;
  /** What all processes, of all machines, have counted in the hours that are kept. */
  readonly read: () => Promise<CountedHours>;
  /** Saves, and closes the store. */
  readonly close: () => Promise<void>;
}

export function createTrafficKeeper({ counts, store, shared, now, fail }: TrafficKeeperParts): TrafficKeeper {
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

  const sharing = shared && createSharing({ store, shared, currentHour, fail, isClosed: () => isClosed });

  async function saveAndShare(): Promise<void> {
    await save();
    await sharing?.round();
  }

  const timer = setInterval(() => void saveAndShare(), INTERVAL).unref();
  return {
    save,
    async read() {
      await Promise.race([saveAndShare(), sleep(PATIENCE, undefined, { ref: false })]);
      const last = currentHour();
      const hours: { hour: number; totals: Float64Array }[] = [];
      const { sum, add } = createSum();
      for (let hour = last - HOURS_KEPT + 1; hour <= last; hour += 1) {
        await pendingEvents(); // a thousand feeds take a few milliseconds
        const saved = store.read(hour);
        const unsaved = counts.pending().filter((each) => each.hour === hour);
        const others = sharing?.others(hour) ?? [];
        const totals = new Float64Array(TOTALS_WIDTH);
        for (const each of [...(saved === undefined ? [] : [saved]), ...unsaved, ...others]) {
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

interface SharingParts extends Pick<TrafficKeeperParts, 'store' | 'fail'> {
  readonly shared: SharedTraffic;
  readonly currentHour: () => number;
  /** Whether the store is closed: nothing is read any more. */
  readonly isClosed: () => boolean;
}

/** Gives the other machines what this one has counted, and takes what they have. */
function createSharing({ store, shared, currentHour, fail, isClosed }: SharingParts) {
  /** The sums of the hours that the others know. */
  const sent = new Map<number, number>();
  let running: Promise<void> | undefined;
  /** Messages that were reported: once, and not every ten seconds. */
  const reported = new Set<string>();

  function report(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (!isDatabaseAway(error) && !reported.has(message)) fail(error);
    reported.add(message);
  }

  async function exchange(): Promise<void> {
    const last = currentHour();
    const changed: HourCounts[] = [];
    for (let hour = last - HOURS_KEPT + 1; hour <= last; hour += 1) {
      // An hour that was over for an hour, and is known, changes no more: each process saves every ten seconds.
      if (hour < last - 1 && sent.has(hour)) continue;
      await pendingEvents(); // a thousand feeds take a few milliseconds
      if (isClosed()) return;
      const counts = store.read(hour);
      if (counts !== undefined && sent.get(hour) !== sumOf(counts)) changed.push(counts);
    }
    if (changed.length > 0) await shared.save(changed, last);
    for (const counts of changed) sent.set(counts.hour, sumOf(counts));
    for (const hour of sent.keys()) if (hour <= last - HOURS_KEPT) sent.delete(hour);
    await shared.refresh(last);
  }

  return {
    /** Sends and takes what there is, if the database can be reached. */
    async round(): Promise<void> {
      running ??= exchange()
        .catch(report)
        .finally(() => {
          running = undefined;
        });
      await running;
    },
    others(hour: number): readonly HourCounts[] {
      try {
        return shared.others(hour);
      } catch (error) {
        report(error); // another version of the program has written it
        return [];
      }
    },
  };
}

/** A number that grows with each answer. */
function sumOf({ totals }: HourCounts): number {
  return totals.reduce((sum, number) => sum + number, 0);
}
