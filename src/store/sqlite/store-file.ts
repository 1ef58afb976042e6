import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { PublisherError } from '../../errors.ts';

/** `FPub`, at offset 68 of the file (SQLite's file format §1.3.17). Stores of early versions have 0. */
export const APPLICATION_ID = 0x46507562;

const MAGIC = 'SQLite format 3\0';
const HEADER = 100;

/** Milliseconds between looks at a file that another process may be writing just now. */
const LOOK_AGAIN = 20;
const LOOKS = 3;

/** Milliseconds after which the file of a creation is left over from a process that was killed. */
const LEFT_OVER = 60_000;

/**
 * Whether the file of a store exists. It may be damaged.
 *
 * @throws PublisherError `store_unavailable` where opening it would begin an empty newsroom: the file is empty, or missing
 * although its log or its link exists. And where it cannot be a store: it is a folder, a text, or cut off
 */
export function storeExists(file: string): boolean {
  const path = realPath(file);
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) {
    if (sizeOf(`${path}-wal`) > 0) throw withoutStore(file, `${path}-wal`);
    return false;
  }
  if (status.isDirectory())
    throw refused(file, 'is a folder, not a file.', 'Move it away, and put a backup in its place.');
  if (!status.isFile()) throw refused(file, 'is no regular file.', 'Move it away, and put a backup in its place.');
  if (status.size === 0) throw empty(file);
  checkHeader(file, path, status.size);
  return true;
}

/**
 * The schema of an existing store. Reads it without a change to any file.
 *
 * @throws PublisherError `store_unavailable` for the database of another program; an error of SQLite
 */
export function schemaOf(file: string): number {
  for (let look = 1; ; look += 1) {
    const db = openUnchanged(realPath(file));
    try {
      return schemaIn(db, file);
    } catch (error) {
      // Without a lock, the file may have been read while another process moved its log into it.
      if (!(error instanceof PublisherError) || look >= LOOKS) throw error;
    } finally {
      db.close();
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_AGAIN);
  }
}

/** The schema of an open store. See `schemaOf`. */
export function schemaIn(db: DatabaseSync, file: string): number {
  const numberOf = (pragma: string) => Number(Object.values(db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
  const applicationId = numberOf('application_id');
  if (applicationId === APPLICATION_ID || (applicationId === 0 && hasTables(db))) return numberOf('user_version');
  throw foreign(file);
}

/** Tables that every schema of a store has, and columns of its articles. */
const TABLES = ['article', 'feed', 'entry', 'revision', 'setting'];
const COLUMNS = ['number', 'id', 'public_id', 'revision', 'article', 'record'];

function hasTables(db: DatabaseSync): boolean {
  const namesIn = (sql: string) =>
    new Set(
      db
        .prepare(sql)
        .all()
        .map(({ name }) => name),
    );
  const tables = namesIn("SELECT name FROM sqlite_schema WHERE type = 'table'");
  const columns = namesIn("SELECT name FROM pragma_table_info('article')");
  return TABLES.every((name) => tables.has(name)) && COLUMNS.every((name) => columns.has(name));
}

/**
 * Opens a database to read it, and changes no file. One with a log can only be read with an index of the log beside it,
 * which SQLite makes; without a log, SQLite need not even look for one.
 */
export function openUnchanged(path: string): DatabaseSync {
  return new DatabaseSync(sizeOf(`${path}-wal`) > 0 ? path : databaseUrl(path, 'immutable=1'), { readOnly: true });
}

/** The name of an existing database for SQLite, with parameters (https://www.sqlite.org/uri.html). */
export function databaseUrl(path: string, parameters: string): URL {
  const url = pathToFileURL(path);
  url.search = parameters;
  return url;
}

/**
 * Creates a store that is missing: under another name first, so that no other process and no later start finds a part of it.
 * Where another process creates it at the same time, the first one wins.
 *
 * @param make makes the whole store in that file
 */
export function createWhole(file: string, make: (part: string) => void): void {
  const part = `${file}.new-${crypto.randomUUID().slice(0, 8)}`;
  try {
    make(part);
    nameOnce(part, file);
  } finally {
    rmSync(part, { force: true });
    for (const log of [`${part}-wal`, `${part}-shm`]) rmSync(log, { force: true });
  }
  syncFolder(dirname(file));
  removeLeftOvers(file);
}

/** Unlike a rename, a link fails where the name exists: another process may have put its first articles there. */
function nameOnce(part: string, file: string): void {
  try {
    linkSync(part, file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') return;
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(String(code))) throw error;
    // The file system has no links.
    if (statSync(file, { throwIfNoEntry: false }) === undefined) renameSync(part, file);
  }
}

function removeLeftOvers(file: string): void {
  const prefix = `${basename(file)}.new-`;
  for (const name of readdirSync(dirname(file))) {
    const path = join(dirname(file), name);
    const status = name.startsWith(prefix) ? statSync(path, { throwIfNoEntry: false }) : undefined;
    if (status !== undefined && Date.now() - status.mtimeMs > LEFT_OVER) rmSync(path, { force: true });
  }
}

/** Makes a new or a changed name in a folder last, on systems that can. */
export function syncFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // Windows opens no folder
  }
}

/** Puts what was written into a file on the disk. */
export function syncFile(file: string): void {
  const descriptor = openSync(file, 'r+');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

/** Gives a file the mode and the owner of another: root may write one that the user of the service must be able to open. */
export function giveToOwner(file: string, other: string): void {
  const { uid, gid, mode } = statSync(other);
  chmodSync(file, mode);
  const own = statSync(file);
  if (own.uid !== uid || own.gid !== gid) chownSync(file, uid, gid);
}

/** Bytes; 0 where there is no such file. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Where the file of a store is: the log of a database is beside the file itself, not beside a link to it. */
export function realPath(file: string): string {
  if (lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return file;
  try {
    return realpathSync.native(file);
  } catch {
    const hint = 'Mount the disk of the file, or correct the link.';
    throw refused(file, 'is a link to a file that is missing.', hint);
  }
}

/**
 * The bytes that the header of a file counts on, and the bytes that it has; undefined where none are missing. The log of a
 * store may have the last pages, so that this decides nothing about a file with a log that SQLite can read.
 */
export function missingEnd(path: string): { readonly size: number; readonly wanted: number } | undefined {
  const { size } = statSync(path);
  const header = readHeader(path);
  const pageSize = header.readUInt16BE(16);
  const wanted = (pageSize === 1 ? 65_536 : pageSize) * header.readUInt32BE(28);
  return size < wanted ? { size, wanted } : undefined;
}

/** SQLite reads nothing of a file that has lost its end, and calls it malformed: this says more. */
export function cutOff(path: string): string | undefined {
  const missing = missingEnd(path);
  return missing && `it is cut off: it has ${missing.size} of ${missing.wanted} bytes`;
}

/** The schema by the header of the file, without a look at its log. */
export function schemaInHeader(path: string): number {
  return readHeader(path).readUInt32BE(60);
}

function readHeader(path: string): Buffer {
  const header = Buffer.alloc(HEADER);
  const descriptor = openSync(path, 'r');
  try {
    readSync(descriptor, header, 0, HEADER, 0);
    return header;
  } finally {
    closeSync(descriptor);
  }
}

/** A log beside a store belongs to it: SQLite would write its changes into a backup, and damage that. */
export const RESTORE =
  'Move it and the files beside it that end in -wal and -shm away, then put a backup in its place.';

/** Only what is wrong with the whole file: SQLite finds other damage, and a store with other damage can be repaired. */
function checkHeader(file: string, path: string, size: number): void {
  const header = readHeader(path);
  const start = header.toString('latin1', 0, Math.min(size, MAGIC.length));
  if (!MAGIC.startsWith(start)) throw refused(file, 'is not an SQLite database.', RESTORE);
  const pageSize = header.readUInt16BE(16);
  if (size >= HEADER && size >= (pageSize === 1 ? 65_536 : pageSize)) return;
  throw refused(file, `is cut off in its first page: it has ${size} bytes.`, RESTORE);
}

function empty(file: string): PublisherError {
  const hint = `${RESTORE} To begin a new newsroom instead, put nothing there.`;
  return refused(file, 'is an empty file: it may have lost its articles.', hint);
}

function withoutStore(file: string, log: string): PublisherError {
  const hint = `If you have the store, put it back beside the log, which has its last changes. To restore a backup or to begin a new newsroom, move ${log} away first.`;
  return refused(file, `is missing, but its log ${log} is there.`, hint);
}

function foreign(file: string): PublisherError {
  const hint = 'Check --data. If the file is in the wrong place, move it away and put a backup in its place.';
  return refused(file, 'is a database of another program.', hint);
}

function refused(file: string, what: string, hint: string): PublisherError {
  return new PublisherError('store_unavailable', `The store ${file} ${what}`, { hint });
}
