import type { Cancel, Timers } from '../document/timers.ts';
import type { FeedKey } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { createRest, type Rest } from '../lib/rest.ts';
import type { ChangeStore } from './change-reads.ts';

type AlarmStore = Pick<ChangeStore, 'changedByTime' | 'nextChangeByTime' | 'memberships' | 'formerMemberships'>;

interface TimeAlarmsParts {
  readonly store: AlarmStore;
  readonly now: () => Instant;
  readonly timers: Timers;
  readonly clock: () => number;
  /** Takes the feeds whose articles time has changed, in the eyes of partners with that delay. */
  readonly ring: (feeds: ReadonlySet<FeedKey>, delay: number) => void;
  readonly fail: (error: unknown) => void;
}

/** Notices what time alone changes, for partners with the delays that are watched. */
export interface TimeAlarms {
  /**
   * Watches from that moment on, unless the delay is watched.
   *
   * @param version counts the changes to the store: after another one, the alarm is set again
   */
  readonly watch: (delay: number, from: Instant, version: number) => void;
  /** Sets the alarm of a delay again: an article has changed. */
  readonly refresh: (delay: number, version: number, next?: AlarmStore['nextChangeByTime']) => Promise<void>;
  readonly clear: () => void;
}

/** Milliseconds after which the clock is looked at again: somebody may have set it. */
const LOOK_AGAIN = 30_000;
/** Articles that time changed, read at once. */
const BATCH = 200;

interface Alarm {
  /** Everything is noticed that time changed up to this moment. */
  from: Instant;
  due: Instant;
  version: number;
}

const NEVER = Number.POSITIVE_INFINITY;

export function createTimeAlarms({ store, now, timers, clock, ring, fail }: TimeAlarmsParts): TimeAlarms {
  const alarms = new Map<number, Alarm>();
  let next = NEVER;
  let cancel: Cancel = () => {};

  function set(due: Instant): void {
    const wait = Math.max(1, Math.min(due - now(), LOOK_AGAIN));
    const at = clock() + wait;
    if (at >= next) return;
    cancel();
    next = at;
    cancel = timers.after(Math.ceil(wait), look);
  }

  function look(): void {
    next = NEVER;
    const at = now();
    let first = NEVER;
    for (const [delay, alarm] of alarms) {
      if (alarm.due <= at) notice(delay, alarm).catch(fail);
      else first = Math.min(first, alarm.due);
    }
    if (alarms.size > 0) set(first);
  }

  async function notice(delay: number, alarm: Alarm): Promise<void> {
    const span = { from: alarm.from, to: now(), delay };
    Object.assign(alarm, { from: span.to, due: NEVER });
    ring(await touchedByTime(store, span, createRest(clock)), delay);
    await refresh(delay, alarm.version);
  }

  async function refresh(delay: number, version: number, read = store.nextChangeByTime): Promise<void> {
    const alarm = alarms.get(delay);
    if (alarm === undefined) return;
    alarm.version = version;
    const due = await read(alarm.from, delay);
    if (due === undefined || alarms.get(delay) !== alarm) return;
    alarm.due = Math.min(alarm.due, due); // a look that is too early finds nothing
    set(alarm.due);
  }

  return {
    watch(delay, from, version) {
      const known = alarms.get(delay);
      if (known?.version === version) return;
      if (known === undefined) alarms.set(delay, { from, due: NEVER, version });
      refresh(delay, version).catch(fail);
      set(NEVER);
    },
    refresh,
    clear() {
      alarms.clear();
      cancel();
      next = NEVER;
    },
  };
}

/** The feeds of the articles that time changed. */
async function touchedByTime(
  store: AlarmStore,
  { from, to, delay }: { readonly from: Instant; readonly to: Instant; readonly delay: number },
  rest: Rest,
): Promise<ReadonlySet<FeedKey>> {
  const touched = new Set<FeedKey>();
  const seen = new Set<number>();
  const upTo = Number.MAX_SAFE_INTEGER;
  for (let [last, isLast]: [{ from: Instant; after?: number }, boolean] = [{ from }, false]; !isLast; ) {
    const events = await store.changedByTime({ ...last, to, delay, upTo, limit: BATCH });
    isLast = events.length < BATCH;
    for (const { at, number } of events) {
      last = { from: at, after: number };
      if (seen.has(number)) continue;
      seen.add(number);
      for (const key of await store.memberships(number)) touched.add(key);
      for (const { feed } of await store.formerMemberships(number)) touched.add(feed);
      await rest();
    }
  }
  return touched;
}
