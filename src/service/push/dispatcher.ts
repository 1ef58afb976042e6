import type { Cancel, Timers } from '../../document/timers.ts';
import type { Instant } from '../../lib/instant.ts';
import type { MessageOptions, OutboxMessage, OutboxStore } from '../../store/outbox-store.ts';
import { backoff } from './backoff.ts';
import type { Receiver, Told } from './receiver.ts';
import { SendError } from './send.ts';

/** Milliseconds until a change is looked at: the changes of these are one look at the outbox. */
const PAUSE = 50;
/** Milliseconds: a process that is killed while it tells is replaced after this time. */
const LEASE = 60_000;
/** Milliseconds between two renewals of a lease. Two of them may fail. */
const RENEWAL = LEASE / 4;
/** Milliseconds between two looks at the outbox at most: the clock may be set. */
const LONGEST_WAIT = 60_000;
/** Milliseconds for what is due when the process stops. */
const LAST_WORDS = 2000;

/** Takes what the dispatcher has done. All functions return at once. */
export interface DispatchEvents {
  readonly told: (message: OutboxMessage, milliseconds: number, summary?: string) => void;
  readonly failed: (message: OutboxMessage, reason: string, retryAt: Instant) => void;
  /** An error that nobody expected. */
  readonly fail: (error: unknown) => void;
}

interface DispatcherParts extends DispatchEvents {
  readonly store: Pick<OutboxStore, 'outbox' | 'claimOutbox' | 'renewOutbox' | 'settleOutbox'>;
  readonly receivers: readonly Receiver[];
  /**
   * Resolves when no process serves a state before this revision any more, or after a time in which a process that is cut off
   * must have noticed it: else a cache would fetch the document as it was once more, and keep it.
   */
  readonly appliedEverywhere: (revision: number) => Promise<void>;
  /** Milliseconds for which a feed lists a withdrawal. */
  readonly tombstonesFor: () => number;
  /** Names this process. */
  readonly owner: string;
  readonly now: () => Instant;
  readonly timers: Timers;
  readonly random: () => number;
}

/** Tells receivers what they do not know, as soon as it is due. Several processes may do so for one store. */
export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #receivers: ReadonlyMap<string, Receiver>;
  readonly #stopped = new AbortController();
  /** The work on each target. */
  readonly #running = new Map<string, Promise<void>>();
  #looking: Promise<void> | undefined;
  #isAwaited = false;
  #isClosing = false;
  #timer: { readonly at: Instant; readonly cancel: Cancel } | undefined;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
    this.#receivers = new Map(parts.receivers.map((receiver) => [receiver.target.id, receiver]));
  }

  /** Call this when something may have changed. Returns at once. */
  wake(): void {
    this.#lookAt(this.#parts.now() + PAUSE);
  }

  /** Tells what is due, if that is quick: a cache would keep an old document until the next start, which tells the rest. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#timer?.cancel();
    const limit = Promise.withResolvers<void>();
    const cancel = this.#parts.timers.after(LAST_WORDS, limit.resolve);
    await Promise.race([this.#tellLast(), limit.promise]);
    cancel();
    this.#stopped.abort();
    await this.#looking;
    await Promise.all(this.#running.values());
  }

  async #tellLast(): Promise<void> {
    if (this.#receivers.size === 0) return;
    await this.#looking;
    await Promise.all(this.#running.values());
    await this.#lookOnce().catch(this.#parts.fail);
    await Promise.all(this.#running.values());
  }

  #lookAt(wanted: Instant): void {
    const now = this.#parts.now();
    // A timer that is late was made before somebody set the clock.
    const at = this.#timer !== undefined && this.#timer.at < now ? now : wanted;
    if (this.#isClosing || (this.#timer !== undefined && this.#timer.at >= now && this.#timer.at <= at)) return;
    this.#timer?.cancel();
    const delay = Math.max(0, at - now);
    const cancel = this.#parts.timers.after(delay, () => {
      this.#timer = undefined;
      this.#look();
    });
    this.#timer = { at, cancel };
  }

  #look(): void {
    this.#isAwaited = this.#looking !== undefined;
    this.#looking ??= this.#lookOnce()
      .catch((error: unknown) => {
        this.#parts.fail(error);
        this.#lookAt(this.#parts.now() + LONGEST_WAIT);
      })
      .finally(() => {
        this.#looking = undefined;
        if (this.#isAwaited) this.#look();
      });
  }

  async #lookOnce(): Promise<void> {
    const rows = await this.#parts.store.outbox();
    if (this.#stopped.signal.aborted) return;
    const at = this.#parts.now();
    let next = at + LONGEST_WAIT;
    for (const row of rows) {
      const receiver = this.#receivers.get(row.id);
      if (receiver === undefined || row.due === undefined || this.#running.has(row.id)) continue;
      const debounce = this.#isClosing ? 0 : receiver.debounce;
      const readyAt = Math.max(row.due + debounce, row.notBefore, row.leaseUntil ?? 0, receiver.readyAt(at));
      if (readyAt > at) next = Math.min(next, readyAt);
      else this.#start(receiver);
    }
    this.#lookAt(next);
  }

  #start(receiver: Receiver): void {
    const { id } = receiver.target;
    const work = this.#tellOne(receiver)
      .catch(this.#parts.fail)
      .finally(() => {
        this.#running.delete(id);
        this.#lookAt(this.#parts.now()); // there may be more
      });
    this.#running.set(id, work);
  }

  async #tellOne(receiver: Receiver): Promise<void> {
    const { store, owner, now, appliedEverywhere, tombstonesFor } = this.#parts;
    const options = { most: receiver.most, tombstonesFor: tombstonesFor() };
    const message = await store.claimOutbox(receiver.target.id, { ...options, owner, lease: LEASE }, now);
    if (message === undefined) return;
    await appliedEverywhere(message.revision);
    const began = performance.now();
    const lease = this.#holdLease(message);
    let told: Told;
    try {
      told = await receiver.tell(message, lease.signal);
    } catch (error) {
      if (lease.signal.aborted) return; // the next start, or the process that has the lease, goes on
      if (!(error instanceof SendError)) this.#parts.fail(error);
      await this.#settleFailed(message, error, options);
      return;
    } finally {
      lease.end();
    }
    const { againAt, summary } = told;
    const settlement = { result: 'told', repeatAfter: receiver.repeatAfter } as const;
    await store.settleOutbox(message, againAt === undefined ? settlement : { ...settlement, againAt }, options, now);
    this.#parts.told(message, performance.now() - began, summary);
  }

  /** Renews a lease until its end. The signal ends the work where another process has the lease, and when this one stops. */
  #holdLease(message: OutboxMessage): { readonly signal: AbortSignal; readonly end: Cancel } {
    const { store, timers, now, fail } = this.#parts;
    const lost = new AbortController();
    const end = timers.every(RENEWAL, () => {
      // A store that cannot be written is asked again: nobody else can have claimed the message there.
      store.renewOutbox(message, LEASE, now).then((isHeld) => {
        if (!isHeld) lost.abort();
      }, fail);
    });
    return { signal: AbortSignal.any([lost.signal, this.#stopped.signal]), end };
  }

  async #settleFailed(message: OutboxMessage, error: unknown, options: MessageOptions): Promise<void> {
    const { store, now, random, failed } = this.#parts;
    const reason = error instanceof Error ? error.message : String(error);
    const asked = error instanceof SendError ? (error.retryAt ?? 0) : 0;
    const retryAt = Math.max(asked, now() + backoff(message.failures, random()));
    await store.settleOutbox(message, { result: 'failed', reason, retryAt }, options, now);
    failed(message, reason, retryAt);
  }
}
