import type { DatabaseSync } from 'node:sqlite';

export type Reading = ReturnType<typeof createReading>;

/**
 * Returns a function that runs work in a transaction: what it reads is of one moment, also where another process writes
 * meanwhile. Otherwise rows and their checksums may not match although nothing is damaged.
 */
export function createReading(db: DatabaseSync): <Result>(work: () => Result) => Result {
  const begin = db.prepare('BEGIN');
  const commit = db.prepare('COMMIT');
  return (work) => {
    if (db.isTransaction) return work();
    begin.run();
    try {
      return work();
    } finally {
      if (db.isTransaction) commit.run();
    }
  };
}
