import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { mediaNamesIn } from '../../article/media-names.ts';
import { urlHash } from '../../article/stored.ts';
import { PublisherError } from '../../errors.ts';
import { systemReason } from '../../lib/system-reason.ts';
import { articleChecksum, recordChecksum, rowChecksum, textChecksum, type Value } from './checksums.ts';
import { damaged } from './damage.ts';
import { addRow, balance, emptyParts, encodeParts, type ListRow, type Parts } from './list-parts.ts';
import { MIGRATIONS } from './migrations.ts';
import { APPLICATION_ID, createWhole, databaseUrl, realPath, schemaOf, storeExists } from './store-file.ts';

/** Megabytes of SQLite's page cache. The operating system caches more as far as it has room. */
const CACHE = 8;
/** Megabytes during an import: a large batch and its indexes must fit, or SQLite writes their pages twice. */
const BULK_CACHE = 192;

/** The schema of this version. */
export const SCHEMA = MIGRATIONS.length;

export interface OpenOptions {
  /** The process will write much without a pause, as an import does. */
  readonly isBulk?: boolean | undefined;
}

/** Milliseconds to wait for another process that writes. */
export const BUSY_TIMEOUT = 10_000;
/** Milliseconds between attempts where SQLite does not wait itself. */
export const BUSY_RETRY = 5;

/**
 * Opens the database and creates it where it is missing.
 *
 * @throws PublisherError `store_outdated`, `store_too_new`, `store_unavailable`, `store_damaged`
 */
export function openDatabase(file: string, { isBulk = false }: OpenOptions = {}): DatabaseSync {
  if (file === IN_MEMORY) return createEmpty(file);
  if (!isThere(file)) createStore(file);
  requireSchema(file, existingSchema(file));
  const db = connect(file, isBulk ? BULK_CACHE : CACHE);
  try {
    requireSchema(file, schemaVersion(db)); // another process may have migrated it meanwhile
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Whether a store is there, for those who would create it.
 *
 * @throws PublisherError `store_unavailable` for a file that cannot be a store
 */
export function isThere(file: string): boolean {
  try {
    return storeExists(file);
  } catch (error) {
    throw unopenable(file, error);
  }
}

/** The schema of a store that is there. @throws PublisherError `store_unavailable`, `store_damaged` */
export function existingSchema(file: string): number {
  try {
    return schemaOf(file);
  } catch (error) {
    throw unopenable(file, error);
  }
}

function requireSchema(file: string, version: number): void {
  if (version !== MIGRATIONS.length) throw versionError(file, version);
}

/** Creates the file of a new store. */
function createStore(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    createWhole(file, (part) => createEmpty(part).close());
  } catch (error) {
    throw unopenable(file, error);
  }
}

/** Creates a file with the tables of a store, and nothing in them. */
export function createEmpty(file: string): DatabaseSync {
  const db = tuned(new DatabaseSync(file, OPTIONS), CACHE);
  migrate(db);
  return db;
}

/**
 * Migrates a store to this program's schema.
 *
 * @param progress receives how many articles have their checksums
 * @returns the schema versions before and after
 *
 * @throws PublisherError `store_too_new`, `store_unavailable`, also where another process uses a store of an earlier schema
 */
export function migrateDatabase(
  file: string,
  progress: (done: number, total: number) => void = () => {},
): { readonly from: number; readonly to: number } {
  isThere(file);
  const existing = existingSchema(file);
  if (existing > MIGRATIONS.length) throw versionError(file, existing);
  if (existing < MIGRATIONS.length) requireAlone(file);
  const db = connect(file);
  try {
    const from = schemaVersion(db);
    if (from > MIGRATIONS.length) throw versionError(file, from);
    migrate(db, from > 0 && from < MIGRATIONS.length ? progressOf(db, progress) : undefined);
    return { from, to: MIGRATIONS.length };
  } finally {
    db.close();
  }
}

/**
 * A program of an earlier version that goes on would write rows without checksums, which count as damage from then on.
 *
 * @throws PublisherError `store_unavailable` where another process uses the store
 */
export function requireAlone(file: string, command = 'migrate'): void {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(databaseUrl(realPath(file), 'mode=rw'), { ...OPTIONS, timeout: 0 });
    // In the exclusive mode, a connection lets no other one in, and fails where there is one.
    db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; ROLLBACK');
  } catch (error) {
    if (resultCode(error) !== SQLITE_BUSY) throw unopenable(file, error);
    const hint = `Stop the service, and wait until every other command has ended. Then run ${command} again.`;
    throw new PublisherError('store_unavailable', `Another process uses the store ${file}.`, { hint });
  } finally {
    db?.close();
  }
}

export const IN_MEMORY = ':memory:';
// Without foreign keys: no row is ever deleted while another refers to it, and the checks cost an import a tenth.
const OPTIONS = { timeout: BUSY_TIMEOUT, enableForeignKeyConstraints: false };

/** Opens the existing file of a store as it is. */
export function connect(file: string, cache = CACHE): DatabaseSync {
  try {
    return tuned(new DatabaseSync(file === IN_MEMORY ? file : databaseUrl(realPath(file), 'mode=rw'), OPTIONS), cache);
  } catch (cause) {
    throw unopenable(file, cause);
  }
}

function tuned(db: DatabaseSync, cache: number): DatabaseSync {
  // FULL: a commit is on disk before it is acknowledged. Most articles fit into one page of 8 kB.
  db.exec('PRAGMA page_size = 8192');
  writeAhead(db);
  // secure_delete: what is removed or replaced is overwritten with zeros.
  db.exec(`
    PRAGMA secure_delete = ON;
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -${cache * 1024};
    PRAGMA wal_autocheckpoint = 8192;
    PRAGMA journal_size_limit = 67108864;
  `);
  return db;
}

/** The error of a store that cannot be opened, with what to do. */
export function unopenable(file: string, cause: unknown): unknown {
  if (cause instanceof PublisherError) return cause;
  if (isDamage(cause)) return damaged(`SQLite cannot read the file ${file} (${systemReason(cause)})`, cause);
  return new PublisherError('store_unavailable', `The store ${file} cannot be opened.`, {
    cause,
    hint: hintFor(cause),
  });
}

/** The mode cannot change while another process creates the store, and SQLite does not wait for that. */
function writeAhead(db: DatabaseSync): void {
  const end = performance.now() + BUSY_TIMEOUT;
  for (;;) {
    try {
      db.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (resultCode(error) !== SQLITE_BUSY || performance.now() > end) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_RETRY);
    }
  }
}

/** What an operator can do about a store that cannot be opened, with the words of SQLite or the system. */
function hintFor(cause: unknown): string {
  const advice = OPEN_ADVICE.get(resultCode(cause) ?? -1);
  const reason = systemReason(cause);
  return advice === undefined
    ? `The reason: ${reason}. Check the folder of the store and its permissions.`
    : `${advice} (${reason}).`;
}

function schemaVersion(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version);
}

/** Articles between two reports of progress. */
const REPORTED_TOGETHER = 1000;

/** Returns a function to call for each article that gets its checksums. */
function progressOf(db: DatabaseSync, progress: (done: number, total: number) => void): () => void {
  const total = Number(db.prepare('SELECT count(*) AS total FROM article').get()?.total);
  let done = 0;
  return () => {
    done += 1;
    if (done % REPORTED_TOGETHER === 0 || done === total) progress(done, total);
  };
}

/**
 * Defines the functions that migrations use.
 *
 * @param onArticle called for each article that gets its checksums
 */
export function defineMigrationFunctions(db: DatabaseSync, onArticle: () => void = () => {}): void {
  db.function('url_hash', { deterministic: true }, (url) => (url === null ? null : urlHash(String(url))));
  db.function('row_checksum', { deterministic: true, varargs: true }, (...values) => rowChecksum(values as Value[]));
  db.function('text_checksum', { deterministic: true }, (text) => textChecksum(String(text)));
  db.function('article_checksum', { deterministic: true }, (text, revision) => {
    onArticle();
    return articleChecksum(textChecksum(String(text)), Number(revision));
  });
  db.function('record_checksum', { deterministic: true }, (record, id) =>
    recordChecksum(textChecksum(String(record)), String(id)),
  );
  db.aggregate('list_parts', listPartsFunction() as unknown as Parameters<DatabaseSync['aggregate']>[1]);
  db.function('media_names', { deterministic: true }, (article) => JSON.stringify(mediaNamesIn(String(article))));
}

/** Collects the parts of a list from its rows. The types of node:sqlite know no state but values of SQLite. */
function listPartsFunction() {
  return {
    varargs: true,
    start: emptyParts,
    step(list: Parts, ...row: unknown[]): Parts {
      addRow(list, row as unknown as ListRow);
      return list;
    },
    result(list: Parts): Uint8Array {
      balance(list);
      return encodeParts(list);
    },
  };
}

/** In one transaction, so that no other process finds a version in between. */
function migrate(db: DatabaseSync, onArticle?: () => void): void {
  defineMigrationFunctions(db, onArticle);
  db.exec('BEGIN IMMEDIATE');
  db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
  const steps = MIGRATIONS.slice(schemaVersion(db)); // read inside the transaction: another process may have migrated first
  if (steps.length > 0) db.exec(`${steps.join(';')}; PRAGMA user_version = ${MIGRATIONS.length}`);
  if (steps.length === MIGRATIONS.length)
    db.exec(`INSERT INTO setting SELECT name, value, row_checksum(name, value)
      FROM (SELECT '${READERS}' AS name, '${NO_READERS}' AS value)`);
  db.exec('COMMIT');
}

/** The error of a store with another schema. */
export function versionError(file: string, version: number): PublisherError {
  const message = `The store ${file} has schema ${version}, but this program needs schema ${MIGRATIONS.length}.`;
  return version < MIGRATIONS.length
    ? new PublisherError('store_outdated', message, {
        hint: 'Run the command migrate: it makes a copy of the store first.',
      })
    : new PublisherError('store_too_new', message, {
        hint: 'Run a version of this program that is at least as new as the one that wrote the store.',
      });
}

/** The setting that records whether the store may have served a reader. A new store has `NO_READERS`. */
export const READERS = 'readers';
export const NO_READERS = 'none';

const SQLITE_NOTADB = 26;
export const SQLITE_CANTOPEN = 14;
export const SQLITE_FULL = 13;
const SQLITE_CORRUPT = 11;
const SQLITE_IOERR = 10;
const SQLITE_READONLY = 8;
export const SQLITE_BUSY = 5;

const AS_THE_SERVICE = 'run the program as the user of the service';

const OPEN_ADVICE: ReadonlyMap<number, string> = new Map([
  [SQLITE_CANTOPEN, `A folder has this name, or this user may not read and write the file: ${AS_THE_SERVICE}`],
  [SQLITE_READONLY, `This user may not write to the file or its folder: ${AS_THE_SERVICE}`],
  [SQLITE_BUSY, `Another process has used it alone for ${BUSY_TIMEOUT / 1000} s: wait until that process is done`],
  [SQLITE_FULL, 'The disk is full: make room'],
  [SQLITE_IOERR, 'The disk is full or reports errors: make room, and check the disk'],
]);

/** What an operator can do about a file that SQLite cannot use; undefined for other errors. */
export function openAdvice(error: unknown): string | undefined {
  return OPEN_ADVICE.get(resultCode(error) ?? -1);
}

/** SQLite's primary result code; undefined for an error that does not come from SQLite. */
export function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

/** A read that ended before the end of a page: the file was cut. */
const SQLITE_IOERR_SHORT_READ = 522;
/** The file system says that the file is damaged. */
const SQLITE_IOERR_CORRUPTFS = 8458;
/** A row that is unique by an index or a key is there already: the store looked for it before, so that an index is wrong. */
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555;
const SQLITE_CONSTRAINT_UNIQUE = 2067;
const SQLITE_ERROR = 1;

const DAMAGE_CODES: ReadonlySet<number> = new Set([
  SQLITE_IOERR_SHORT_READ,
  SQLITE_IOERR_CORRUPTFS,
  SQLITE_CONSTRAINT_PRIMARYKEY,
  SQLITE_CONSTRAINT_UNIQUE,
]);

/** A table, a column or an index of the schema is missing or cannot be read. */
const DAMAGED_SCHEMA =
  /^(no such (table|column|index|collation)|unknown function|malformed|table .* has (no|\d+) column)/;

/** Whether an error means that the file of the store has something that SQLite or this program did not write. */
function isDamage(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const code = resultCode(error);
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) return true;
  if (code === SQLITE_ERROR) return DAMAGED_SCHEMA.test(error.message);
  if (code !== undefined && 'errcode' in error) return DAMAGE_CODES.has(Number(error.errcode));
  // node:sqlite reads no integer that JavaScript does not have, and this program writes none. It writes valid JSON.
  return ('code' in error && error.code === 'ERR_OUT_OF_RANGE') || error instanceof SyntaxError;
}

/** Turns an error of SQLite into a PublisherError. Other errors stay as they are. */
export function storeError(error: unknown): unknown {
  if (isDamage(error)) return damaged(`SQLite reports “${error.message}”`, error);
  const code = resultCode(error);
  if (code === undefined || !(error instanceof Error)) return error;
  if (code === SQLITE_FULL) {
    return new PublisherError('insufficient_storage', 'The disk is full: no part of the change was kept.', {
      hint: 'Free some space on the disk and send the change again.',
      cause: error,
    });
  }
  if (code === SQLITE_IOERR || code === SQLITE_READONLY || code === SQLITE_BUSY || code === SQLITE_CANTOPEN) {
    return new PublisherError('store_unavailable', 'The store cannot be used: no part of a change was kept.', {
      hint: `${OPEN_ADVICE.get(code)} (${error.message}).`,
      cause: error,
    });
  }
  return error;
}

/**
 * Wraps a function that opens a store of the right schema: whatever SQLite has against a statement then comes from a schema
 * that is damaged.
 */
export function withSchemaErrors<Arguments extends unknown[], Result>(
  open: (...given: Arguments) => Result,
): (...given: Arguments) => Result {
  return (...given) => {
    try {
      return open(...given);
    } catch (error) {
      throw resultCode(error) === SQLITE_ERROR ? damaged(`SQLite reports “${(error as Error).message}”`, error) : error;
    }
  };
}

/**
 * Wraps a function so that it throws, or rejects with, the result of `storeError`.
 *
 * @param note takes each of these errors first
 */
export function withStoreErrors<Arguments extends unknown[], Result>(
  work: (...given: Arguments) => Result,
  note: (error: unknown) => void = () => {},
): (...given: Arguments) => Result {
  const fail = (error: unknown): never => {
    const known = storeError(error);
    note(known);
    throw known;
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
