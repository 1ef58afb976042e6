import { closeSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Problem } from '../errors.ts';
import type { PictureCounts } from '../ingest/import/picture-folder.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import { visibleControls } from '../lib/text.ts';
import { unwritable } from './arguments.ts';
import type { AdjustmentCounts } from './import-adjustments.ts';

/** Counts of records by result. */
export interface Tally extends Record<'created' | 'updated' | 'unchanged' | 'refused', number> {
  /** How many of the refused records are those of erased articles: nothing can be fixed in them. */
  erased: number;
  /** Counts of items that are no published story, by reason. */
  readonly skipped: Map<string, number>;
  readonly adjustments: AdjustmentCounts;
}

export function emptyTally(): Tally {
  return { created: 0, updated: 0, unchanged: 0, refused: 0, erased: 0, skipped: new Map(), adjustments: new Map() };
}

/** A record that was refused. */
export interface Refusal {
  readonly file: string;
  readonly line?: number;
  readonly title?: string;
  readonly problems: readonly Problem[];
}

export interface ReportEnd {
  readonly tally: Tally;
  readonly pictures?: PictureCounts | undefined;
  readonly finishedAt: Instant;
  readonly isInterrupted: boolean;
}

/** The report of an import as JSON. */
export interface ImportReport {
  readonly refuse: (refusal: Refusal) => void;
  readonly note: (text: string) => void;
  /** Completes the file. */
  readonly close: (end: ReportEnd) => void;
  /** Removes what is written so far, unless `close` has completed the file. */
  readonly discard: () => void;
}

interface ReportBeginning {
  readonly startedAt: Instant;
  readonly sources: readonly string[];
  readonly dryRun: boolean;
}

/** Notes that are kept: a source of a million pictures that fail is described well enough by the first of them. */
const MAX_NOTES = 10_000;

const NO_REPORT: ImportReport = { refuse: () => {}, note: () => {}, close: () => {}, discard: () => {} };

/**
 * Opens the report. Refusals are written as they come, because there may be millions. The file replaces an earlier report
 * only when it is complete.
 *
 * @throws PublisherError `unwritable_output`
 */
export function openReport(file: string | undefined, beginning: ReportBeginning): ImportReport {
  if (file === undefined) return NO_REPORT;
  refuseFolder(file);
  const growing = `${file}.${process.pid}.part`;
  const attempt = <Result>(work: () => Result): Result => {
    try {
      return work();
    } catch (error) {
      throw unwritable(file, error);
    }
  };
  const descriptor = attempt(() => openSync(growing, 'w'));
  const write = (text: string) => attempt(() => writeFileSync(descriptor, text)); // all of it, unlike writeSync
  const notes: string[] = [];
  let separator = '\n';
  let isOpen = true;
  let isComplete = false;
  const head = visibleControls(JSON.stringify({ ...beginning, startedAt: rfc3339(beginning.startedAt) }));
  write(`${head.slice(0, -1)},"refusals":[`);
  return {
    refuse(refusal) {
      write(`${separator}${visibleControls(JSON.stringify(refusal))}`);
      separator = ',\n';
    },
    note(text) {
      if (notes.length < MAX_NOTES) notes.push(text);
    },
    close({ tally: { skipped, adjustments, ...counts }, pictures, finishedAt, isInterrupted }) {
      const end = {
        notes,
        skipped: Object.fromEntries(skipped),
        adjustments: Object.fromEntries(adjustments),
        ...(pictures === undefined ? {} : { pictures }),
        ...counts,
        isInterrupted,
        finishedAt: rfc3339(finishedAt),
      };
      write(`\n],${visibleControls(JSON.stringify(end)).slice(1)}\n`);
      isOpen = false;
      attempt(() => {
        closeSync(descriptor);
        renameSync(growing, file);
      });
      isComplete = true;
    },
    discard() {
      if (isComplete) return;
      if (isOpen) closeSync(descriptor);
      rmSync(growing, { force: true });
    },
  };
}

/** Nothing can replace a folder, which would show only when the import is over. */
function refuseFolder(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
    throw unwritable(file, Object.assign(new Error('it is a folder'), { code: 'EISDIR', syscall: 'open' }));
}
