import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { FeedKey, FeedRule, Selection } from '../../feed/feeds.ts';
import { customFeedChooser } from '../../feed/selection.ts';
import { feedProblem, feedRows } from './check-feeds.ts';
import { isWholeSource, jsonOf, SOURCE_COLUMNS } from './check-rows.ts';
import type { Value } from './checksums.ts';
import { addHash, decodeParts, hashOf, type ListRow } from './list-parts.ts';
import { createLists } from './lists.ts';
import { type AnyRow, ifReadable, rowsByName } from './readable-rows.ts';
import { isSum, type SourceRow } from './sources.ts';
import { createStoreRow } from './store-row.ts';

/** Copies rows into a new store, as they are. */
export type CopyRow = (table: string, columns: readonly string[], row: AnyRow) => void;

export function createCopyRow(to: DatabaseSync): CopyRow {
  const statements = new Map<string, StatementSync>();
  return (table, columns, row) => {
    const marks = columns.map(() => '?').join(', ');
    const insert =
      statements.get(table) ?? to.prepare(`INSERT OR IGNORE INTO ${table} (${columns.join(', ')}) VALUES (${marks})`);
    statements.set(table, insert);
    insert.run(...columns.map((column) => (row[column] ?? null) as Value));
  };
}

const FEED_COLUMNS = [
  'number',
  'key',
  'name',
  'declared',
  'changed',
  'revision',
  'visible_from',
  'rule',
  'head_changed',
  'aged_changes',
];
const PAGE_COLUMNS = ['feed', 'published', 'tie', 'page', 'entries', 'changed'];

export interface SalvagedFeeds {
  readonly keys: ReadonlyMap<number, FeedKey>;
  /** The feeds of the operator's that select an article, by the feeds that it is in by itself. */
  readonly choose: (own: readonly FeedKey[]) => readonly FeedKey[];
  /** Keys, or whatever is left of them. */
  readonly lost: readonly string[];
}

/** A rule that is lost comes back with the next start, from publication.yaml. */
export function copyFeeds(from: DatabaseSync, copy: CopyRow): SalvagedFeeds {
  const keys = new Map<number, FeedKey>();
  const rules: FeedRule[] = [];
  const lost: string[] = [];
  for (const row of feedRows(from, (problem) => lost.push(problem))) {
    const key = String(row.key);
    if (feedProblem(row) !== undefined) {
      lost.push(key);
      continue;
    }
    copy('feed', FEED_COLUMNS, { head_changed: 0, aged_changes: new Uint8Array(), ...row });
    for (const page of archivePages(from, row)) copy('archive_page', PAGE_COLUMNS, page);
    keys.set(Number(row.number), key);
    if (typeof row.rule === 'string') rules.push({ id: key, select: jsonOf(row.rule) as Selection });
  }
  return { keys, choose: customFeedChooser(rules), lost };
}

/**
 * The pages of the archive of a feed whose row is whole. Where one of them is not, none is kept: the service divides the
 * history anew.
 */
function archivePages(from: DatabaseSync, { number, pages }: AnyRow): readonly AnyRow[] {
  if (!(pages instanceof Uint8Array)) return []; // a store of an earlier version
  const rows = ifReadable(() =>
    from.prepare('SELECT * FROM archive_page WHERE feed = ? ORDER BY published, tie').all(Number(number)),
  );
  const parts = decodeParts(pages).parts;
  const [count, sum] = [
    parts.reduce((all, part) => all + part.count, 0),
    parts.reduce((all, part) => addHash(all, part.sum, 1), 0),
  ];
  let found = 0;
  for (const row of rows ?? []) {
    const { published, tie, page, entries, changed } = row;
    if (![published, tie, page, entries, changed].every(Number.isSafeInteger)) return [];
    found = addHash(found, hashOf([published, tie, page, entries, changed] as unknown as ListRow), 1);
  }
  return rows?.length === count && found === sum ? rows : [];
}

/** Most revisions that a store gave after the last one that can be read, where it is not certain. */
const REVISION_MARGIN = 1000;

interface LastRevision {
  readonly revision: number;
  /** How often rules have changed. */
  readonly rules: number;
  /** Changes that only the last revision knows of. */
  readonly lostChanges?: string;
}

/** The last revision. Where the store's own row is damaged, a margin keeps revisions from being given twice. */
export function lastRevision(from: DatabaseSync, audit: Iterable<AnyRow>): LastRevision {
  let highest = 0;
  for (const { revision, runs } of audit) {
    const counts = (jsonOf(runs) as readonly { readonly count: number }[]).map(({ count }) => count);
    highest = Math.max(highest, Number(revision) + counts.reduce((sum, count) => sum + count, 0) - 1);
  }
  for (const table of ['article', 'feed']) {
    const row = ifReadable(() => from.prepare(`SELECT max(revision) AS highest FROM ${table}`).get());
    if (Number.isSafeInteger(row?.highest)) highest = Math.max(highest, Number(row?.highest));
  }
  const rows = ifReadable(() => from.prepare('SELECT * FROM revision').all()) ?? [];
  const { last, rules = 0 } = rows.length === 1 ? (rows[0] ?? {}) : {};
  const isPlausible = Number.isSafeInteger(last) && Number(last) >= highest && Number(last) - highest < 2 ** 32;
  const changes = { rules: Number.isSafeInteger(rules) ? Number(rules) : 0 };
  if (!isPlausible) return { ...changes, revision: highest + REVISION_MARGIN };
  if (Number(last) === highest) return { ...changes, revision: highest };
  const lostChanges = `changes with revisions from ${highest + 1} to ${last}: check what was withdrawn or corrected last`;
  return { ...changes, revision: Number(last), lostChanges };
}

interface CopiedTable {
  readonly table: string;
  readonly key: string;
  readonly columns: readonly string[];
  readonly isWhole: (row: AnyRow) => boolean;
}

/** Returns how many rows are whole. */
export function copyRows(
  from: DatabaseSync,
  copy: CopyRow,
  { table, key, columns, isWhole }: CopiedTable,
  onLost: (row: string) => void,
): number {
  let count = 0;
  const unreadable = (reason: string) => onLost(`${table}: rows cannot be read (${reason})`);
  for (const row of rowsByName(from, { table, key, columns: '*' }, unreadable)) {
    if (isWhole(row)) {
      copy(table, columns, row);
      count += 1;
    } else onLost(`${table}: ${row[key]}`);
  }
  return count;
}

export interface Sources {
  /** Whole rows by the ids of their articles. */
  readonly byId: ReadonlyMap<string, AnyRow>;
  /** Whether all rows are there and whole, as far as anybody can tell. */
  readonly areWhole: boolean;
}

export function readSources(from: DatabaseSync, onLost: (row: string) => void): Sources {
  const byId = new Map<string, AnyRow>();
  let areWhole = true;
  const report = (row: string) => {
    areWhole = false;
    onLost(row);
  };
  for (const row of rowsByName(from, { table: 'source', key: 'id', columns: '*' }, (reason) =>
    report(`source: rows cannot be read (${reason})`),
  )) {
    if (isWholeSource(row)) byId.set(String(row.id), row);
    else report(`source: ${row.id}`);
  }
  const areComplete = areCounted(from, byId.values());
  if (areWhole && areComplete === false) report('source: rows are missing');
  return { byId, areWhole: areWhole && areComplete === true };
}

/** Whether these are all files of articles that the store has had; undefined where nothing says how many those are. */
function areCounted(from: DatabaseSync, rows: Iterable<AnyRow>): boolean | undefined {
  try {
    return isSum(createStoreRow(from, createLists(from)).sources(), rows as Iterable<SourceRow>);
  } catch {
    return undefined;
  }
}

interface KeptSources {
  /** The ids of kept articles that are withdrawn. */
  readonly withdrawn: ReadonlySet<string>;
  /** The ids of articles whose files are to be read again, or never again. */
  readonly forgotten: ReadonlySet<string>;
}

/**
 * Without its row, a file counts as new and is read again. That is right for an article that was neither withdrawn nor erased.
 * A withdrawn article keeps a row, or its file would publish it again.
 */
export function copySources(copy: CopyRow, { byId, areWhole }: Sources, { withdrawn, forgotten }: KeptSources): void {
  for (const [id, row] of byId) if (!forgotten.has(id)) copy('source', SOURCE_COLUMNS, row);
  if (areWhole) return;
  for (const id of withdrawn) {
    if (byId.has(id) || forgotten.has(id)) continue;
    copy('source', SOURCE_COLUMNS, { id, path: null, signature: '', media: '[]' });
  }
}
