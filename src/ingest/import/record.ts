import type { Problem } from '../../errors.ts';

/** A record as its file holds it. Nothing in it is checked yet. */
export interface RawRecord {
  readonly record: unknown;
  /** Whether the time of the file's last write replaces a missing `publishedAt`. */
  readonly dateIsOptional?: boolean;
  /** Whether the id is made of the file's path, because the record names none. */
  readonly idIsFromPath?: boolean;
  /** The line and column of a field in the file, from 1; undefined if they are unknown. */
  readonly locate: (field: string) => { line: number; column?: number } | undefined;
}

/** Defaults of a record that come from the path of its file. */
export interface FileFacts {
  /** The path below the articles folder without its extension: the id of a record that names none. */
  readonly id: string;
}

/** The error of a file or a source that cannot be read as a record. */
export class UnreadableRecord extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ rule }) => rule).join('; '));
    this.name = 'UnreadableRecord';
    this.problems = problems;
  }
}
