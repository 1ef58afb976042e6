import type { Projection } from '../projection.ts';
import { ClockOffset } from './clock.ts';
import type { Connection, Session } from './connection.ts';
import { type Head, readHead } from './log.ts';
import { LOCKS, OWNER_LOCK } from './schema.ts';

/** Milliseconds between two looks at the head of the log, in case that a notification was lost. */
const INTERVAL = 250;
/** Every so many looks, the replica says how far it is, and the owner is chosen. */
const BEATS = 4;

interface HeartbeatParts {
  readonly connection: () => Connection;
  readonly projection: Projection;
  readonly replica: string;
  readonly name: string;
  readonly now: () => number;
  /** Whether this process may be the owner. */
  readonly mayOwn: boolean;
  readonly revision: () => Promise<number>;
  readonly onHead: (head: Head) => void;
  readonly onOwner: (isOwner: boolean) => void;
}

/** Looks at the log regularly: its head, its clock, and who owns it. */
export class Heartbeat {
  readonly #parts: HeartbeatParts;
  readonly #clock = new ClockOffset();
  readonly #timer: NodeJS.Timeout;
  #isOwner = false;
  #looks = 0;
  #running: Promise<void> | undefined;
  #heardAt = performance.now();

  constructor(parts: HeartbeatParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.#look(), INTERVAL).unref();
  }

  get isOwner(): boolean {
    return this.#isOwner;
  }

  /** See `ClockOffset`. */
  get clockOffset(): number | undefined {
    return this.#clock.milliseconds;
  }

  /** Seconds since the database has answered. */
  get silence(): number {
    return (performance.now() - this.#heardAt) / 1000;
  }

  /** Looks for the first time in a session. The lock of the owner ended with the last session. */
  async begin(session: Session): Promise<Head> {
    this.#looks = 0;
    const head = await this.#compare(session);
    await this.#beat(session);
    return head;
  }

  /** The session is lost, and the lock with it. */
  end(): void {
    this.#setOwner(false);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
    this.#setOwner(false);
  }

  #look(): void {
    if (this.#running !== undefined || !this.#parts.connection().isUp()) return;
    this.#running = this.#lookOnce(this.#parts.connection())
      .catch(() => {}) // the connection tells of it
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #lookOnce(session: Session): Promise<void> {
    this.#looks += 1;
    this.#parts.onHead(await this.#compare(session));
    if (this.#looks % BEATS === 0) await this.#beat(session);
  }

  async #compare(session: Session): Promise<Head> {
    const { now } = this.#parts;
    const asked = now();
    const { rows } = await session.query<{ readonly now: string }>(
      'SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now',
    );
    this.#clock.compare(asked, Number(rows[0]?.now), now());
    const head = await readHead(session);
    this.#heardAt = performance.now();
    return head;
  }

  async #beat(session: Session): Promise<void> {
    const { projection, replica, name, revision, mayOwn } = this.#parts;
    const last = await revision();
    await session.query(
      `INSERT INTO feed_publisher.replica (id, name, applied, revision, checksum) VALUES ($1, $2, $3, $4, $5)
      ON CONFLICT (id) DO UPDATE SET name = excluded.name, applied = excluded.applied, revision = excluded.revision,
        checksum = excluded.checksum, seen_at = clock_timestamp()`,
      [replica, name, projection.at().position, last, projection.checksum()],
    );
    if (!mayOwn || this.#isOwner) return;
    const { rows } = await session.query<{ readonly locked: boolean }>(
      'SELECT pg_try_advisory_lock($1, $2) AS locked',
      [LOCKS, OWNER_LOCK],
    );
    if (rows[0]?.locked === true) this.#setOwner(true);
  }

  #setOwner(isOwner: boolean): void {
    if (this.#isOwner === isOwner) return;
    this.#isOwner = isOwner;
    this.#parts.onOwner(isOwner);
  }
}
