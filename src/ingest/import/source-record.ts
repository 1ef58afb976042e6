import type { Problem } from '../../errors.ts';

/** A story of a source that holds many. */
export interface SourceRecord {
  /** In the form of docs/records.md, with nothing known to be right about it. */
  readonly record: Record<string, unknown>;
  /** Where it stands in the source, from 1. */
  readonly line: number;
  /** Why it cannot be published, where that is known already. */
  readonly problems?: readonly Problem[];
}
