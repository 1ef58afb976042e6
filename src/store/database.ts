import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PublisherError } from '../errors.ts';
import { MIGRATIONS } from './migrations.ts';

/** Megabytes of the database that are kept in memory. The system keeps the rest, as far as it has room. */
const CACHE = 8;

/** Milliseconds to wait for another process that is writing. */
const BUSY_TIMEOUT = 10_000;

/**
 * Opens the database, making it where there is none.
 *
 * @param cache megabytes of it that are kept in memory
 * @throws PublisherError `store_outdated`, `store_too_new`, `store_unavailable`
 */
export function openDatabase(file: string, cache = CACHE): DatabaseSync {
  const db = connect(file, cache);
  const version = schemaVersion(db);
  if (version === 0) migrate(db);
  else if (version !== MIGRATIONS.length) {
    db.close();
    throw versionError(file, version);
  }
  return db;
}

/**
 * Brings a store to this program's schema. Returns the versions it had and has.
 *
 * @throws PublisherError `store_too_new`, `store_unavailable`
 */
export function migrateDatabase(file: string): { readonly from: number; readonly to: number } {
  const db = connect(file);
  try {
    const from = schemaVersion(db);
    if (from > MIGRATIONS.length) throw versionError(file, from);
    migrate(db);
    return { from, to: MIGRATIONS.length };
  } finally {
    db.close();
  }
}

function connect(file: string, cache = CACHE): DatabaseSync {
  try {
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
    const db = new DatabaseSync(file, { timeout: BUSY_TIMEOUT, enableForeignKeyConstraints: false });
    // References hold because rows they lead to are never deleted alone; checking each costs an import a tenth.
    // FULL: a commit is on disk before it is acknowledged. 8 kB pages hold most articles without a chain of pages.
    db.exec(`
      PRAGMA page_size = 8192;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA cache_size = -${cache * 1024};
      PRAGMA wal_autocheckpoint = 8192;
      PRAGMA journal_size_limit = 67108864;
    `);
    return db;
  } catch (cause) {
    throw new PublisherError('store_unavailable', `The store ${file} cannot be opened.`, {
      cause,
      hint: reasonOf(cause),
    });
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function schemaVersion(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version);
}

function migrate(db: DatabaseSync): void {
  for (;;) {
    // Read within the transaction: another process may have been first.
    db.exec('BEGIN IMMEDIATE');
    const version = schemaVersion(db);
    const step = MIGRATIONS[version];
    if (step !== undefined) db.exec(`${step}; PRAGMA user_version = ${version + 1}`);
    db.exec('COMMIT');
    if (step === undefined) return;
  }
}

function versionError(file: string, version: number): PublisherError {
  const is = `The store ${file} has schema ${version}, this program ${MIGRATIONS.length}.`;
  return version < MIGRATIONS.length
    ? new PublisherError('store_outdated', is, { hint: 'Make a copy of it, then run the command migrate.' })
    : new PublisherError('store_too_new', is, {
        hint: 'Run a version of this program as new as the one that wrote it.',
      });
}

const SQLITE_NOTADB = 26;
const SQLITE_FULL = 13;
const SQLITE_CORRUPT = 11;
const SQLITE_IOERR = 10;
const SQLITE_READONLY = 8;
const SQLITE_BUSY = 5;

/** SQLite's failure in the words of the service; anything else as it is. */
export function storeError(error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error;
  const code = error.errcode & 0xff;
  if (code === SQLITE_FULL) {
    return new PublisherError('insufficient_storage', 'There is no room left for the change; nothing of it was kept.', {
      hint: 'Make room on the disk and send it again.',
      cause: error,
    });
  }
  if (code === SQLITE_IOERR || code === SQLITE_READONLY || code === SQLITE_BUSY) {
    return new PublisherError('store_unavailable', 'The store cannot be used; nothing of a change was kept.', {
      hint: error.message,
      cause: error,
    });
  }
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) {
    return new PublisherError('store_unavailable', 'The store is damaged, or is none.', {
      hint: `${error.message}: put a backup in its place.`,
      cause: error,
    });
  }
  return error;
}

/** The function, failing in the words of the service: at once or later. */
export function inOurWords<Arguments extends unknown[], Result>(
  work: (...given: Arguments) => Result,
): (...given: Arguments) => Result {
  const fail = (error: unknown): never => {
    throw storeError(error);
  };
  return (...given) => {
    try {
      const result = work(...given);
      return result instanceof Promise ? (result.catch(fail) as Result) : result;
    } catch (error) {
      return fail(error);
    }
  };
}
