import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PublisherError } from '../../errors.ts';
import type { LogPosition } from '../projection.ts';
import { type FilePosition, readProjection } from '../sqlite/projected-file.ts';
import { type Session, withSession } from './connection.ts';
import { type Head, tokenAt } from './log.ts';
import { restoreSnapshot } from './snapshots.ts';

/** The id of this machine's copy of the store. It stands beside the store, because a copy of the store counts as a replica of its own. */
export function replicaId(file: string): string {
  const path = join(dirname(file), 'replica-id');
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    const id = randomUUID();
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${id}\n`);
    return id;
  }
}

interface PrepareParts {
  readonly file: string;
  readonly url: string;
  readonly readLog: (session: Session) => Promise<Head>;
}

/**
 * Makes the file of the store one that can follow the log: a new one is filled from the newest copy in the database, and one
 * that the log has left behind is replaced.
 *
 * @returns the end of the log; undefined where the database is away and the file can follow it later
 */
export async function prepareFile({ file, url, readLog }: PrepareParts): Promise<Head | undefined> {
  const known = readUnlessDamaged(file);
  try {
    return await withSession(url, async (session) => {
      const head = await readLog(session);
      if (known instanceof PublisherError) await replaceDamaged(file, known, head, session);
      else await prepare(file, known, head, session);
      return head;
    });
  } catch (error) {
    const isAway = error instanceof PublisherError && error.code === 'database_unavailable';
    if (!isAway) throw error;
    if (known !== undefined && 'log' in known && known.log !== undefined) return undefined;
    const hint =
      'This machine has no copy of the store yet, and fills one from the database. Check DATABASE_URL and that the database runs, then start again.';
    throw new PublisherError(error.code, error.message, { hint, cause: error });
  }
}

function readUnlessDamaged(file: string): FilePosition | PublisherError | undefined {
  try {
    return readProjection(file);
  } catch (error) {
    if (error instanceof PublisherError && error.code === 'store_damaged') return error;
    throw error;
  }
}

/** The database has all that a replica had: the damaged store stays under another name. */
async function replaceDamaged(file: string, damage: PublisherError, head: Head, session: Session): Promise<void> {
  if (head.last === 0) throw damage; // it may be a store that was never moved into the database
  setAside(file);
  await restoreSnapshot(session, file, head);
}

async function prepare(file: string, known: FilePosition | undefined, head: Head, session: Session): Promise<void> {
  if (known !== undefined && known.log !== head.log && !known.isEmpty) throw foreignStore(file, known.log);
  if (known?.log === head.log) {
    const standing = await standingOf(known, head, session);
    if (standing === 'follows') return;
    // What the log has lost stays under another name. A store that is merely old may have text that was erased since.
    if (standing === 'differs') setAside(file);
  }
  removeStore(file);
  await restoreSnapshot(session, file, head);
}

/** How a store stands to the log that it follows. */
type Standing = 'follows' | 'left-behind' | 'differs';

async function standingOf({ position, token }: LogPosition, head: Head, session: Session): Promise<Standing> {
  if (position > head.last) return 'differs';
  if (position < head.first - 1) return 'left-behind';
  const inLog = position === 0 ? undefined : await tokenAt(session, position);
  return inLog === undefined || inLog === token ? 'follows' : 'differs';
}

const ENDINGS = ['', '-wal', '-shm'];

function setAside(file: string): void {
  for (const ending of ENDINGS) {
    rmSync(`${file}.old${ending}`, { force: true });
    if (existsSync(file + ending)) renameSync(file + ending, `${file}.old${ending}`);
  }
}

function removeStore(file: string): void {
  for (const ending of ENDINGS) rmSync(file + ending, { force: true });
}

function foreignStore(file: string, log: string | undefined): PublisherError {
  const message = log === undefined ? `The store ${file} is no replica.` : `The store ${file} follows another log.`;
  return new PublisherError('store_unavailable', message, {
    hint: 'Run “store move database” to bring it into the database. If the database has the articles already, move the folder of the store away: the replica makes a new one.',
  });
}
