import { PublisherError } from '../../errors.ts';
import type { Operation } from '../operations.ts';
import { encodeOperation } from './codec.ts';
import type { Connection, Session } from './connection.ts';
import { databaseUnavailable, unknownOutcome } from './errors.ts';
import type { Follower } from './follower.ts';
import { type Appended, append, beginWriting, positionsOf } from './log.ts';

/** Operations, and bytes, of one statement. */
const MOST = 200;
const MOST_BYTES = 8 * 1024 * 1024;
/** Milliseconds for which an operation waits for a database that went away. */
const PATIENCE = 4000;

interface Submission extends Appended {
  readonly operation: Operation;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface SubmitterParts {
  readonly connection: () => Connection;
  readonly follower: () => Follower;
  /** Names this process among all that write. */
  readonly id: string;
  readonly replica: string;
  readonly format: number;
  /** Called when the log takes nothing from this process, because another version of the program uses it. */
  readonly onRefused: () => void;
}

/** Appends the operations of this process to the log: all that wait go in one statement. */
export class Submitter {
  readonly #parts: SubmitterParts;
  #queue: Submission[] = [];
  /** Operations of a statement without an answer. */
  #unsettled: readonly Submission[] = [];
  #isSending = false;
  #session = 0;
  #count = 0;
  /** Runs while the database is away, until what waits is refused. */
  #patience: NodeJS.Timeout | undefined;
  /** Whether the database is away for so long that changes are refused at once. */
  #hasGivenUp = false;

  constructor(parts: SubmitterParts) {
    this.#parts = parts;
  }

  /** The beginning of the tokens of this process. */
  get own(): string {
    return `${this.#parts.id}/`;
  }

  /** @throws PublisherError `database_unavailable` */
  submit(operation: Operation): Promise<unknown> {
    if (this.#hasGivenUp) return Promise.reject(databaseUnavailable());
    return new Promise((resolve, reject) => {
      const token = `${this.own}${++this.#count}`;
      const isErasure = erases(operation);
      this.#queue.push({ token, body: encodeOperation(operation), isErasure, operation, resolve, reject });
      this.#patience?.ref(); // a command must not end without the answer
      void this.#send();
    });
  }

  /** Prepares a new session: finds out what became of the operations whose statement had no answer. */
  async up(session: Session): Promise<void> {
    this.#session += 1;
    await beginWriting(session, { id: this.#parts.id, session: this.#session });
    clearTimeout(this.#patience);
    this.#patience = undefined;
    this.#hasGivenUp = false;
    const unsettled = this.#unsettled;
    const positions = await positionsOf(
      session,
      unsettled.map(({ token }) => token),
    );
    this.#unsettled = [];
    this.#expect(
      unsettled.filter(({ token }) => positions.has(token)),
      (one) => positions.get(one.token) ?? 0,
    );
    this.#queue.unshift(...unsettled.filter(({ token }) => !positions.has(token)));
    setImmediate(() => void this.#send());
  }

  /** The session is lost. What waits is refused, unless the database comes back soon. */
  down(): void {
    if (this.#hasGivenUp) return;
    this.#patience ??= setTimeout(() => this.#giveUp(), PATIENCE);
    if (this.#queue.length === 0 && this.#unsettled.length === 0) this.#patience.unref();
  }

  close(): void {
    clearTimeout(this.#patience);
    this.#giveUp();
  }

  #giveUp(): void {
    this.#hasGivenUp = true;
    for (const { reject } of this.#queue) reject(databaseUnavailable());
    for (const { reject } of this.#unsettled) reject(unknownOutcome());
    this.#queue = [];
    this.#unsettled = [];
  }

  async #send(): Promise<void> {
    const { connection, id, replica, format } = this.#parts;
    if (this.#isSending || this.#unsettled.length > 0) return;
    this.#isSending = true;
    try {
      while (this.#queue.length > 0 && connection().isUp()) {
        const batch = this.#take();
        this.#unsettled = batch;
        const writer = { id, session: this.#session };
        const first = await append(connection(), { writer, replica, format }, batch);
        this.#unsettled = [];
        if (first === undefined) return this.#refuse(batch);
        this.#expect(batch, (_, index) => first + index);
      }
    } catch (error) {
      // A connection that is lost comes back, and `up` finds out. Any other error is that of the statement.
      if (!isAway(error)) this.#reject(error);
    } finally {
      this.#isSending = false;
      // What waits while a statement fails would wait for the next change.
      if (this.#queue.length > 0 && connection().isUp()) setImmediate(() => void this.#send());
    }
  }

  #take(): readonly Submission[] {
    let bytes = 0;
    const end = this.#queue.findIndex(({ body }, index) => {
      bytes += body.length;
      return index > 0 && (index === MOST || bytes > MOST_BYTES);
    });
    return this.#queue.splice(0, end < 0 ? this.#queue.length : end);
  }

  #expect(submissions: readonly Submission[], positionOf: (one: Submission, index: number) => number): void {
    if (submissions.length === 0) return;
    this.#parts.follower().expect(
      submissions.map(({ token, operation, resolve, reject }, index) => ({
        logged: { position: positionOf(submissions[index] as Submission, index), token, operation },
        resolve,
        reject,
      })),
    );
  }

  #reject(error: unknown): void {
    for (const { reject } of this.#unsettled) reject(error);
    this.#unsettled = [];
  }

  #refuse(batch: readonly Submission[]): void {
    for (const { reject } of batch) reject(databaseUnavailable('another version of the program uses the log'));
    this.#parts.onRefused();
  }
}

function isAway(error: unknown): boolean {
  return error instanceof PublisherError && error.code === 'database_unavailable';
}

function erases(operation: Operation): boolean {
  return operation.name === 'apply' && operation.args[0].some(({ kind }) => kind === 'erase');
}
