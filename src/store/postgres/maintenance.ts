import { SCHEMA } from '../sqlite/database.ts';
import { type Session, withSession } from './connection.ts';
import { newestSnapshot, pruneLog, saveSnapshot } from './snapshots.ts';

/** Milliseconds between two looks at what is to be done. */
const INTERVAL = 10_000;
/** Operations, and bytes of them, after which a new replica should not have to make all of them. */
const MOST_OPERATIONS = 20_000;
const MOST_BYTES = 256 * 1024 * 1024;
/** Minutes for which operations are kept for a replica that is away: without them, it needs a new copy of the store. */
const KEPT_FOR = 60;
/** The same where the operations have the text of erased articles. */
const KEPT_WITH_ERASED = 2;

interface MaintenanceParts {
  readonly url: string;
  /** The file of this replica's store. */
  readonly file: string;
  readonly isOwner: () => boolean;
  readonly fail: (error: unknown) => void;
}

/** Copies the store into the database for new replicas, and removes from the log what the copy has: the work of the owner. */
export class Maintenance {
  readonly #parts: MaintenanceParts;
  readonly #timer: NodeJS.Timeout;
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.#look(), INTERVAL).unref();
  }

  /** Ends work that has begun: the next owner begins it anew. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped.abort();
    await this.#running;
  }

  #look(): void {
    const { url, file, isOwner, fail } = this.#parts;
    if (this.#running !== undefined || !isOwner()) return;
    const { signal } = this.#stopped;
    this.#running = withSession(url, (session) => maintain(session, file), signal)
      .catch((error: unknown) => {
        if (!signal.aborted) fail(error);
      })
      .finally(() => {
        this.#running = undefined;
      });
  }
}

/** Does what is to be done now. */
export async function maintain(session: Session, file: string): Promise<void> {
  const [snapshot, log] = [await newestSnapshot(session, SCHEMA), await logSize(session, 0)];
  const since = await logSize(session, snapshot?.position ?? 0);
  const hasErased = log.erased >= log.first || log.erased > (snapshot?.position ?? log.erased);
  const isLong = since.count >= MOST_OPERATIONS || since.bytes >= MOST_BYTES;
  let position = snapshot?.position;
  if (isLong || (hasErased && (position ?? 0) < log.erased)) position = await saveSnapshot(session, file, SCHEMA);
  if (position === undefined) return;
  const removed = await pruneLog(session, position, hasErased ? KEPT_WITH_ERASED : KEPT_FOR);
  if (!hasErased || removed === 0) return;
  // What PostgreSQL has deleted stays in its files until they are written anew.
  await session.query('VACUUM FULL feed_publisher.operation');
  await session.query('VACUUM FULL feed_publisher.snapshot_piece');
}

interface LogSize {
  readonly count: number;
  readonly bytes: number;
  readonly first: number;
  /** The position of the last erasure; 0 where there was none. */
  readonly erased: number;
}

/** What the log has after a position. */
async function logSize(session: Session, position: number): Promise<LogSize> {
  const { rows } = await session.query<Record<keyof LogSize, string>>(
    `SELECT head.first, head.erased, count(operation.position), coalesce(sum(length(body)), 0) AS bytes
    FROM feed_publisher.head LEFT JOIN feed_publisher.operation ON position > $1
    GROUP BY head.first, head.erased`,
    [position],
  );
  const { count = 0, bytes = 0, first = 0, erased = 0 } = rows[0] ?? {};
  return { count: Number(count), bytes: Number(bytes), first: Number(first), erased: Number(erased) };
}

/** Whether the log or the copy of the store may have text of erased articles. */
export async function hasErasedText(session: Session): Promise<boolean> {
  const { first, erased } = await logSize(session, Number.MAX_SAFE_INTEGER);
  const snapshot = await newestSnapshot(session, SCHEMA);
  return erased >= first || (snapshot !== undefined && erased > snapshot.position);
}
