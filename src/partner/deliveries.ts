import { setImmediate as pendingEvents, setTimeout as sleep } from 'node:timers/promises';
import type { Instant } from '../lib/instant.ts';
import type { Delivery, DeliveryCounts, DeliveryStore, LostDeliveries } from '../store/delivery-store.ts';

/** Milliseconds between two savings: a delivery is recorded at most a second late. */
const INTERVAL = 500;
/** Deliveries that wait in memory, such as while the disk is full. Of more, only the time is recorded: as a gap. */
const MAX_PENDING = 10_000;
/** Deliveries that one transaction saves: a few milliseconds. */
const SAVED_TOGETHER = 500;
/** Milliseconds between attempts at a stop, where another process writes. */
const RETRY = 5;
const ATTEMPTS = 400;
/** Partners that are counted apart in metrics. Each is a label for ever. */
const MAX_COUNTED = 100;
const OTHER_PARTNERS = 'other';

/** What is known of a delivery when its answer is decided. */
export type DeliveryFacts = Pick<Delivery, 'partner' | 'key' | 'network'>;

/** How an answer ended. */
export type DeliveryEnd = Pick<Delivery, 'feed' | 'format' | 'status' | 'bytes' | 'isWhole' | 'revision' | 'reach'>;

/** Records the deliveries of this process. No answer waits for it. */
export interface DeliveryRecorder {
  /**
   * To be called before an answer is decided: what it says is of that moment. The result is to be called once, when the
   * answer has ended.
   *
   * @param at the moment that the answer describes; by default the present one
   */
  readonly begin: (facts: DeliveryFacts, at?: Instant) => (end: DeliveryEnd) => void;
  /** Saves what has ended so far. */
  readonly save: () => Promise<void>;
  readonly counts: () => DeliveryCounts;
  /** Saves the rest, and closes the store. */
  readonly close: () => Promise<void>;
}

interface RecorderParts {
  readonly store: DeliveryStore;
  readonly now: () => Instant;
  /** Whether there are partners. */
  readonly isWanted: () => boolean;
  readonly fail: (error: unknown) => void;
  /** Called once when the file cannot be written, as on a full disk, and again after a saving has worked meanwhile. */
  readonly onFull?: () => void;
  readonly maxPending?: number;
}

export function createDeliveryRecorder(parts: RecorderParts): DeliveryRecorder {
  const { store, now, isWanted, fail, onFull = () => {}, maxPending = MAX_PENDING } = parts;
  /** The moments of answers that have not ended. */
  const open = new Set<{ readonly at: Instant }>();
  const counts = createCounts();
  let pending: Delivery[] = [];
  let lost: LostDeliveries | undefined;
  /** The last saving, or the moment since when one is due. */
  let savedAt: Instant | undefined;
  let isFull = false;

  function keep(delivery: Delivery): void {
    counts.add(delivery.partner, delivery.status);
    if (pending.length < maxPending) pending.push(delivery);
    else lose([delivery]);
  }

  function lose(deliveries: readonly Delivery[]): void {
    counts.lose(deliveries.length);
    for (const { at } of deliveries) {
      const { from = at, to = at, count = 0 } = lost ?? {};
      lost = { from: Math.min(from, at), to: Math.max(to, at), count: count + 1 };
    }
  }

  /** An answer that has not ended is not recorded yet, so the record ends before it. */
  function through(): Instant {
    let earliest = now();
    for (const { at } of open) earliest = Math.min(earliest, at);
    return earliest;
  }

  async function addPending(): Promise<'added' | 'busy' | 'full' | 'failed'> {
    const rest = pending.slice(SAVED_TOGETHER);
    const taken = { deliveries: pending.slice(0, SAVED_TOGETHER), through: earliestOf(rest, through()), lost };
    pending = rest;
    lost = undefined;
    const added = await store.add(taken).catch((error: unknown) => {
      fail(error);
      return 'failed' as const;
    });
    if (added === 'added') savedAt = now();
    else giveBack(taken.deliveries, taken.lost);
    if (added === 'full' && !isFull) onFull();
    isFull = added === 'full';
    if (added !== 'added' || rest.length === 0) return added;
    await pendingEvents();
    return addPending();
  }

  function giveBack(deliveries: readonly Delivery[], lostBefore: LostDeliveries | undefined): void {
    const room = Math.max(0, maxPending - deliveries.length);
    const since = pending;
    pending = [...deliveries, ...since.slice(0, room)];
    if (lostBefore !== undefined) lost = merged(lostBefore, lost);
    lose(since.slice(room));
  }

  /** One saving at a time: rows stay in the order in which answers ended. */
  let saving: Promise<unknown> = Promise.resolve();
  function save(): Promise<'added' | 'busy' | 'full' | 'failed'> {
    const next = saving.then(addPending);
    saving = next;
    return next;
  }

  /** Without partners there is nothing to wait for: the record of this process ends until there are some. */
  function rest(): void {
    savedAt = undefined;
    saving = saving.then(() => store.close(true)).catch(fail);
  }

  const timer = setInterval(() => {
    if (isWanted() || pending.length > 0 || lost !== undefined) {
      savedAt ??= now();
      void save();
    } else if (savedAt !== undefined && open.size === 0) rest();
  }, INTERVAL).unref();

  return {
    begin(facts, at = now()) {
      const answer = { at };
      open.add(answer);
      return (end) => {
        if (open.delete(answer)) keep({ at: answer.at, ...facts, ...end });
      };
    },
    async save() {
      for (let attempt = 1; attempt <= ATTEMPTS && (await save()) === 'busy'; attempt += 1) await sleep(RETRY);
    },
    counts: () => ({
      deliveries: counts.list(),
      lost: counts.lost(),
      unsavedFor: savedAt === undefined ? undefined : Math.max(0, now() - savedAt),
    }),
    async close() {
      clearInterval(timer);
      const isUsed = savedAt !== undefined || pending.length > 0 || lost !== undefined;
      if (isUsed) await this.save();
      await saving;
      await store.close(pending.length === 0 && lost === undefined && open.size === 0);
    },
  };
}

function earliestOf(deliveries: readonly Delivery[], at: Instant): Instant {
  return deliveries.reduce((earliest, delivery) => Math.min(earliest, delivery.at), at);
}

function merged(one: LostDeliveries, other: LostDeliveries | undefined): LostDeliveries {
  if (other === undefined) return one;
  const [from, to] = [Math.min(one.from, other.from), Math.max(one.to, other.to)];
  return { from, to, count: one.count + other.count };
}

/** Counts with a bounded number of partners. */
function createCounts() {
  const byPartner = new Map<string, Map<number, number>>();
  let lost = 0;
  return {
    add(partner: string, status: number): void {
      const name = byPartner.has(partner) || byPartner.size < MAX_COUNTED ? partner : OTHER_PARTNERS;
      const statuses = byPartner.get(name) ?? new Map<number, number>();
      byPartner.set(name, statuses.set(status, (statuses.get(status) ?? 0) + 1));
    },
    lose(count: number): void {
      lost += count;
    },
    lost: () => lost,
    *list(): Iterable<readonly [partner: string, status: number, count: number]> {
      for (const [partner, statuses] of byPartner) {
        for (const [status, count] of statuses) yield [partner, status, count];
      }
    },
  };
}
