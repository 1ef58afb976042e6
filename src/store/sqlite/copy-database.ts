import { chmodSync, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { backup } from 'node:sqlite';
import { existingSchema, isThere, requireAlone, SCHEMA, unopenable } from './database.ts';
import { openToRead } from './open-to-read.ts';
import { giveToOwner, realPath, sizeOf, syncFile, syncFolder } from './store-file.ts';

/** Pages that are copied in one go, between two reports of progress: 8 MB of a store. */
const STEP = 1000;

/** Receives pages. */
export type CopyProgress = (done: number, total: number) => void;

/**
 * Copies a database, which other processes may use and change meanwhile, as it is at one moment. The copy is one file with the
 * permissions of the original, and is on disk when the promise resolves.
 *
 * The open read transaction is what makes the copy end: without it, SQLite begins anew after each change of another process
 * (https://www.sqlite.org/c3ref/backup_finish.html).
 *
 * @param target a file that does not exist
 * @throws PublisherError `store_unavailable`, `store_damaged`; an error of the system
 */
export async function copyDatabase(file: string, target: string, progress: CopyProgress = () => {}): Promise<void> {
  const [db, close] = openToRead(file, false);
  try {
    db.exec('BEGIN');
    db.prepare('SELECT count(*) FROM sqlite_schema').get(); // a transaction begins with its first read
    await backup(db, target, {
      rate: STEP,
      progress: ({ totalPages, remainingPages }) => progress(totalPages - remainingPages, totalPages),
    });
  } catch (error) {
    for (const end of ['', '-journal']) rmSync(target + end, { force: true });
    throw unopenable(file, error);
  } finally {
    close();
  }
  chmodSync(target, statSync(file).mode);
  syncFile(target);
}

export interface EarlierSchema {
  readonly schema: number;
  /** Bytes that a copy and the migration need on the disk, and that are free there. */
  readonly room: () => { readonly needed: number; readonly free: number };
  /**
   * Copies the store as it is before its migration.
   *
   * @returns the copy, beside the store
   */
  readonly copy: (progress: CopyProgress) => Promise<string>;
}

/**
 * Looks at a store before its migration. Undefined where there is nothing to migrate.
 *
 * @throws PublisherError `store_unavailable` for a file that is not a store, and where another process uses it
 */
export function findEarlierSchema(file: string): EarlierSchema | undefined {
  isThere(file);
  const schema = existingSchema(file);
  if (schema >= SCHEMA) return undefined;
  requireAlone(file);
  return {
    schema,
    room: () => roomFor(realPath(file)),
    copy: (progress) => copyAs(file, `${realPath(file)}.schema-${schema}`, progress),
  };
}

/** Under another name first: no later start finds a part of a copy. */
async function copyAs(file: string, wanted: string, progress: CopyProgress): Promise<string> {
  const part = `${wanted}.part`;
  rmSync(part, { force: true });
  await copyDatabase(file, part, progress);
  giveToOwner(part, realPath(file));
  const name = freeName(wanted);
  renameSync(part, name);
  syncFolder(dirname(name));
  return name;
}

/** An earlier copy with this schema is never replaced: it may be the better one. */
function freeName(wanted: string): string {
  let name = wanted;
  for (let number = 2; sizeOf(name) > 0; number += 1) name = `${wanted}-${number}`;
  return name;
}

/** The migration writes all articles into the log once, and the log then moves into the file. */
function roomFor(path: string): { readonly needed: number; readonly free: number } {
  const { bavail, bsize } = statfsSync(dirname(path));
  return { needed: 2 * (sizeOf(path) + sizeOf(`${path}-wal`)), free: bavail * bsize };
}
