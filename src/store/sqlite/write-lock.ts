import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { BUSY_RETRY, BUSY_TIMEOUT, resultCode, SQLITE_BUSY } from './database.ts';

/**
 * Begins a transaction that writes, and runs the work in the same turn of the event loop. It waits for other processes that
 * write, up to `BUSY_TIMEOUT`, without a block of the event loop.
 *
 * @param rewriting the rewriting of the file by this process, which may take minutes; undefined where there is none
 * @param work must end the transaction
 */
export async function withWriteLock<Result>(
  db: DatabaseSync,
  rewriting: () => Promise<unknown> | undefined,
  work: () => Result,
): Promise<Result> {
  let end = performance.now() + BUSY_TIMEOUT;
  for (;;) {
    for (let current = rewriting(); current !== undefined; current = rewriting()) {
      await current;
      end = performance.now() + BUSY_TIMEOUT; // other processes that waited as well may write first
    }
    try {
      withoutWait(db, () => db.exec('BEGIN IMMEDIATE'));
    } catch (error) {
      if (resultCode(error) !== SQLITE_BUSY || performance.now() > end) throw error;
      await sleep(BUSY_RETRY);
      continue;
    }
    return work();
  }
}

/** Returns a function that runs writes one after the other, in the order of its calls, also where they wait for the lock. */
export function createTurns(): <Result>(write: () => Promise<Result>) => Promise<Result> {
  let last: Promise<void> | undefined;
  return (write) => {
    const result = last === undefined ? write() : last.then(write);
    const done = result.then(
      () => {},
      () => {},
    );
    last = done;
    void done.then(() => {
      if (last === done) last = undefined;
    });
    return result;
  };
}

/** Runs work that throws at once where SQLite would wait for another connection. */
export function withoutWait<Result>(db: DatabaseSync, work: () => Result): Result {
  db.exec('PRAGMA busy_timeout = 0');
  try {
    return work();
  } finally {
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`);
  }
}
