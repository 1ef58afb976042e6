import { DatabaseSync } from 'node:sqlite';
import { defineMigrationFunctions } from '../../src/store/sqlite/database.ts';
import { SEAL } from '../../src/store/sqlite/migrations.ts';

/** Writes into a store what the program itself would not write, with checksums that match. */
export function writeSealed(file: string, sql: string): void {
  const db = new DatabaseSync(file);
  defineMigrationFunctions(db);
  db.exec(`BEGIN; ${sql}; ${SEAL} COMMIT`);
  db.close();
}
