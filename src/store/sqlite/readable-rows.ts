import type { DatabaseSync } from 'node:sqlite';
import { resultCode } from './database.ts';

/** A row as SQLite returns it. In a damaged file, every column may have any value. */
export type AnyRow = Readonly<Record<string, unknown>>;

const SQLITE_ERROR = 1;
const SQLITE_NOMEM = 7;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_TOOBIG = 18;
const SQLITE_NOTADB = 26;

/**
 * What SQLite reports of damaged pages, of pages that the disk cannot read, and of tables that are missing in a damaged
 * schema. A length that is wrong takes too much memory.
 */
const DAMAGE: readonly (number | undefined)[] = [
  SQLITE_ERROR,
  SQLITE_NOMEM,
  SQLITE_IOERR,
  SQLITE_CORRUPT,
  SQLITE_TOOBIG,
  SQLITE_NOTADB,
];

/** Whether an error says that what was to be read is damaged. A damaged number can be too large for JavaScript. */
export function isDamage(error: unknown): boolean {
  return DAMAGE.includes(resultCode(error)) || error instanceof RangeError;
}

/** Runs a query of a file that may be damaged. Returns undefined for what cannot be read. */
export function ifReadable<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

/** The keys of rows that cannot be read, or that are not there: from the first to the last. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** Keys of one gap that are tried one by one. No page has as many rows; a damaged number can claim any more. */
const MAX_SINGLE_TRIES = 100_000;

interface NumberedTable {
  readonly table: string;
  /** The column of the rowid. */
  readonly key: string;
  readonly columns: string;
  /** No row has a higher key. Only where rows cannot be read, each key up to it is tried. */
  readonly last: number;
}

/** Reads the rows of a table in the order of their rowids, and goes on after each row that cannot be read. */
export function* rowsByNumber(
  db: DatabaseSync,
  { table, key, columns, last }: NumberedTable,
  onGap: (gap: Gap) => void = () => {},
): Generator<AnyRow> {
  const next = ifReadable(() =>
    db.prepare(`SELECT ${columns} FROM ${table} NOT INDEXED WHERE ${key} > ? ORDER BY ${key} LIMIT 1`),
  );
  let after = 0;
  let gap: Gap | undefined;
  let tries = 0;
  while (next !== undefined) {
    try {
      const row = next.get(after);
      const number = row === undefined ? Number.POSITIVE_INFINITY : Number(row[key]);
      if (!(number > after)) throw new RangeError('keys are not in their order'); // of damage, so that no loop is endless
      if (gap !== undefined) onGap({ ...gap, to: Math.min(number - 1, Math.max(last, gap.from)) });
      gap = undefined;
      tries = 0;
      if (row === undefined) return;
      yield row;
      after = number;
    } catch (error) {
      if (!isDamage(error)) throw error;
      tries += 1;
      gap ??= { from: after + 1, to: after + 1, reason: (error as Error).message };
      after += tries < MAX_SINGLE_TRIES ? 1 : after;
      if (after < last) continue;
      onGap({ ...gap, to: Math.max(gap.from, Math.min(after, last)) });
      return;
    }
  }
}

interface NamedTable {
  readonly table: string;
  /** The column of the primary key, a text. */
  readonly key: string;
  readonly columns: string;
}

/** Reads the rows of a table by its text key, from both ends as far as they can be read. A table may be missing. */
export function* rowsByName(
  db: DatabaseSync,
  { table, key, columns }: NamedTable,
  onDamage: (reason: string) => void = () => {},
): Generator<AnyRow> {
  let highest: unknown;
  let count = 0;
  try {
    for (const row of db.prepare(`SELECT ${columns} FROM ${table} ORDER BY ${key}`).iterate()) {
      yield row;
      highest = row[key];
      count += 1;
    }
    return;
  } catch (error) {
    if (!isDamage(error)) throw error;
    if (resultCode(error) === SQLITE_ERROR) return; // an early schema
    onDamage((error as Error).message);
  }
  const fromEnd = count === 0 ? '' : `WHERE ${key} > :highest`;
  try {
    const rows = db.prepare(`SELECT ${columns} FROM ${table} ${fromEnd} ORDER BY ${key} DESC`);
    for (const row of count === 0 ? rows.iterate() : rows.iterate({ highest: String(highest) })) yield row;
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
}

/**
 * The highest key that a table can have. In a damaged file, its own tree, each index and the numbers that were given say
 * different things: the largest counts.
 */
export function highestKey(db: DatabaseSync, table: string, key: string): number {
  const indexes = ifReadable(() => db.prepare('SELECT name FROM pragma_index_list(?) WHERE partial = 0').all(table));
  const queries = [
    `SELECT max(${key}) AS highest FROM ${table} NOT INDEXED`,
    `SELECT max(seq) AS highest FROM sqlite_sequence WHERE name = '${table}'`,
    ...(indexes ?? []).map(({ name }) => `SELECT max(${key}) AS highest FROM ${table} INDEXED BY "${name}"`),
  ];
  const found = queries.map((sql) => Number(ifReadable(() => db.prepare(sql).get())?.highest ?? 0));
  return Math.max(0, ...found.filter(Number.isSafeInteger));
}
