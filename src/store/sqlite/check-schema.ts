import type { DatabaseSync } from 'node:sqlite';
import { createEmpty } from './database.ts';

const DEFINITIONS = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'";

/** Checks that tables and indexes are defined as in a new store. */
export function checkSchema(db: DatabaseSync, report: (name: string, problem: string) => void): void {
  const found = definitionsIn(db);
  for (const [name, sql] of storeDefinitions()) {
    if (!found.has(name)) report(name, 'it is missing');
    else if (found.get(name) !== sql) report(name, 'it is defined in another way');
  }
}

/** The SQL of each table and index of this version's schema. */
export function storeDefinitions(): ReadonlyMap<string, string> {
  const empty = createEmpty(':memory:');
  try {
    return definitionsIn(empty);
  } finally {
    empty.close();
  }
}

function definitionsIn(db: DatabaseSync): ReadonlyMap<string, string> {
  return new Map(
    db
      .prepare(DEFINITIONS)
      .all()
      .map(({ name, sql }) => [String(name), String(sql)]),
  );
}
