import type { Problem } from '../../errors.ts';

/** A record as a file holds it, before anything is known to be right about it. */
export interface RawRecord {
  readonly record: unknown;
  /** Where the record has no `publishedAt`, when its file was written will do. */
  readonly dateIsOptional?: boolean;
  /** The record names no id and has the one that its file's path makes. */
  readonly idIsFromPath?: boolean;
  /** Where a field stands in the file; undefined where that cannot be said. */
  readonly locate: (field: string) => { line: number; column?: number } | undefined;
}

/** What a file's place tells of a record that does not say it itself. */
export interface FileFacts {
  /** The file's path below the articles folder, without its ending. */
  readonly id: string;
}

/** A file that cannot be read as a record at all. */
export class UnreadableRecord extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ rule }) => rule).join('; '));
    this.name = 'UnreadableRecord';
    this.problems = problems;
  }
}
