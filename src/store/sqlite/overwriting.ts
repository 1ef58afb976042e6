import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { systemReason } from '../../lib/system-reason.ts';
import { ERASED } from '../store.ts';
import { BUSY_TIMEOUT, resultCode, SQLITE_BUSY } from './database.ts';
import type { RewriteReply } from './rewrite-thread.ts';
import type { Settings } from './settings.ts';
import { withoutWait, withWriteLock } from './write-lock.ts';

/** Milliseconds between attempts to empty the log. */
const RETRY = 20;

export type Overwriting = ReturnType<typeof createOverwriting>;

/**
 * Removes what the files of a store still have of erased articles.
 *
 * `secure_delete` is not enough: where SQLite moves rows between pages, copies of them stay in the free part of a page, and
 * a store of an earlier version did not overwrite what it removed. Therefore the whole file is written anew (VACUUM). The
 * log of changes (WAL) is emptied afterwards: it has the pages as they were.
 *
 * @param patience milliseconds to wait for other processes that read
 */
export function createOverwriting(db: DatabaseSync, file: string, settings: Settings, patience = BUSY_TIMEOUT) {
  let running: Promise<string | undefined> | undefined;
  let rewriting: Promise<RewriteReply> | undefined;
  /** The erasure up to which the file is rewritten. */
  let rewritten: string | undefined;

  async function overwrite(): Promise<string | undefined> {
    const revision = settings.get(ERASED);
    if (revision === undefined) return undefined;
    if (revision !== rewritten) rewriting = rewrite(db, file).catch(systemReason); // no room for another thread
    const failure = await rewriting;
    rewriting = undefined;
    if (failure === undefined) rewritten = revision;
    if (failure !== undefined) return `the file of the store cannot be rewritten (${failure})`;
    try {
      if (!(await emptyLog(db, patience)))
        return 'another process reads the store without a pause, so that its log cannot be emptied';
      await withWriteLock(db, noRewriting, () => removeSetting(revision));
      return undefined;
    } catch (error) {
      return `its log cannot be emptied (${systemReason(error)})`; // the articles are erased: this is no failure of that
    }
  }

  /** Unless another article was erased meanwhile. */
  function removeSetting(revision: string): void {
    try {
      settings.removeValue(ERASED, revision);
      db.exec('COMMIT');
    } finally {
      if (db.isTransaction) db.exec('ROLLBACK');
    }
  }

  return {
    /** One run serves all erasures before it. */
    async overwriteErased(): Promise<string | undefined> {
      await running?.catch(() => {}); // it may have begun before the last erasure
      running ??= overwrite().finally(() => {
        running = undefined;
      });
      return await running;
    },
    /** The rewriting of the file, in which nothing can be written; undefined where there is none. */
    rewriting: () => rewriting,
    close: async (): Promise<void> => {
      await running?.catch(() => {});
    },
  };
}

function noRewriting(): undefined {}

/** In a thread: the event loop goes on meanwhile. Returns the reason of a failure. */
function rewrite(db: DatabaseSync, file: string): Promise<RewriteReply> {
  if (file === ':memory:') {
    db.exec('VACUUM');
    return Promise.resolve(undefined);
  }
  return new Promise((done) => {
    const thread = new Worker(join(import.meta.dirname, 'rewrite-thread.ts'), { workerData: file });
    let reply: RewriteReply = 'its thread failed';
    thread.once('message', (message: RewriteReply) => {
      reply = message;
    });
    thread.once('error', (error) => {
      reply = String(error);
    });
    thread.once('exit', () => done(reply));
  });
}

/** Moves all changes from the log into the file, and empties the log. Returns whether it succeeded in time. */
async function emptyLog(db: DatabaseSync, patience: number): Promise<boolean> {
  const end = performance.now() + patience;
  while (!tryToEmptyLog(db)) {
    if (performance.now() > end) return false;
    await sleep(RETRY);
  }
  return true;
}

/** Without a wait for readers in SQLite, which would block the event loop. */
function tryToEmptyLog(db: DatabaseSync): boolean {
  try {
    return withoutWait(db, () => Number(db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy) === 0);
  } catch (error) {
    if (resultCode(error) === SQLITE_BUSY) return false;
    throw error;
  }
}
