import type { DatabaseSync } from 'node:sqlite';
import type { PublisherError } from '../../errors.ts';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import { statusAt } from '../status.ts';
import type { Actor, AuditEntry, AuditedChange, AuditRow } from '../store.ts';
import { checkedHead, HEAD, type HeadRow, ofId } from './article-rows.ts';
import { AUDIT_COLUMNS, checkedAudit } from './audit-rows.ts';
import { rowChecksum } from './checksums.ts';
import { damaged } from './damage.ts';
import type { Lists } from './lists.ts';
import type { Reading } from './reading.ts';
import { createRest } from './rest.ts';
import type { StoreRow } from './store-row.ts';
import type { Audited } from './transaction.ts';

/** Entries that a history has at most. */
const MAX_HISTORY = 1000;
/** Rows that one transaction removes at most: a PUT may wait for it. */
const MAX_PRUNED = 1000;
/** Bytes of rows after which it removes no other: the row of a batch may have megabytes, which are overwritten. */
const MAX_PRUNED_BYTES = 2_000_000;

/** The same change to articles with consecutive numbers. Revisions follow each other, from run to run as well. */
interface Run extends Pick<AuditEntry, 'what' | 'status' | 'until' | 'reason'> {
  /** The number of the first article. */
  readonly article: number;
  readonly count: number;
  /** What was imported, where it is not the source of the row's actor. */
  readonly source?: string;
}

interface Row {
  /** Of the first change. */
  readonly revision: number;
  readonly at: Instant;
  readonly by: Actor | undefined;
  readonly runs: readonly Run[];
}

/** A row that the changes of the current transaction still add to. */
interface OpenRow extends Row {
  readonly runs: (Run & { count: number })[];
  count: number;
  lowest: number;
  highest: number;
}

export const OLDER = 'SELECT 1 FROM audit WHERE at < ? LIMIT 1';

/** After every revision. */
const LAST = Number.POSITIVE_INFINITY;

interface AuditParts {
  readonly storeRow: StoreRow;
  readonly lists: Lists;
  /** Runs work that reads in a transaction. */
  readonly reading: Reading;
}

export type Audit = ReturnType<typeof createAudit>;

/** What was done to each article, when and by whom. */
export function createAudit(db: DatabaseSync, { storeRow, lists, reading }: AuditParts) {
  const insert = db.prepare(`INSERT INTO audit (${AUDIT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const headById = db.prepare(`SELECT number, ${HEAD} FROM article WHERE id = ?`);
  const headByNumber = db.prepare(`SELECT ${HEAD} FROM article WHERE number = ?`);
  const rowByRevision = db.prepare(`SELECT ${AUDIT_COLUMNS} FROM audit WHERE revision = ?`);
  const rowsAfter = db.prepare(`SELECT ${AUDIT_COLUMNS} FROM audit WHERE revision > ? ORDER BY revision LIMIT ?`);
  const older = db.prepare(OLDER);
  const pruned = db.prepare(`
    DELETE FROM audit WHERE revision IN (
      SELECT revision FROM (
        SELECT revision, sum(bytes) OVER (ORDER BY at, revision) - bytes AS before
        FROM (
          SELECT revision, at, octet_length(runs) AS bytes FROM audit WHERE at < ? ORDER BY at, revision
          LIMIT ${MAX_PRUNED}))
      WHERE before < ${MAX_PRUNED_BYTES})
    RETURNING revision, lowest, highest`);

  function write({ revision, at, by, lowest, highest, runs }: OpenRow): void {
    const actor = by === undefined ? null : JSON.stringify(by);
    const columns = [revision, at, lowest, highest, actor, JSON.stringify(runs)] as const;
    insert.run(...columns, rowChecksum(columns));
    if (lowest === highest) storeRow.add('singleAudits', [lowest, revision]);
    else storeRow.add('rangeAudits', [highest, revision, lowest]);
  }

  /** Returns a writer for the changes of one transaction. Call `end` before the commit. */
  function begin(at: Instant) {
    let open: OpenRow | undefined;

    function end(): void {
      if (open !== undefined) write(open);
      open = undefined;
    }

    function add(change: Audited, revision: number, by: Actor | undefined): void {
      if (open === undefined || !continues(open, revision, by)) {
        end();
        const { number } = change;
        open = { revision, at, by, runs: [], count: 0, lowest: number, highest: number };
      }
      addChange(open, change, by);
    }

    return { add, end };
  }

  /** In pieces: every batch of an import in another order than the articles' has a row that may hold the article. */
  async function history(id: string): Promise<AuditEntry[]> {
    const rest = createRest();
    const revisions = reading(() => {
      const number = numberOf(id);
      return number === undefined ? undefined : { number, all: revisionsOf(number) };
    });
    if (revisions === undefined) return [];
    const { number, all } = revisions;
    const entries: AuditEntry[] = [];
    for (const revision of all.sort((one, other) => other - one)) {
      await rest();
      const columns = rowByRevision.get(revision);
      if (columns === undefined) {
        if (reading(() => revisionsOf(number)).includes(revision)) throw missingChange(revision);
        continue; // another process has pruned it meanwhile
      }
      entries.push(...entriesOf(rowOf(columns), number).reverse());
      if (entries.length >= MAX_HISTORY) break;
    }
    return entries.slice(0, MAX_HISTORY).reverse();
  }

  function numberOf(id: string): number | undefined {
    const row = ofId(headById.get(id) as (HeadRow & { number: number }) | undefined, id);
    return row && checkedHead(row).number;
  }

  /** The rows that have, or may have, changes of an article. */
  function revisionsOf(number: number): number[] {
    const singles: number[] = [];
    for (const [article, revision] of lists.down(storeRow.list('singleAudits'), [number, LAST])) {
      if (article !== number || singles.length === MAX_HISTORY) break;
      singles.push(Number(revision));
    }
    const ranges = lists.up(storeRow.list('rangeAudits'), [number - 1, LAST]);
    return [...singles, ...ranges.filter((row) => Number(row[2]) <= number).map((row) => Number(row[1]))];
  }

  function prune(before: Instant): number {
    const rows = pruned.all(before);
    for (const { revision, lowest, highest } of rows as unknown as readonly Record<string, number>[]) {
      const [first, last, own] = [Number(lowest), Number(highest), Number(revision)];
      if (first === last) storeRow.remove('singleAudits', [first, own]);
      else storeRow.remove('rangeAudits', [last, own, first]);
    }
    return rows.length;
  }

  function rowWithIds(row: Row): AuditRow {
    const { runs, revision } = row;
    const [first, last] = [runs.at(0), runs.at(-1)];
    if (first === undefined || last === undefined) throw new Error('a row of the audit has no change');
    const counts = new Map<AuditedChange, number>();
    let count = 0;
    for (const run of runs) {
      counts.set(run.what, (counts.get(run.what) ?? 0) + run.count);
      count += run.count;
    }
    return {
      ...entryOf(row, first, revision),
      id: idOfNumber(first.article),
      lastId: idOfNumber(last.article + last.count - 1),
      lastRevision: revision + count - 1,
      counts,
    };
  }

  function idOfNumber(number: number): string {
    const row = headByNumber.get(number) as HeadRow | undefined;
    if (row === undefined) throw damaged(`the article number ${number} is missing`);
    return checkedHead(row).id;
  }

  return {
    begin,
    history,
    after: (revision: number, limit: number): AuditRow[] => rowsAfter.all(revision, limit).map(rowOf).map(rowWithIds),
    hasOlder: (before: Instant): boolean => older.get(before) !== undefined,
    prune,
  };
}

function missingChange(revision: number): PublisherError {
  return damaged(`the change with revision ${revision} is missing`);
}

/** Whether a change belongs to the row before it: only imports and starts change thousands of articles at a time. */
function continues({ revision, count, by }: OpenRow, next: number, actor: Actor | undefined): boolean {
  return (actor?.kind === 'import' || actor?.kind === 'start') && actor.kind === by?.kind && next === revision + count;
}

function addChange(row: OpenRow, { what, number, article }: Audited, by: Actor | undefined): void {
  const status = statusAt(article, row.at);
  const until = status === 'embargoed' ? article.publishedAt : undefined;
  const reason = what === 'withdrawn' ? article.withdrawn?.reason : undefined;
  const source =
    by?.kind === 'import' && row.by?.kind === 'import' && by.source !== row.by.source ? by.source : undefined;
  const last = row.runs.at(-1);
  if (last !== undefined && isContinued(last, number, { what, status, until, reason, source })) last.count += 1;
  else row.runs.push({ ...omitUndefined({ article: number, what, status, until, reason, source }), count: 1 });
  row.count += 1;
  row.lowest = Math.min(row.lowest, number);
  row.highest = Math.max(row.highest, number);
}

type Shared = { readonly [Name in 'what' | 'status' | 'until' | 'reason' | 'source']: Run[Name] | undefined };

/** A run with a reason has one article: to erase an article leaves the reasons of others. */
function isContinued(last: Run, number: number, next: Shared): boolean {
  return (
    number === last.article + last.count &&
    next.what === last.what &&
    next.status === last.status &&
    next.until === last.until &&
    next.source === last.source &&
    next.reason === undefined &&
    last.reason === undefined
  );
}

function rowOf(columns: object): Row {
  const { revision, at, actor, runs } = checkedAudit(columns);
  return {
    revision,
    at,
    by: actor === null ? undefined : (JSON.parse(actor) as Actor),
    runs: JSON.parse(runs) as Run[],
  };
}

/** The entries of one article in a row, oldest first. */
function entriesOf(row: Row, number: number): AuditEntry[] {
  const entries: AuditEntry[] = [];
  let revision = row.revision;
  for (const run of row.runs) {
    const index = number - run.article;
    if (index >= 0 && index < run.count) entries.push(entryOf(row, run, revision + index));
    revision += run.count;
  }
  return entries;
}

function entryOf({ at, by: actor }: Row, { what, status, until, reason, source }: Run, revision: number): AuditEntry {
  const by: Actor | undefined = source === undefined ? actor : { kind: 'import', source };
  return omitUndefined({ what, at, revision, by, status, until, reason });
}
