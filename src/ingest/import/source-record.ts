import type { Adjustment } from '../../article/adjustments.ts';
import type { Problem } from '../../errors.ts';

/** One story of a feed or an export, as a record that is not checked yet. */
export interface SourceRecord {
  /** In the form of docs/records.md. */
  readonly record: Record<string, unknown>;
  /** The line on which the story begins, from 1. */
  readonly line: number;
  /** The date of publication if neither the record nor the store has one. RFC 3339. */
  readonly publishedAt?: string;
  /** The names of the source's own elements, by fields of the record. */
  readonly elements: ReadonlyMap<string, string>;
  /** Present if it is known already that the record cannot be published. */
  readonly problems?: readonly Problem[];
}

/** Receives what a reader finds in a source besides its stories. */
export interface ImportReport {
  /**
   * A rule that a story breaks where it can be read nevertheless, and what is read instead.
   *
   * @param made the adjustment itself, where a record was adjusted and not its source
   */
  readonly warning: (warning: Problem, title?: unknown, made?: Adjustment) => void;
  /** What an operator must know of the source as a whole. */
  readonly note: (problem: Problem) => void;
  /** The name of an element with content that records have no place for. */
  readonly unused: (element: string) => void;
}

/** Receives a fault of a story, and the element that has it. */
export type Warn = (rule: string, element: string, made?: Adjustment) => void;

/** The field of a record under the name that the source has for it: `publishedAt` is `<pubDate>`. */
export function sourceField(field: string, elements?: ReadonlyMap<string, string>): string {
  return elements?.get(/^\w+/.exec(field)?.[0] ?? '') ?? field;
}
