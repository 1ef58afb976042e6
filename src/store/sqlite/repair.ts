import { constants, copyFileSync, linkSync, renameSync, rmSync, statfsSync, truncateSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PublisherError } from '../../errors.ts';
import { storeDefinitions } from './check-schema.ts';
import { type CheckedStore, type CheckParts, checkOutdated, checkStore } from './check-store.ts';
import { createEmpty, resultCode, SCHEMA, SQLITE_BUSY, unopenable, versionError } from './database.ts';
import type { Damage } from './found-damage.ts';
import { ifReadable, isDamage } from './readable-rows.ts';
import { type Salvaged, salvage } from './salvage.ts';
import type { SalvageParts } from './salvage-articles.ts';
import {
  cutOff,
  databaseUrl,
  giveToOwner,
  missingEnd,
  RESTORE,
  realPath,
  schemaInHeader,
  schemaOf,
  sizeOf,
  syncFile,
  syncFolder,
} from './store-file.ts';

/** A store that no other process can open meanwhile. */
export interface LockedStore {
  readonly schema: number;
  readonly check: (parts: CheckParts) => Promise<CheckedStore>;
  /** Bytes that a repair needs on the disk, and that are free there. */
  readonly room: () => { readonly needed: number; readonly free: number };
  /**
   * Puts a new store with everything that is whole in the place of the damaged one. Until the new one is complete, the old one
   * stays as it is; then it gets another name.
   *
   * @param name of the damaged store from then on, beside the new one
   */
  readonly repair: (parts: SalvageParts, name: string) => Promise<Salvaged>;
  readonly close: () => void;
}

/**
 * Locks an existing store for a repair.
 *
 * @throws PublisherError `store_unavailable` if another process uses it, or if nothing in it can be read; `store_too_new`
 */
export function lockStore(file: string): LockedStore {
  const path = realPath(file);
  try {
    if (isReadable(file) && schemaOf(file) > SCHEMA) throw versionError(file, schemaOf(file));
    const { db, problem, close } = openAlone(path);
    const schema = Number(db.prepare('PRAGMA user_version').get()?.user_version);
    return {
      schema,
      check(parts) {
        if (problem !== undefined) parts.onDamage({ kind: 'file', name: '', problem });
        return (schema < SCHEMA ? checkOutdated : checkStore)(db, parts);
      },
      room: () => roomFor(path),
      repair: (parts, name) => repair(db, path, parts, name),
      close,
    };
  } catch (error) {
    if (resultCode(error) === SQLITE_BUSY) throw inUse(file);
    if (isDamage(error)) throw unreadable(file, error);
    throw unopenable(file, error);
  }
}

/** @throws PublisherError `store_unavailable` for the database of another program */
function isReadable(file: string): boolean {
  return ifReadable(() => schemaOf(file)) !== undefined;
}

interface OpenedAlone {
  readonly db: DatabaseSync;
  /** Why the store itself cannot be read, and a copy is. */
  readonly problem?: string;
  readonly close: () => void;
}

/**
 * Opens a store that nobody else uses. SQLite reads nothing of a file that has lost its end, or whose definitions of tables
 * are damaged: a copy gets empty pages there, and the definitions that a store has.
 */
function openAlone(path: string): OpenedAlone {
  let problem: string;
  try {
    const db = openExclusively(path);
    return { db, close: () => db.close() };
  } catch (error) {
    if (!isDamage(error)) throw error;
    problem = cutOff(path) ?? (error as Error).message;
  }
  const copy = `${path}.readable`;
  const remove = () => removeAll(copy);
  remove();
  try {
    copyWithLog(path, copy);
    truncateSync(copy, missingEnd(path)?.wanted ?? sizeOf(path));
    if (schemaInHeader(path) === SCHEMA) defineTables(copy);
    const db = openExclusively(copy);
    const close = () => {
      db.close();
      remove();
    };
    return { db, problem, close };
  } catch (error) {
    remove();
    throw error;
  }
}

function defineTables(copy: string): void {
  const db = new DatabaseSync(copy, { defensive: false });
  try {
    db.exec('PRAGMA writable_schema = ON');
    const define = db.prepare('UPDATE sqlite_schema SET sql = ? WHERE name = ?');
    for (const [name, sql] of storeDefinitions()) define.run(sql, name);
  } finally {
    db.close();
  }
}

function copyWithLog(path: string, copy: string): void {
  copyFileSync(path, copy, constants.COPYFILE_FICLONE);
  if (sizeOf(`${path}-wal`) > 0) copyFileSync(`${path}-wal`, `${copy}-wal`, constants.COPYFILE_FICLONE);
}

/** In the exclusive mode, a connection waits for no other one and lets none in, and needs no file for the index of the log. */
function openExclusively(path: string): DatabaseSync {
  const db = new DatabaseSync(databaseUrl(path, 'mode=rw'), { timeout: 0, enableForeignKeyConstraints: false });
  try {
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; ROLLBACK');
    db.prepare('SELECT count(*) FROM sqlite_schema').get(); // reads every definition
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function inUse(file: string): PublisherError {
  const hint = 'Stop the service, and wait until every other command has ended. Then run repair again.';
  return new PublisherError('store_unavailable', `Another process uses the store ${file}.`, { hint });
}

function unreadable(file: string, cause: unknown): PublisherError {
  const hint = `${RESTORE} Without a backup, a new store reads the articles from articles/ again.`;
  return new PublisherError(
    'store_unavailable',
    `The first page of the store ${file} is damaged: nothing in it can be read.`,
    {
      hint,
      cause,
    },
  );
}

/** The new store may be as large as the old one, and the log is copied. */
function roomFor(path: string): { readonly needed: number; readonly free: number } {
  const { bavail, bsize } = statfsSync(dirname(path));
  return { needed: sizeOf(path) + 2 * sizeOf(`${path}-wal`), free: bavail * bsize };
}

async function repair(db: DatabaseSync, path: string, parts: SalvageParts, name: string): Promise<Salvaged> {
  const part = `${path}.repaired`;
  removeAll(part);
  try {
    const salvaged = await writeNew(db, part, parts);
    await requireWhole(part);
    replace(db, path, part, name);
    return salvaged;
  } finally {
    removeAll(part);
  }
}

async function writeNew(db: DatabaseSync, part: string, parts: SalvageParts): Promise<Salvaged> {
  const to = createEmpty(part);
  try {
    // The file counts only when it is complete.
    to.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF');
    const salvaged = await salvage(db, to, parts);
    to.exec('PRAGMA journal_mode = WAL');
    return salvaged;
  } finally {
    to.close();
  }
}

async function requireWhole(part: string): Promise<void> {
  const found: Damage[] = [];
  const db = new DatabaseSync(databaseUrl(part, 'immutable=1'), { readOnly: true });
  try {
    await checkStore(db, { onDamage: (damage) => found.push(damage), progress: () => {} });
  } finally {
    db.close();
  }
  const [first] = found;
  if (first !== undefined) throw new Error(`the repaired store is not whole: ${JSON.stringify(first)}`);
}

/**
 * A crash at any step leaves the old store or the new one under the name: first the log of the old store is moved into it, so
 * that no moment has one without the other, or the new store with the old log. A file that has lost its end cannot take its
 * log; no program can open it either, and the copy of the log stays beside it.
 */
function replace(db: DatabaseSync, path: string, part: string, name: string): void {
  const log = `${path}-wal`;
  if (sizeOf(log) > 0) copyFileSync(log, `${name}-wal`, constants.COPYFILE_FICLONE);
  const { busy } = db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() ?? {};
  if (Number(busy) !== 0) throw new Error('the log of the damaged store cannot be emptied');
  keepAs(path, name);
  rmSync(log, { force: true });
  rmSync(`${path}-shm`, { force: true });
  giveToOwner(part, path);
  syncFile(part);
  renameSync(part, path); // the old connection sees that its file has another name, and does nothing more to it
  syncFolder(dirname(path));
}

function keepAs(path: string, name: string): void {
  try {
    linkSync(path, name);
  } catch {
    copyFileSync(path, name, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE); // a file system without links
  }
}

function removeAll(file: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(file + end, { force: true });
}
