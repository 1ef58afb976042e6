import { accessSync, constants, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type CheckedStore, type CheckParts, checkOutdated, checkStore } from './check-store.ts';
import { BUSY_TIMEOUT, SCHEMA, unopenable, versionError } from './database.ts';
import { isDamage } from './readable-rows.ts';
import { cutOff, databaseUrl, openUnchanged, realPath, schemaIn, sizeOf } from './store-file.ts';

export interface VerifiedStore extends CheckedStore {
  readonly schema: number;
  /** Only the pages and the articles of a store with an earlier schema are checked. */
  readonly isOutdated: boolean;
}

interface VerifyParts extends CheckParts {
  /** The file is a copy that nobody writes: no file may appear beside it. */
  readonly isBackup: boolean;
}

/**
 * Checks a store, which a service may use meanwhile, or a backup.
 *
 * @throws PublisherError `store_too_new`, and `store_unavailable` for a file that is not a store
 */
export async function verifyStore(file: string, { isBackup, ...parts }: VerifyParts): Promise<VerifiedStore> {
  let isFound = false;
  const onDamage: CheckParts['onDamage'] = (damage) => {
    isFound = true;
    parts.onDamage(damage);
  };
  const [db, close] = open(file, isBackup);
  let schema = 0;
  try {
    schema = schemaIn(db, file);
    if (schema > SCHEMA) throw versionError(file, schema);
    const isOutdated = schema < SCHEMA;
    const checked = await (isOutdated ? checkOutdated : checkStore)(db, { ...parts, onDamage });
    return { ...checked, schema, isOutdated };
  } catch (error) {
    if (!isDamage(error)) throw unopenable(file, error);
    if (!isFound)
      parts.onDamage({ kind: 'file', name: '', problem: cutOff(realPath(file)) ?? (error as Error).message });
    return { articles: 0, feeds: 0, schema, isOutdated: false };
  } finally {
    close();
  }
}

function open(file: string, isBackup: boolean): readonly [DatabaseSync, () => void] {
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
