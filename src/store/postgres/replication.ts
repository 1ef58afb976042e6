import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PublisherError } from '../../errors.ts';
import { systemReason } from '../../lib/system-reason.ts';
import type { Operation } from '../operations.ts';
import type { Projection } from '../projection.ts';
import type { Replica, ReplicaState } from '../replica.ts';
import { SCHEMA } from '../sqlite/database.ts';
import { type Connection, openConnection, type Session, withSession } from './connection.ts';
import { deliveryBatches } from './delivery-batches.ts';
import { withoutPassword } from './errors.ts';
import { Follower } from './follower.ts';
import { Heartbeat } from './heartbeat.ts';
import { type Head, readHead, tokenAt } from './log.ts';
import { hasErasedText, Maintenance } from './maintenance.ts';
import { clockProblem, leftBehind, otherLog, otherVersion, requireFormat } from './problems.ts';
import { LOCKS, START_LOCK } from './schema.ts';
import type { Submitter } from './submitter.ts';
import { trafficHours } from './traffic-hours.ts';

interface ReplicationParts {
  readonly url: string;
  readonly file: string;
  /** The id of this machine's copy of the store. */
  readonly replica: string;
  readonly projection: Projection;
  readonly submitter: Submitter;
  readonly mayOwn: boolean;
  /** The clock of this machine. */
  readonly now: () => number;
  /** The revision of the store. */
  readonly revision: () => Promise<number>;
}

/** Functions that take what a replica has to tell. */
class Listeners<Value> {
  readonly #all: ((value: Value) => void)[] = [];
  readonly add = (take: (value: Value) => void): void => void this.#all.push(take);
  readonly tell = (value: Value): void => {
    for (const take of this.#all) take(value);
  };
}

/** Replicates between a replica's store and the log: applies new operations, and knows the state of the replica. */
export class Replication {
  readonly #parts: ReplicationParts;
  readonly #heartbeat: Heartbeat;
  readonly #maintenance: Maintenance;
  readonly #foreign = new Listeners<Operation>();
  readonly #owner = new Listeners<boolean>();
  readonly #failure = new Listeners<unknown>();
  readonly #connectionChange = new Listeners<{ readonly reason: string } | undefined>();
  readonly follower: Follower;
  #opened: Connection | undefined;
  #problem: PublisherError | undefined;
  /** The end of the log that this replica has not reached yet, and when it was seen there. */
  #unreached: { readonly position: number; readonly seenAt: number } | undefined;

  constructor(parts: ReplicationParts) {
    const { url, file, replica, projection, now, mayOwn, revision } = parts;
    this.#parts = parts;
    this.follower = new Follower({
      projection,
      database: { query: (statement, values) => this.connection.query(statement, values) },
      replica,
      own: parts.submitter.own,
      onForeign: ({ operation }) => this.#foreign.tell(operation),
      onFailure: this.#failure.tell,
      onOutrun: () => this.#refuse(leftBehind()),
    });
    this.#heartbeat = new Heartbeat({
      connection: () => this.connection,
      projection,
      replica,
      name: hostname(),
      now,
      mayOwn,
      revision,
      onHead: (head) => this.#noteHead(head),
      onOwner: this.#owner.tell,
    });
    this.#maintenance = new Maintenance({
      url,
      file,
      isOwner: () => this.#heartbeat.isOwner,
      fail: this.#failure.tell,
    });
  }

  get connection(): Connection {
    if (this.#opened === undefined) throw new Error('the replication has not begun');
    return this.#opened;
  }

  /**
   * Connects, and makes the operations up to the head, where the database can be reached.
   *
   * @throws PublisherError `not_ready` where the log differs
   */
  async start(head: Head | undefined): Promise<void> {
    const { url, projection } = this.#parts;
    if (head !== undefined && projection.at().log === undefined)
      await projection.follow({ log: head.log, position: 0, token: '' });
    this.#opened = openConnection({
      url,
      onUp: (session) => this.#up(session),
      onDown: (reason) => this.#down(reason),
      onNotice: (text) => this.follower.raise(Number(text)),
    });
    await this.#opened.firstAttempt;
    if (this.#problem !== undefined) throw this.#problem;
    if (this.#opened.isUp()) await this.follower.reach(head?.last ?? 0);
  }

  state(): ReplicaState {
    const isConnected = this.connection.isUp();
    const { applied } = this.follower;
    const isBehind = this.#unreached !== undefined && applied < this.#unreached.position;
    const lag = isBehind ? (performance.now() - (this.#unreached?.seenAt ?? 0)) / 1000 : 0;
    const { isOwner, clockOffset, silence } = this.#heartbeat;
    return {
      isConnected,
      isOwner,
      applied,
      last: Math.max(this.follower.target, applied),
      lag: isConnected ? lag : Math.max(lag, silence),
      silence,
      clockOffset,
      problem: this.#problem ?? clockProblem(clockOffset),
    };
  }

  async catchUp(): Promise<void> {
    if (!this.connection.isUp()) return;
    const head = await readHead(this.connection).catch(() => undefined); // the connection tells of an error
    await this.follower.reach(head?.last ?? 0);
  }

  /** Why the database may have text of erased articles. */
  async erasedInLog(): Promise<string | undefined> {
    try {
      return (await hasErasedText(this.connection))
        ? 'the log in the database has it for some minutes more'
        : undefined;
    } catch {
      return 'the log in the database cannot be reached';
    }
  }

  /** What a service may know of it. */
  asReplica(): Replica {
    return {
      id: this.#parts.replica,
      state: () => this.state(),
      catchUp: () => this.catchUp(),
      appliedEverywhere: (revision) => this.#appliedEverywhere(revision),
      onForeign: this.#foreign.add,
      onFailure: this.#failure.add,
      onConnection: this.#connectionChange.add,
      onOwner: (take) => {
        this.#owner.add(take);
        take(this.#heartbeat.isOwner);
      },
      deliveries: deliveryBatches({
        session: () => this.connection,
        machine: this.#parts.replica,
        log: () => this.#parts.projection.at().log,
      }),
      traffic: trafficHours({ session: () => this.connection, machine: this.#parts.replica }),
      alone: (work) => (this.connection.isUp() ? withLock(this.#parts.url, work) : work()),
    };
  }

  /** From now on, nothing comes from the log. */
  refuseVersion(): void {
    this.#refuse(otherVersion());
  }

  async close(): Promise<void> {
    this.#parts.submitter.close();
    await this.#maintenance.close();
    // Its last look ends with the connection, which may answer no more.
    await Promise.all([this.#heartbeat.close(), this.#opened?.close()]);
    await this.follower.close();
  }

  async #appliedEverywhere(revision: number): Promise<void> {
    const end = performance.now() + LAGGARDS;
    while (performance.now() < end) {
      // While the database is away, nobody knows: the time passes as for a replica that is silent.
      const found = await this.connection.query<{ behind: boolean }>(BEHIND, [revision]).catch(() => undefined);
      if (found?.rows.length === 0) return;
      await sleep(LOOK);
    }
  }

  #refuse(problem: PublisherError): void {
    this.#problem ??= problem;
  }

  async #up(session: Session): Promise<void> {
    for (const statement of SESSION) await session.query(statement);
    const head = await this.#heartbeat.begin(session);
    requireFormat(head, SCHEMA);
    await this.#requireSameLog(session, head);
    await this.#parts.submitter.up(session);
    setImmediate(() => {
      this.#noteHead(head);
      this.#connectionChange.tell(undefined);
    });
  }

  #down(error: unknown): void {
    this.#heartbeat.end();
    this.#parts.submitter.down();
    const reason = withoutPassword(error === undefined ? 'the connection was closed' : systemReason(error));
    this.#connectionChange.tell({ reason });
  }

  /** @throws PublisherError where the log is not the one that this replica has followed */
  async #requireSameLog(session: Session, head: Head): Promise<void> {
    const { log, position, token } = this.#parts.projection.at();
    const known = position === 0 ? undefined : await tokenAt(session, position);
    if (head.log === log && position <= head.last && (known === undefined || known === token)) return;
    this.#refuse(otherLog());
    throw otherLog();
  }

  #noteHead(head: Head): void {
    if (head.format !== SCHEMA) this.refuseVersion();
    if (this.#problem === undefined) this.follower.raise(head.last);
    const { applied } = this.follower;
    if (this.#unreached !== undefined && applied < this.#unreached.position) return;
    this.#unreached = applied < head.last ? { position: head.last, seenAt: performance.now() } : undefined;
  }
}

/**
 * Milliseconds for which an effect waits for replicas, and milliseconds between two looks. Every process of a replica that is behind,
 * or cut off, knows it after four seconds at most: the replica itself after two, its workers half a second after it wrote it
 * down, which it does twice a second, and headers are made anew every second.
 */
const LAGGARDS = 5000;
const LOOK = 100;
/** A replica tells every second how far it is. */
const BEHIND = `SELECT true AS behind FROM feed_publisher.replica
  WHERE revision < $1 AND seen_at > clock_timestamp() - interval '${LAGGARDS} milliseconds' LIMIT 1`;

/** What each session needs, whatever the database has as defaults: an acknowledged change is on disk. */
const SESSION = [
  "SET default_transaction_isolation = 'read committed'",
  "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
];

function withLock<Result>(url: string, work: () => Promise<Result>): Promise<Result> {
  return withSession(url, async (session) => {
    await session.query('SELECT pg_advisory_lock($1, $2)', [LOCKS, START_LOCK]);
    return await work(); // the lock ends with the session
  });
}
