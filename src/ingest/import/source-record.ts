import type { Problem } from '../../errors.ts';

/** One story of a feed or an export, as a record that is not checked yet. */
export interface SourceRecord {
  /** In the form of docs/records.md. */
  readonly record: Record<string, unknown>;
  /** The line on which the story begins, from 1. */
  readonly line: number;
  /** Present if it is known already that the record cannot be published. */
  readonly problems?: readonly Problem[];
}
