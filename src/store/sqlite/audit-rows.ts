import { rowChecksum } from './checksums.ts';
import { damaged } from './damage.ts';

/** The columns of a row of the audit, with their checksum. */
export const AUDIT_COLUMNS = 'revision, at, lowest, highest, actor, runs, checksum';

interface AuditColumns {
  readonly revision: number;
  readonly at: number;
  readonly lowest: number;
  readonly highest: number;
  /** JSON. */
  readonly actor: string | null;
  /** JSON. */
  readonly runs: string;
  readonly checksum: number;
}

/** Checks a row of the audit. @throws PublisherError `store_damaged` */
export function checkedAudit(columns: object): AuditColumns {
  const row = columns as AuditColumns;
  const { revision, at, lowest, highest, actor, runs, checksum } = row;
  if (rowChecksum([revision, at, lowest, highest, actor, runs]) !== checksum)
    throw damaged(`the change with revision ${revision} does not match its checksum`);
  return row;
}
