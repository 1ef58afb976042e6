import type { DatabaseSync } from 'node:sqlite';
import type { Actor } from '../store.ts';
import { AUDIT_COLUMNS, checkedAudit } from './audit-rows.ts';
import { rowChecksum } from './checksums.ts';

/** The members of a run of changes that `eraseTexts` reads or writes. */
interface Run {
  /** The number of the first article. */
  readonly article: number;
  readonly count: number;
  readonly reason?: string;
  readonly source?: string;
}

// Two queries, each with an index of its own. A row of a batch has texts of the article only if a run begins with it: SQLite
// finds that without parsing the rows of every import.
export const SINGLE = `SELECT ${AUDIT_COLUMNS} FROM audit WHERE lowest = :number AND lowest = highest`;
export const SHARED = `
  SELECT ${AUDIT_COLUMNS} FROM audit INDEXED BY audit_range
  WHERE lowest < highest AND highest >= :number AND lowest <= :number AND instr(runs, :run) > 0`;

export type AuditTexts = ReturnType<typeof createAuditTexts>;

/** Erases the texts that the audit has of an article: reasons of withdrawals, and the names of its files. */
export function createAuditTexts(db: DatabaseSync) {
  const single = db.prepare(SINGLE);
  const shared = db.prepare(SHARED);
  const update = db.prepare('UPDATE audit SET actor = ?, runs = ?, checksum = ? WHERE revision = ?');

  return {
    eraseTexts(number: number): void {
      const run = `"article":${number},`;
      for (const row of [...single.all({ number }), ...shared.all({ number, run })]) {
        const { revision, at, lowest, highest, actor, runs } = checkedAudit(row);
        const by = actor === null ? undefined : (JSON.parse(actor) as Actor);
        const before = JSON.parse(runs) as Run[];
        const after = erasedRow(before, by, number);
        const text = after.by === undefined ? null : JSON.stringify(after.by);
        const textOfRuns = JSON.stringify(after.runs);
        update.run(text, textOfRuns, rowChecksum([revision, at, lowest, highest, text, textOfRuns]), revision);
      }
    },
  };
}

/** The row without the texts of one article. The name of a file that brought other articles as well stays. */
function erasedRow(runs: readonly Run[], by: Actor | undefined, number: number) {
  const isAlone = ({ article, count }: Run) => article === number && count === 1;
  const after = runs.map((run) => {
    if (!isAlone(run)) return run;
    const { reason: _, ...rest } = run;
    return rest.source === undefined ? rest : { ...rest, source: '' };
  });
  const hasShared = runs.some((run) => run.source === undefined && !isAlone(run));
  return { runs: after, by: hasShared ? by : withoutName(by) };
}

function withoutName(by: Actor | undefined): Actor | undefined {
  if (by?.kind === 'file') return { ...by, path: '' };
  if (by?.kind === 'import') return { ...by, source: '' };
  return by;
}
