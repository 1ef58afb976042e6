import { randomUUID } from 'node:crypto';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { constants as zlib, zstdCompress, zstdDecompress } from 'node:zlib';
import { copyProjection, createProjection } from '../sqlite/projected-file.ts';
import { syncFolder } from '../sqlite/store-file.ts';
import type { Session } from './connection.ts';
import type { Head } from './log.ts';

/** Bytes of the store in one piece. */
const PIECE = 4 * 1024 * 1024;
const COMPRESSION = { params: { [zlib.ZSTD_c_compressionLevel]: 1 } };

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

interface SnapshotRow {
  readonly id: string;
  readonly position: string;
  readonly pieces: number;
}

/** A copy of the store in the database. */
export interface Snapshot {
  readonly id: string;
  /** Of the last operation that the copy has. */
  readonly position: number;
  readonly pieces: number;
}

/** The newest copy of this format. */
export async function newestSnapshot(session: Session, format: number): Promise<Snapshot | undefined> {
  const { rows } = await session.query<SnapshotRow>(
    'SELECT id, position, pieces FROM feed_publisher.snapshot WHERE format = $1 ORDER BY position DESC LIMIT 1',
    [format],
  );
  const [row] = rows;
  return row && { id: row.id, position: Number(row.position), pieces: row.pieces };
}

/** Fills the file of a new replica with the newest copy, or creates an empty store where the log has all operations. */
export async function restoreSnapshot(session: Session, file: string, { format }: Head): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  const snapshot = await newestSnapshot(session, format);
  const part = `${file}.part`;
  rmSync(part, { force: true });
  if (snapshot === undefined) createProjection(part);
  else await download(session, snapshot, part);
  renameSync(part, file);
  syncFolder(dirname(file));
}

async function download(session: Session, { id, pieces }: Snapshot, part: string): Promise<void> {
  await using file = await open(part, 'wx');
  for (let piece = 0; piece < pieces; piece += 1) {
    const { rows } = await session.query<{ readonly content: Buffer }>(
      'SELECT content FROM feed_publisher.snapshot_piece WHERE snapshot = $1 AND piece = $2',
      [id, piece],
    );
    const [row] = rows;
    if (row === undefined) throw new Error(`piece ${piece} of the copy ${id} is missing`);
    await file.write(await decompress(row.content));
  }
  await file.sync();
}

/**
 * Puts a copy of this replica's store into the database, in the place of all earlier ones.
 *
 * @returns the position of the copy
 */
export async function saveSnapshot(session: Session, file: string, format: number): Promise<number> {
  const copy = `${file}.copy`;
  try {
    const { position } = await copyProjection(file, copy);
    const id = randomUUID();
    const { pieces, bytes } = await upload(session, id, copy);
    await session.query(
      'INSERT INTO feed_publisher.snapshot (id, position, format, pieces, bytes) VALUES ($1, $2, $3, $4, $5)',
      [id, position, format, pieces, bytes],
    );
    await removeOthers(session, id);
    return position;
  } finally {
    rmSync(copy, { force: true });
  }
}

async function upload(session: Session, id: string, path: string) {
  await using file = await open(path);
  let pieces = 0;
  let bytes = 0;
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(PIECE), 0, PIECE, bytes);
    if (bytesRead === 0) return { pieces, bytes };
    await session.query('INSERT INTO feed_publisher.snapshot_piece (snapshot, piece, content) VALUES ($1, $2, $3)', [
      id,
      pieces,
      await compress(buffer.subarray(0, bytesRead), COMPRESSION),
    ]);
    pieces += 1;
    bytes += bytesRead;
  }
}

/** Also pieces of copies that were never complete. */
async function removeOthers(session: Session, id: string): Promise<void> {
  await session.query('DELETE FROM feed_publisher.snapshot WHERE id <> $1', [id]);
  await session.query('DELETE FROM feed_publisher.snapshot_piece WHERE snapshot <> $1', [id]);
}

/**
 * Removes operations from the log that the newest copy has, as far as no replica that was seen lately needs them.
 *
 * @param keep minutes for which a replica may be away without a new copy
 * @returns how many were removed
 */
export async function pruneLog(session: Session, position: number, keep: number): Promise<number> {
  const { rowCount } = await session.query(
    `WITH needed AS (
      SELECT coalesce(min(applied), $1) AS position FROM feed_publisher.replica
      WHERE seen_at > clock_timestamp() - make_interval(mins => $2)
    ), head AS (
      UPDATE feed_publisher.head SET first = greatest(first, least($1, needed.position) + 1) FROM needed RETURNING first
    )
    DELETE FROM feed_publisher.operation USING head WHERE position < head.first`,
    [position, keep],
  );
  return rowCount ?? 0;
}
