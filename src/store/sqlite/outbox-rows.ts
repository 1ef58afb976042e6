import type { DatabaseSync } from 'node:sqlite';
import type { Instant } from '../../lib/instant.ts';
import { rowChecksum } from './checksums.ts';

/** A row of the outbox: what one target knows, and when there is something to tell. */
export interface TargetRow {
  readonly target: string;
  kind: string;
  program: string;
  /** How often everything was to be told. */
  epoch: number;
  /** The target knows all changes up to this revision, and what time has changed up to this moment. -1: nothing. */
  revision: number;
  at: Instant;
  /** Up to these the target was told once, and is to be told again. */
  sent_revision: number | null;
  sent_at: Instant | null;
  due: Instant | null;
  /** The target is to be told again then, whether a feed has changed or not. */
  again_at: Instant | null;
  not_before: Instant;
  owner: string | null;
  lease_until: Instant;
  failures: number;
  failing_since: Instant | null;
  last_error: string | null;
  /** The machines whose services name the target, as JSON; the only one has an empty name. */
  named_by: string;
}

/** In the place of a revision: the target is to be told everything. */
export const NOTHING_KNOWN = -1;

const COLUMNS = [
  'target',
  'kind',
  'program',
  'epoch',
  'revision',
  'at',
  'sent_revision',
  'sent_at',
  'due',
  'again_at',
  'not_before',
  'owner',
  'lease_until',
  'failures',
  'failing_since',
  'last_error',
  'named_by',
] as const satisfies readonly (keyof TargetRow)[];

/** The row of a target that knows nothing. */
export function newRow(target: string, kind: string, program: string, at: Instant): TargetRow {
  return {
    ...{ target, kind, program, epoch: 0, revision: NOTHING_KNOWN, at, sent_revision: null, sent_at: null, due: at },
    ...{ again_at: null, not_before: 0, owner: null, lease_until: 0, failures: 0, failing_since: null },
    ...{ last_error: null, named_by: '[]' },
  };
}

export function createOutboxRows(db: DatabaseSync) {
  const select = db.prepare(`SELECT ${COLUMNS.join(', ')}, checksum FROM outbox ORDER BY target`);
  const upsert = db.prepare(`
    INSERT OR REPLACE INTO outbox (${COLUMNS.join(', ')}, checksum) VALUES (${COLUMNS.map(() => '?').join(', ')}, ?)`);
  const remove = db.prepare('DELETE FROM outbox WHERE target = ?');

  return {
    /**
     * All rows. A row that is damaged comes back as one that knows nothing: to tell everything once more is always right.
     */
    all: (): TargetRow[] =>
      select.all().map((columns) => {
        const { checksum, ...row } = columns as unknown as TargetRow & { readonly checksum: number };
        return checksum === checksumOf(row) ? { ...row } : newRow(String(row.target), String(row.kind), '', 0);
      }),
    save(row: TargetRow): void {
      upsert.run(...COLUMNS.map((column) => row[column]), checksumOf(row));
    },
    remove: (target: string): void => void remove.run(target),
  };
}

function checksumOf(row: TargetRow): number {
  return rowChecksum(COLUMNS.map((column) => row[column]));
}
