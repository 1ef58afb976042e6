import type { DatabaseSync } from 'node:sqlite';
import { jsonOf, matchesChecksum } from './check-rows.ts';
import { FORMER_COLUMNS } from './former-rows.ts';
import { type AnyRow, ifReadable, rowsByName } from './readable-rows.ts';
import type { CopyRow } from './salvage-tables.ts';

/** Reads the rows of articles that have left feeds. A store of an earlier version has no such table. */
function formerRows(db: DatabaseSync, onDamage: (reason: string) => void): Iterable<AnyRow> {
  return rowsByName(db, { table: 'former_member', key: 'article', columns: '*' }, onDamage);
}

function isWholeFormer(row: AnyRow): boolean {
  return Array.isArray(jsonOf(row.stays)) && matchesChecksum(row, FORMER_COLUMNS);
}

function exists(db: DatabaseSync): (row: AnyRow) => boolean {
  const article = db.prepare('SELECT revision FROM article WHERE number = ?');
  const feed = db.prepare('SELECT number FROM feed WHERE number = ?');
  const has = (statement: typeof feed, number: unknown) =>
    ifReadable(() => statement.get(Number(number))) !== undefined;
  return (row) => has(article, row.article) && has(feed, row.feed);
}

/** Reports each row that is damaged, or is of an article or a feed that is not there. */
export function checkFormer(db: DatabaseSync, report: (problem: string) => void): void {
  const isKnown = ifReadable(() => exists(db));
  for (const row of formerRows(db, (reason) => report(`rows cannot be read: ${reason}`))) {
    const name = `what the feed number ${row.feed} had of the article number ${row.article}`;
    if (!isWholeFormer(row)) report(`${name} is damaged`);
    else if (isKnown?.(row) === false) report(`${name} is of an article or a feed that is missing`);
  }
}

/** Copies what is whole into a store that has its articles and feeds. */
export function copyFormer(
  { from, to }: { readonly from: DatabaseSync; readonly to: DatabaseSync },
  copy: CopyRow,
  onLost: (row: string) => void,
): void {
  const isKnown = exists(to);
  for (const row of formerRows(from, (reason) => onLost(`former_member: rows cannot be read (${reason})`))) {
    if (isWholeFormer(row) && isKnown(row)) copy('former_member', FORMER_COLUMNS, row);
    else onLost(`former_member: the article number ${row.article} in the feed number ${row.feed}`);
  }
}
