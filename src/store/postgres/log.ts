import { PublisherError } from '../../errors.ts';
import type { LoggedOperation } from '../projection.ts';
import { decodeOperation } from './codec.ts';
import type { Session } from './connection.ts';
import { CHANNEL, LAST_CREATED, LOCKS, SCHEMA_LOCK, SCHEMA_SQL } from './schema.ts';

/** The end of the log. */
export interface Head {
  /** The id of the log. */
  readonly log: string;
  readonly last: number;
  /** The first operation that is kept. */
  readonly first: number;
  readonly format: number;
}

/** An operation that is to be appended. */
export interface Appended {
  readonly token: string;
  readonly body: Buffer;
  /** Whether it erases an article: the text must leave the log as well. */
  readonly isErasure: boolean;
}

/** An operation as the log has it. */
export interface ReadOperation extends LoggedOperation {
  /** The replica that has asked for it. */
  readonly replica: string;
}

/** An operation whose body stays in the database: this process has appended it, and has it. */
export interface OwnOperation extends Omit<ReadOperation, 'operation'> {
  readonly operation: undefined;
}

/** The process that writes. */
export interface WriterSession {
  readonly id: string;
  readonly session: number;
}

/** Bytes of bodies that are read together, and operations. */
const READ_BYTES = 4 * 1024 * 1024;
const READ_COUNT = 500;

interface HeadRow {
  readonly log: string;
  readonly last: string;
  readonly first: string;
  readonly format: number;
}

const HEAD = 'SELECT log, last, first, format FROM feed_publisher.head';

/** Creates the tables where they are missing. @param format of a new log */
export async function createLog(session: Session, format: number): Promise<void> {
  const { rows } = await session.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [
    LAST_CREATED,
  ]);
  if (rows[0]?.there !== true) {
    await session.query('SELECT pg_advisory_lock($1, $2)', [LOCKS, SCHEMA_LOCK]);
    for (const statement of SCHEMA_SQL.split(/;\n/)) if (statement.trim() !== '') await session.query(statement);
    await session.query('SELECT pg_advisory_unlock($1, $2)', [LOCKS, SCHEMA_LOCK]);
  }
  await session.query('INSERT INTO feed_publisher.head (format) VALUES ($1) ON CONFLICT DO NOTHING', [format]);
}

export async function readHead(session: Session): Promise<Head> {
  const { rows } = await session.query<HeadRow>(HEAD);
  const [row] = rows;
  if (row === undefined) throw new PublisherError('store_unavailable', 'The log in the database has no head.');
  return headOf(row);
}

function headOf({ log, last, first, format }: HeadRow): Head {
  return { log, last: Number(last), first: Number(first), format };
}

/**
 * Appends operations, all or none, and tells the other replicas. One statement: no lock is held while the network is waited for.
 *
 * @returns the position of the first one; undefined where this session may not write any more, or where the log has another
 * format
 */
export async function append(
  session: Session,
  { writer, replica, format }: { readonly writer: WriterSession; readonly replica: string; readonly format: number },
  operations: readonly Appended[],
): Promise<number | undefined> {
  const lengths = operations.map(({ body }) => body.length);
  let end = 1;
  const starts = lengths.map((length) => {
    end += length;
    return end - length;
  });
  const { rows } = await session.query<{ readonly last: string }>(APPEND, [
    writer.id,
    writer.session,
    operations.length,
    format,
    replica,
    operations.map(({ token }) => token),
    starts,
    lengths,
    Buffer.concat(operations.map(({ body }) => body)),
    operations.some(({ isErasure }) => isErasure),
  ]);
  const [row] = rows;
  return row === undefined ? undefined : Number(row.last) - operations.length + 1;
}

// The bodies are one value, because the client would write an array of them in hexadecimal digits.
const APPEND = `
  WITH writer AS (
    SELECT 1 FROM feed_publisher.writer WHERE id = $1 AND session = $2 FOR UPDATE
  ), head AS (
    UPDATE feed_publisher.head
    SET last = last + $3::bigint, erased = CASE WHEN $10::boolean THEN last + $3::bigint ELSE erased END
    WHERE format = $4 AND EXISTS (SELECT 1 FROM writer)
    RETURNING last
  ), added AS (
    INSERT INTO feed_publisher.operation (position, token, replica, body)
    SELECT head.last - $3::bigint + number, token, $5, substring($9::bytea FROM start FOR length)
    FROM head, unnest($6::text[], $7::integer[], $8::integer[]) WITH ORDINALITY AS part (token, start, length, number)
  )
  SELECT last, pg_notify('${CHANNEL}', last::text) FROM head`;

interface OperationRow {
  readonly position: string;
  readonly token: string;
  readonly replica: string;
  readonly body: Buffer | null;
}

/**
 * The operations after a position, in their order: the first ones, at least one where there is one.
 *
 * @param own the beginning of the tokens of operations that are wanted without their bodies
 */
export async function readAfter(
  session: Session,
  position: number,
  own: string,
): Promise<readonly (ReadOperation | OwnOperation)[]> {
  const { rows } = await session.query<OperationRow>(
    `SELECT position, token, replica, body
    FROM (
      SELECT *, sum(coalesce(length(body), 0)) OVER (ORDER BY position) - coalesce(length(body), 0) AS before
      FROM (
        SELECT position, token, replica, CASE WHEN starts_with(token, $2) THEN NULL ELSE body END AS body
        FROM feed_publisher.operation
        WHERE position > $1 ORDER BY position LIMIT ${READ_COUNT}
      ) AS next
    ) AS next
    WHERE before < ${READ_BYTES} ORDER BY position`,
    [position, own],
  );
  return rows.map(({ position: text, token, replica, body }) => {
    const place = Number(text);
    const operation = body === null ? undefined : decodeOperation(body, place);
    return { position: place, token, replica, operation } as ReadOperation | OwnOperation;
  });
}

/** @throws PublisherError `store_unavailable` where the log has no such operation */
export async function readOperation(session: Session, position: number): Promise<ReadOperation> {
  const { rows } = await session.query<OperationRow>(
    'SELECT token, replica, body FROM feed_publisher.operation WHERE position = $1',
    [position],
  );
  const [row] = rows;
  if (!row?.body) throw new PublisherError('store_unavailable', `The log has no operation ${position}.`);
  const { token, replica, body } = row;
  return { position, token, replica, operation: decodeOperation(body, position) };
}

/** The token of the operation at a position; undefined where it is not kept, or there is none. */
export async function tokenAt(session: Session, position: number): Promise<string | undefined> {
  const { rows } = await session.query<{ readonly token: string }>(
    'SELECT token FROM feed_publisher.operation WHERE position = $1',
    [position],
  );
  return rows[0]?.token;
}

/** Makes a session the one that may write for a process: no statement of an earlier session of it takes effect after this. */
export async function beginWriting(session: Session, { id, session: number }: WriterSession): Promise<void> {
  await session.query(
    `INSERT INTO feed_publisher.writer (id, session) VALUES ($1, $2)
    ON CONFLICT (id) DO UPDATE SET session = excluded.session, seen_at = clock_timestamp()`,
    [id, number],
  );
}

/** The positions of those operations that are in the log. */
export async function positionsOf(session: Session, tokens: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const { rows } = await session.query<{ readonly token: string; readonly position: string }>(
    'SELECT token, position FROM feed_publisher.operation WHERE token = ANY ($1)',
    [tokens],
  );
  return new Map(rows.map(({ token, position }) => [token, Number(position)]));
}
