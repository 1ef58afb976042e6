import { isStoreDamage, PublisherError } from '../../errors.ts';
import type { LoggedOperation, Performed, Projection } from '../projection.ts';
import type { Session } from './connection.ts';
import { type OwnOperation, type ReadOperation, readAfter, readOperation } from './log.ts';

/** Milliseconds of work after which the event loop goes round. */
const SLICE = 10;
/** Milliseconds until an operation is tried again that this machine could not make. */
const RETRY = 1000;

/** An operation of this process that waits for its turn. */
export interface Awaited {
  readonly logged: LoggedOperation;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface FollowerParts {
  readonly projection: Projection;
  readonly database: Session;
  /** The id of this machine's copy of the store. */
  readonly replica: string;
  /** The beginning of the tokens of operations of this process. */
  readonly own: string;
  /** Called after operations of other processes. */
  readonly onForeign: (logged: LoggedOperation) => void;
  /** Called with an error that keeps this replica from following. */
  readonly onFailure: (error: unknown) => void;
  /** Called when the log no longer has what this replica needs. */
  readonly onOutrun: () => void;
}

/** Makes the operations of the log in this replica's store, one after the other, in the order of the log. */
export class Follower {
  readonly #parts: FollowerParts;
  readonly #awaited = new Map<number, Awaited>();
  #applied = 0;
  #target: number;
  #running: Promise<void> | undefined;
  /** Runs until the next attempt. */
  #retry: { readonly timer: NodeJS.Timeout; readonly end: () => void } | undefined;
  /** How many wait for a position. */
  #reaching = 0;
  #isClosed = false;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    this.#target = this.applied;
  }

  /** The position of the last operation that the store has. */
  get applied(): number {
    try {
      this.#applied = this.#parts.projection.at().position;
    } catch {
      // The store is damaged: the next operation meets the same error, and reports it.
    }
    return this.#applied;
  }

  /** The position of the last operation that is known to be in the log. */
  get target(): number {
    return this.#target;
  }

  /** Expects operations of this process at their positions. */
  expect(awaited: readonly Awaited[]): void {
    for (const one of awaited) this.#awaited.set(one.logged.position, one);
    this.#retry?.timer.ref();
    this.raise(awaited.at(-1)?.logged.position ?? 0);
  }

  /** Notes that the log has operations up to a position. */
  raise(position: number): void {
    if (position > this.#target) this.#target = position;
    this.run();
  }

  /** Goes on, if something is left to do. */
  run(): void {
    if (this.#isClosed || this.#running !== undefined) return;
    this.#settleKnown();
    if (this.applied >= this.#target) return;
    this.#running = this.#follow()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#running = undefined;
      });
  }

  /** Resolves when the store has every operation up to a position, or cannot have it now. */
  async reach(position: number): Promise<void> {
    this.raise(position);
    this.#reaching += 1;
    this.#retry?.timer.ref();
    try {
      while (this.#running !== undefined && this.applied < position) await this.#running;
    } finally {
      this.#reaching -= 1;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#retry?.end();
    await this.#running;
    for (const { reject } of this.#awaited.values()) reject(notShown());
  }

  async #follow(): Promise<void> {
    const { database } = this.#parts;
    let read: readonly (ReadOperation | OwnOperation)[] = [];
    let end = performance.now() + SLICE;
    for (;;) {
      this.#settleKnown();
      if (this.#isClosed || this.applied >= this.#target) return;
      const position = this.applied + 1;
      const own = this.#awaited.get(position);
      if (own !== undefined) {
        await this.#performOwn(own);
      } else {
        if (read[0]?.position !== position) read = await readAfter(database, position - 1, this.#parts.own);
        const [next, ...rest] = read;
        if (next?.position !== position) return this.#parts.onOutrun();
        read = rest;
        // The database told of it before it answered the statement that appended it. That answer came before these rows.
        const awaited = this.#awaited.get(position);
        if (awaited !== undefined) await this.#performOwn(awaited);
        else await this.#performForeign(isOwn(next) ? await readOperation(database, position) : next);
      }
      if (performance.now() < end) continue;
      await new Promise(setImmediate);
      end = performance.now() + SLICE;
    }
  }

  /** Another process of this machine may have made operations that this one waits for. */
  #settleKnown(): void {
    if (this.#awaited.size === 0) return;
    const { applied } = this;
    for (const [position, { logged, resolve, reject }] of this.#awaited) {
      if (position > applied) continue;
      this.#awaited.delete(position);
      void this.#parts.projection.takeReply(logged.token).then(resolve, reject);
    }
  }

  async #performForeign(logged: ReadOperation): Promise<void> {
    const { projection, replica, onForeign } = this.#parts;
    await projection.perform(logged, logged.replica === replica ? 'sibling' : 'other-machine');
    onForeign(logged);
  }

  async #performOwn({ logged, resolve, reject }: Awaited): Promise<void> {
    this.#awaited.delete(logged.position);
    let performed: Performed;
    try {
      performed = await this.#parts.projection.perform(logged, 'this-process');
    } catch (error) {
      reject(isStoreDamage(error) ? error : notShown(error));
      throw error;
    }
    if (performed.kind === 'performed') resolve(performed.result);
    else if (performed.kind === 'failed') reject(performed.error);
    else await this.#parts.projection.takeReply(logged.token).then(resolve, reject);
  }

  /** Waits until the next attempt. A command that waits for the log must not end meanwhile; an idle process may. */
  async #pause(): Promise<void> {
    if (this.#isClosed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, RETRY);
    if (this.#reaching === 0 && this.#awaited.size === 0) timer.unref();
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    this.#retry = { timer, end };
    await promise;
    this.#retry = undefined;
  }

  async #fail(error: unknown): Promise<void> {
    this.#parts.onFailure(error);
    if (isStoreDamage(error)) {
      for (const { reject } of this.#awaited.values()) reject(error);
      this.#awaited.clear();
    }
    await this.#pause();
    setImmediate(() => this.run());
  }
}

function isOwn(read: ReadOperation | OwnOperation): read is OwnOperation {
  return read.operation === undefined;
}

/** The log has the change, and this machine's store has not. */
function notShown(cause?: unknown): PublisherError {
  const reason = cause instanceof Error ? ` The reason: ${cause.message}` : '';
  return new PublisherError('store_unavailable', 'The change is made, but this replica cannot show it yet.', {
    hint: `Do not send it again. The replica shows it as soon as it can use its own store.${reason}`,
    cause,
  });
}
