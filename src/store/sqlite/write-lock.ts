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
  const end = performance.now() + BUSY_TIMEOUT;
  for (;;) {
    for (let current = rewriting(); current !== undefined; current = rewriting()) await current;
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

/** Runs work that throws at once where SQLite would wait for another connection. */
export function withoutWait<Result>(db: DatabaseSync, work: () => Result): Result {
  db.exec('PRAGMA busy_timeout = 0');
  try {
    return work();
  } finally {
    db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}`);
  }
}
