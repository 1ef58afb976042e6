import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createCheckpoints, openCheckpoints } from '../../../src/store/sqlite/checkpoints.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import { ERASED } from '../../../src/store/store.ts';
import { dataFolder } from '../../helpers.ts';

const attempts = vi.hoisted(() => ({ count: 0 }));

// As Node does where the system has no room for another thread.
vi.mock('node:worker_threads', async (original) => ({
  ...(await original<typeof import('node:worker_threads')>()),
  Worker: class {
    constructor() {
      attempts.count += 1;
      throw new Error('Worker initialization failure: EAGAIN');
    }
  },
}));

/** A database with 9 MB in its log. */
async function databaseWithLog() {
  const file = join(await dataFolder(), 'store.sqlite');
  const db = new DatabaseSync(file);
  onTestFinished(() => db.close());
  db.exec('PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0');
  db.exec('CREATE TABLE blob (value BLOB); INSERT INTO blob VALUES (zeroblob(9000000))');
  return { db, file };
}

test('a change that is on disk does not fail because the thread for its checkpoint cannot start', async () => {
  const { db, file } = await databaseWithLog();
  const checkpoints = createCheckpoints(db, file);
  for (let commit = 0; commit < 3; commit += 1) checkpoints.afterCommit();
  expect(attempts.count).toBe(1);
  await checkpoints.close();
});

test('an import goes on without its thread', async () => {
  const { file } = await databaseWithLog();
  const checkpoints = openCheckpoints(file);
  checkpoints.afterCommit();
  await checkpoints.close();
});

test('an erasure says why the file could not be rewritten, and does not fail', async () => {
  const store = openSqliteStore(join(await dataFolder(), 'store.sqlite'));
  await store.saveSetting(ERASED, '1');
  expect(await store.overwriteErased()).toContain('EAGAIN');
  expect(await store.overwriteErased()).toContain('EAGAIN');
  await store.close();
});
