import type { DatabaseSync } from 'node:sqlite';
import type { Actor } from '../store.ts';

/** The members of a run of changes that `eraseTexts` reads or writes. */
interface Run {
  /** The number of the first article. */
  readonly article: number;
  readonly count: number;
  readonly reason?: string;
  readonly source?: string;
}

export type AuditTexts = ReturnType<typeof createAuditTexts>;

/** Erases the texts that the audit has of an article: reasons of withdrawals, and the names of its files. */
export function createAuditTexts(db: DatabaseSync) {
  const rowsOf = db.prepare(
    'SELECT revision, actor, runs FROM audit WHERE lowest <= :number AND highest >= :number ORDER BY revision',
  );
  const update = db.prepare('UPDATE audit SET actor = ?, runs = ? WHERE revision = ?');

  return {
    eraseTexts(number: number): void {
      for (const { revision, actor, runs } of rowsOf.all({ number })) {
        const by = actor === null ? undefined : (JSON.parse(String(actor)) as Actor);
        const before = JSON.parse(String(runs)) as Run[];
        if (!before.some((run) => isOf(run, number))) continue;
        const after = erasedRow(before, by, number);
        const text = after.by === undefined ? null : JSON.stringify(after.by);
        update.run(text, JSON.stringify(after.runs), Number(revision));
      }
    },
  };
}

function isOf({ article, count }: Run, number: number): boolean {
  return number >= article && number < article + count;
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
