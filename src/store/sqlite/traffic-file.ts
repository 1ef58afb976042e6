import { mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { FeedKey } from '../../feed/feeds.ts';
import {
  FEED_WIDTH,
  HOURS_KEPT,
  type HourCounts,
  MAX_DECLARATIONS,
  MAX_FEEDS,
  OTHER_FEEDS,
  TOTALS_WIDTH,
  type TrafficStore,
} from '../traffic-store.ts';
import { IN_MEMORY, resultCode, SQLITE_BUSY, SQLITE_CANTOPEN, SQLITE_FULL } from './database.ts';

/** Changes with the tables, and with the places of the numbers: another version begins anew. */
const VERSION = 1;

const SCHEMA = `
  CREATE TABLE total (hour INTEGER PRIMARY KEY, numbers BLOB NOT NULL) STRICT;
  CREATE TABLE feed (hour INTEGER, feed TEXT, numbers BLOB NOT NULL, PRIMARY KEY (hour, feed)) STRICT, WITHOUT ROWID;
  CREATE TABLE subscribers (
    hour INTEGER, feed TEXT, service TEXT, number INTEGER NOT NULL, PRIMARY KEY (hour, feed, service)
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${VERSION};`;

/**
 * The file of the traffic, which all processes of a service share. It is opened when there is something to write or to read.
 * A file that is damaged or of another version is replaced. Where it cannot be written, this process keeps its counts in memory.
 *
 * @param onLoss called with the reason when counts are lost for one of these reasons
 */
export function openTrafficFile(file: string, onLoss: (reason: string) => void): TrafficStore {
  let opened: OpenFile | undefined;
  let path = file;

  function open(): OpenFile {
    if (opened !== undefined && !isReplaced(path, opened)) return opened;
    opened?.db.close(); // another process has replaced it
    opened = undefined;
    opened = openOrReplace();
    return opened;
  }

  function openOrReplace(): OpenFile {
    try {
      return openFile(path);
    } catch (error) {
      if (mayWorkLater(error)) throw error;
      return replace(error);
    }
  }

  function replace(error: unknown): OpenFile {
    onLoss(reasonOf(error));
    try {
      if (resultCode(error) === SQLITE_CANTOPEN) throw error; // a folder, or there are no more descriptors
      for (const ending of ['', '-wal', '-shm']) rmSync(path + ending, { force: true });
      return openFile(path);
    } catch {
      path = IN_MEMORY;
      return openFile(path);
    }
  }

  /** Runs work with the open file, and once more with a new one where it is broken. */
  function withFile<Result>(work: (file: OpenFile) => Result): Result {
    const current = open();
    try {
      return work(current);
    } catch (error) {
      if (mayWorkLater(error)) throw error;
      opened = undefined;
      closeQuietly(current);
      opened = replace(error);
      return work(opened);
    }
  }

  return {
    add(hours, currentHour) {
      try {
        withFile((current) => current.add(hours, currentHour));
        return 'added';
      } catch (error) {
        if (!mayWorkLater(error)) throw error;
        return resultCode(error) === SQLITE_FULL ? 'full' : 'busy';
      }
    },
    read(hour) {
      if (opened === undefined && inodeOf(file) === undefined) return undefined;
      try {
        return withFile((current) => current.read(hour));
      } catch (error) {
        if (mayWorkLater(error)) return undefined;
        throw error;
      }
    },
    close() {
      if (opened !== undefined) closeQuietly(opened);
      opened = undefined;
    },
  };
}

/** Whether another process writes just now, or the disk is full. */
function mayWorkLater(error: unknown): boolean {
  const code = resultCode(error);
  return code === SQLITE_BUSY || code === SQLITE_FULL;
}

function closeQuietly({ db }: OpenFile): void {
  try {
    db.close();
  } catch {
    // Its file is gone.
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether another file has replaced the one that is open. */
function isReplaced(path: string, { inode }: OpenFile): boolean {
  return path !== IN_MEMORY && inodeOf(path) !== inode;
}

function inodeOf(path: string): number | undefined {
  try {
    return path === IN_MEMORY ? undefined : statSync(path, { throwIfNoEntry: false })?.ino;
  } catch {
    return undefined; // this user may not look into the folder any more
  }
}

type OpenFile = ReturnType<typeof openFile>;

function openFile(path: string) {
  if (path !== IN_MEMORY) mkdirSync(dirname(path), { recursive: true });
  const db = new DatabaseSync(path, { timeout: 0 }); // the event loop never waits for another process
  try {
    // The figures may be lost with the power, so that no answer waits for the disk.
    db.exec('PRAGMA synchronous = OFF; PRAGMA journal_mode = WAL');
    checkTables(db);
    return { db, inode: inodeOf(path), ...createQueries(db) };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Creates the tables of a new file. @throws Error where the file is damaged or of another version */
function checkTables(db: DatabaseSync): void {
  const [check] = db.prepare('PRAGMA quick_check(1)').all();
  if (check?.quick_check !== 'ok') throw new Error(String(check?.quick_check));
  if (versionOf(db) === 0) {
    db.exec('BEGIN IMMEDIATE');
    if (versionOf(db) === 0) db.exec(SCHEMA); // else another process has been faster
    db.exec('COMMIT');
  }
  const version = versionOf(db);
  if (version !== VERSION) throw new Error(`it is of version ${version}, and this program writes version ${VERSION}`);
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version);
}

function createQueries(db: DatabaseSync) {
  const total = db.prepare('SELECT numbers FROM total WHERE hour = ?');
  const saveTotal = db.prepare('INSERT OR REPLACE INTO total (hour, numbers) VALUES (?, ?)');
  const feeds = db.prepare('SELECT feed, numbers FROM feed WHERE hour = ?');
  const feed = db.prepare('SELECT numbers FROM feed WHERE hour = ? AND feed = ?');
  const countFeeds = db.prepare('SELECT count(*) AS count FROM feed WHERE hour = ? AND feed <> ?');
  const saveFeed = db.prepare('INSERT OR REPLACE INTO feed (hour, feed, numbers) VALUES (?, ?, ?)');
  const subscribers = db.prepare('SELECT feed, service, number FROM subscribers WHERE hour = ?');
  const countDeclared = db.prepare('SELECT count(*) AS count FROM subscribers WHERE hour = ?');
  const raise = db.prepare(
    'UPDATE subscribers SET number = max(number, ?) WHERE hour = ? AND feed = ? AND service = ?',
  );
  const declare = db.prepare('INSERT INTO subscribers (number, hour, feed, service) VALUES (?, ?, ?, ?)');
  const removals = ['total', 'feed', 'subscribers'].map((table) =>
    db.prepare(`DELETE FROM ${table} WHERE hour <= ? OR hour > ?`),
  );

  function addFeeds({ hour, feeds: counted }: HourCounts): void {
    let count = Number(countFeeds.get(hour, OTHER_FEEDS)?.count);
    for (const [key, numbers] of counted) {
      const known = feed.get(hour, key);
      const isApart = known !== undefined || key === OTHER_FEEDS || count < MAX_FEEDS;
      if (known === undefined && isApart && key !== OTHER_FEEDS) count += 1;
      if (isApart) saveFeed.run(hour, key, bytesOf(sum(known?.numbers, numbers)));
      else saveFeed.run(hour, OTHER_FEEDS, bytesOf(sum(feed.get(hour, OTHER_FEEDS)?.numbers, numbers)));
    }
  }

  function addSubscribers({ hour, subscribers: declared }: HourCounts): void {
    let count = Number(countDeclared.get(hour)?.count);
    for (const [key, services] of declared) {
      for (const [service, number] of services) {
        if (raise.run(number, hour, key, service).changes > 0 || count >= MAX_DECLARATIONS) continue;
        declare.run(number, hour, key, service);
        count += 1;
      }
    }
  }

  return {
    add(hours: readonly HourCounts[], currentHour: number): void {
      db.exec('BEGIN IMMEDIATE');
      try {
        for (const counts of hours) {
          saveTotal.run(counts.hour, bytesOf(sum(total.get(counts.hour)?.numbers, counts.totals)));
          addFeeds(counts);
          addSubscribers(counts);
        }
        // The clock of another process may be in the next hour already.
        for (const removal of removals) removal.run(currentHour - HOURS_KEPT, currentHour + 1);
        db.exec('COMMIT');
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK');
        throw error;
      }
    },
    read(hour: number): HourCounts | undefined {
      const totals = numbersIn(total.get(hour)?.numbers, TOTALS_WIDTH);
      if (totals === undefined) return undefined;
      const counted = new Map<FeedKey, Float64Array>();
      for (const row of feeds.iterate(hour)) {
        const numbers = numbersIn(row.numbers, FEED_WIDTH);
        if (numbers !== undefined) counted.set(String(row.feed), numbers);
      }
      const declared = new Map<FeedKey, Map<string, number>>();
      for (const row of subscribers.iterate(hour)) {
        const services = declared.get(String(row.feed)) ?? new Map<string, number>();
        declared.set(String(row.feed), services.set(String(row.service), Number(row.number)));
      }
      return { hour, totals, feeds: counted, subscribers: declared };
    },
  };
}

function bytesOf(numbers: Float64Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/** The numbers of a row; undefined where there are none, or where they cannot be. */
function numbersIn(bytes: unknown, width: number): Float64Array | undefined {
  if (!(bytes instanceof Uint8Array) || bytes.length !== width * Float64Array.BYTES_PER_ELEMENT) return undefined;
  const numbers = new Float64Array(bytes.slice().buffer);
  return numbers.every((number) => Number.isSafeInteger(number) && number >= 0) ? numbers : undefined;
}

function sum(bytes: unknown, numbers: Float64Array): Float64Array {
  const known = numbersIn(bytes, numbers.length);
  return known === undefined ? numbers : numbers.map((number, index) => number + (known[index] ?? 0));
}
