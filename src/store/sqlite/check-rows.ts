import type { DatabaseSync } from 'node:sqlite';
import { isPartnerFeed } from '../../feed/dialects.ts';
import { DOCUMENT_SIZES, FEED_KINDS, SCOPES } from '../store.ts';
import { rowChecksum, type Value } from './checksums.ts';
import { type AnyRow, highestKey, ifReadable, rowsByName, rowsByNumber } from './readable-rows.ts';
import { createRest } from './rest.ts';

type Report = (problem: string) => void;

/**
 * Whether the columns of a row match its checksum.
 *
 * @param columns in the order in which the checksum takes them; an earlier schema lacks some
 */
export function matchesChecksum(row: AnyRow, columns: readonly string[]): boolean {
  const values = columns.map((column) => row[column] as Value | undefined).filter((value) => value !== undefined);
  return row.checksum === undefined || rowChecksum(values) === row.checksum;
}

export const KEY_COLUMNS = ['id', 'name', 'scope', 'hash', 'created', 'revoked', 'expires', 'partner'];
export const SETTING_COLUMNS = ['name', 'value'];
export const SOURCE_COLUMNS = ['id', 'path', 'signature', 'media'];
export const AUDIT_COLUMNS = ['revision', 'at', 'lowest', 'highest', 'actor', 'runs'];

const KEY_HASH_BYTES = 32;

export function isWholeSetting(row: AnyRow): boolean {
  return isText(row.name) && isText(row.value) && matchesChecksum(row, SETTING_COLUMNS);
}

export function isWholeKey(row: AnyRow): boolean {
  const { id, name, scope, hash, created, revoked, expires = null, partner = null } = row;
  return (
    isText(id) &&
    isText(name) &&
    SCOPES.some((known) => known === scope) &&
    hash instanceof Uint8Array &&
    hash.length === KEY_HASH_BYTES &&
    Number.isSafeInteger(created) &&
    [revoked, expires].every((moment) => moment === null || Number.isSafeInteger(moment)) &&
    (scope === 'partner' ? isText(partner) : partner === null) &&
    matchesChecksum(row, KEY_COLUMNS)
  );
}

export function isWholeSource(row: AnyRow): boolean {
  const { id, path, signature, media } = row;
  const hasTypes = isText(id) && (path === null || isText(path)) && isText(signature);
  return hasTypes && isListOfTexts(jsonOf(media)) && matchesChecksum(row, SOURCE_COLUMNS);
}

/** Whether a row of the audit is whole. Its runs have consecutive numbers of articles. */
export function isWholeAudit(row: AnyRow): boolean {
  const { revision, at, lowest, highest, actor, runs } = row;
  const hasTypes = [revision, at, lowest, highest].every(Number.isSafeInteger) && isActor(actor);
  return hasTypes && isListOfRuns(jsonOf(runs)) && matchesChecksum(row, AUDIT_COLUMNS);
}

function isActor(actor: unknown): boolean {
  return actor === null || isText(jsonOf(actor), 'kind');
}

function isListOfRuns(runs: unknown): boolean {
  return (
    Array.isArray(runs) &&
    runs.length > 0 &&
    runs.every((run: unknown) => {
      const { article, count, what } = Object(run) as AnyRow;
      return Number.isSafeInteger(article) && Number.isSafeInteger(count) && isText(what);
    })
  );
}

export function checkSettings(db: DatabaseSync, report: Report): void {
  const names = new Set<string>();
  for (const row of rowsByName(db, { table: 'setting', key: 'name', columns: '*' }, unreadable(report))) {
    if (!isWholeSetting(row)) report(`the setting “${row.name}” is damaged`);
    names.add(String(row.name));
  }
  if (!names.has(DOCUMENT_SIZES)) report(`the setting “${DOCUMENT_SIZES}” is missing`);
}

export function checkKeys(db: DatabaseSync, report: Report): void {
  for (const row of rowsByName(db, { table: 'key', key: 'id', columns: '*' }, unreadable(report))) {
    if (!isWholeKey(row)) report(`the key ${row.id} (“${row.name}”) is damaged`);
  }
}

export function checkSources(db: DatabaseSync, report: Report): void {
  for (const row of rowsByName(db, { table: 'source', key: 'id', columns: '*' }, unreadable(report))) {
    if (!isWholeSource(row)) report(`the file of the article “${row.id}” is damaged`);
  }
}

export async function checkAudit(db: DatabaseSync, report: Report): Promise<void> {
  const rest = createRest();
  for (const row of auditRows(db, report)) {
    if (!isWholeAudit(row)) report(`the change with the revision ${row.revision} is damaged`);
    await rest();
  }
}

/** The rows of the audit that can be read. */
export function auditRows(db: DatabaseSync, report: Report): Iterable<AnyRow> {
  const last = highestKey(db, 'audit', 'revision');
  return rowsByNumber(db, { table: 'audit', key: 'revision', columns: '*', last }, ({ from, to, reason }) =>
    report(`changes with revisions from ${from} to ${to} cannot be read: ${reason}`),
  );
}

/** The store has one row with its last revision, which no article may exceed. */
export function checkRevision(db: DatabaseSync, report: Report): void {
  const rows = ifReadable(() => db.prepare('SELECT last FROM revision').all());
  const last = rows?.length === 1 ? rows[0]?.last : undefined;
  const highest = ifReadable(() => db.prepare('SELECT max(revision) AS highest FROM article').get())?.highest ?? 0;
  if (!Number.isSafeInteger(last)) report('the last revision cannot be read');
  else if (Number(highest) > Number(last)) report(`an article has revision ${highest}, after the last one, ${last}`);
}

function unreadable(report: Report): Report {
  return (reason) => report(`rows cannot be read: ${reason}`);
}

function isText(value: unknown, property?: string): value is string {
  return typeof (property === undefined ? value : Object(value)[property]) === 'string';
}

function isListOfTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** The value of a JSON text; undefined for anything else. */
export function jsonOf(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}

/** Whether a value has the form of a rule. */
export function isSelection(value: unknown): boolean {
  const { any, all, none } = Object(value) as AnyRow;
  return [any, all, none].every(isListOfTexts);
}

const OWN_KEY = new RegExp(`^(?:${FEED_KINDS.filter((kind) => kind !== 'latest' && kind !== 'custom').join('|')})/.`);

/** Whether a key is that of a feed: one that articles name, `latest`, the id of one that the operator defines, or a partner's own. */
export function isFeedKey(key: unknown): key is string {
  return isText(key) && key !== '' && (OWN_KEY.test(key) || !key.includes('/') || isPartnerFeed(key));
}
