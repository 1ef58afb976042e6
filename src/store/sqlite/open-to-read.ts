import { accessSync, constants, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { BUSY_TIMEOUT, unopenable } from './database.ts';
import { databaseUrl, openUnchanged, realPath, sizeOf } from './store-file.ts';

/**
 * Opens a store, which a service may use meanwhile, or a backup, so that no file changes. Returns the database, and a function
 * that closes it.
 *
 * @throws PublisherError `store_unavailable`, `store_damaged`
 */
export function openToRead(file: string, isBackup: boolean): readonly [DatabaseSync, () => void] {
  try {
    const path = realPath(file);
    const db = isBackup ? undefined : openLive(path);
    if (db !== undefined) return [db, () => db.close()];
    return openBackup(path);
  } catch (error) {
    throw unopenable(file, error);
  }
}

/**
 * A store that is or may be in use. If it has a log, a connection that only reads leaves the log as it is. Without a log,
 * one that may write removes what SQLite puts beside the file while it is open. Returns undefined where nobody can write.
 */
function openLive(path: string): DatabaseSync | undefined {
  const options = { timeout: BUSY_TIMEOUT };
  if (sizeOf(`${path}-wal`) > 0) return new DatabaseSync(path, { ...options, readOnly: true });
  if (![path, dirname(path)].every(isWritable)) return undefined;
  const db = new DatabaseSync(databaseUrl(path, 'mode=rw'), options);
  db.exec('PRAGMA query_only = ON');
  return db;
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** A backup with a log is a copy of all files of a store. SQLite can read the log only where it may put an index beside it. */
function openBackup(path: string): readonly [DatabaseSync, () => void] {
  const isInUse = existsSync(`${path}-shm`);
  if (isInUse || sizeOf(`${path}-wal`) === 0) {
    const db = isInUse ? new DatabaseSync(path, { timeout: BUSY_TIMEOUT, readOnly: true }) : openUnchanged(path);
    return [db, () => db.close()];
  }
  const folder = mkdtempSync(join(tmpdir(), 'feed-publisher-verify-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    for (const end of ['', '-wal']) copyFileSync(path + end, join(folder, `copy${end}`), constants.COPYFILE_FICLONE);
    const db = new DatabaseSync(join(folder, 'copy'), { readOnly: true });
    const close = () => {
      db.close();
      remove();
    };
    return [db, close];
  } catch (error) {
    remove();
    throw error;
  }
}
