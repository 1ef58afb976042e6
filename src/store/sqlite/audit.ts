import type { DatabaseSync } from 'node:sqlite';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import { statusAt } from '../status.ts';
import type { Actor, AuditEntry, AuditedChange, AuditRow } from '../store.ts';
import type { Audited } from './transaction.ts';

/** Entries that a history has at most. */
const MAX_HISTORY = 1000;
/** Rows that one transaction removes at most: a PUT may wait for it. */
const MAX_PRUNED = 1000;

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

// Two queries, each with an index of its own: most rows have one article.
export const SINGLE_ROWS = `
  SELECT revision FROM audit WHERE lowest = :number AND lowest = highest ORDER BY revision DESC LIMIT :limit`;
export const RANGES = `
  SELECT revision FROM audit INDEXED BY audit_range WHERE lowest < highest AND highest >= :number AND lowest <= :number`;
export const OLDER = 'SELECT 1 FROM audit WHERE at < ? LIMIT 1';

export type Audit = ReturnType<typeof createAudit>;

/** What was done to each article, when and by whom. */
export function createAudit(db: DatabaseSync) {
  const insert = db.prepare('INSERT INTO audit (revision, at, lowest, highest, actor, runs) VALUES (?, ?, ?, ?, ?, ?)');
  const numberOf = db.prepare('SELECT number FROM article WHERE id = ?');
  const idOf = db.prepare('SELECT id FROM article WHERE number = ?');
  const rowByRevision = db.prepare('SELECT revision, at, actor, runs FROM audit WHERE revision = ?');
  const rowsAfter = db.prepare(
    'SELECT revision, at, actor, runs FROM audit WHERE revision > ? ORDER BY revision LIMIT ?',
  );
  const singlesOf = db.prepare(SINGLE_ROWS);
  const rangesAround = db.prepare(RANGES);
  const older = db.prepare(OLDER);
  const prune = db.prepare(
    'DELETE FROM audit WHERE revision IN (SELECT revision FROM audit WHERE at < ? ORDER BY at LIMIT ?)',
  );

  function write({ revision, at, by, lowest, highest, runs }: OpenRow): void {
    insert.run(revision, at, lowest, highest, by === undefined ? null : JSON.stringify(by), JSON.stringify(runs));
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

  function history(id: string): AuditEntry[] {
    const number = numberOf.get(id)?.number;
    if (typeof number !== 'number') return [];
    const singles = singlesOf.all({ number, limit: MAX_HISTORY });
    const revisions = [...singles, ...rangesAround.all({ number })].map(({ revision }) => Number(revision));
    const entries: AuditEntry[] = [];
    for (const revision of revisions.sort((a, b) => b - a)) {
      const columns = rowByRevision.get(revision);
      if (columns === undefined) continue; // another process has pruned it meanwhile
      entries.push(...entriesOf(rowOf(columns), number).reverse());
      if (entries.length >= MAX_HISTORY) break;
    }
    return entries.slice(0, MAX_HISTORY).reverse();
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
    return String(idOf.get(number)?.id);
  }

  return {
    begin,
    history,
    after: (revision: number, limit: number): AuditRow[] => rowsAfter.all(revision, limit).map(rowOf).map(rowWithIds),
    hasOlder: (before: Instant): boolean => older.get(before) !== undefined,
    prune: (before: Instant): number => Number(prune.run(before, MAX_PRUNED).changes),
  };
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

function rowOf({ revision, at, actor, runs }: Readonly<Record<string, unknown>>): Row {
  return {
    revision: Number(revision),
    at: Number(at),
    by: actor === null ? undefined : (JSON.parse(String(actor)) as Actor),
    runs: JSON.parse(String(runs)) as Run[],
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
