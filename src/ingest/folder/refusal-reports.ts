import type { RefusedFile } from './article-file.ts';

/** Reports files that cannot be published, but not those that are only half written. */
export interface RefusalReports {
  readonly report: (file: RefusedFile) => void;
  /** Reports a file that is refused for a second or longer; else has it read again. */
  readonly reportUnlessHalfWritten: (file: RefusedFile) => void;
  /** Forgets that a file was refused: it is published or removed. */
  readonly clear: (path: string) => void;
}

interface RefusalReportsParts {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly report: (file: RefusedFile) => void;
  /** Has a file read again. */
  readonly recheck: (path: string) => void;
}

/** Milliseconds for which a refused file may still be half written. */
const HALF_WRITTEN = 1000;

export function createRefusalReports({ now, report, recheck }: RefusalReportsParts): RefusalReports {
  const refusedSince = new Map<string, number>();

  function reportNow(file: RefusedFile): void {
    refusedSince.delete(file.path);
    report(file);
  }

  return {
    report: reportNow,
    reportUnlessHalfWritten(file) {
      const { path } = file;
      const since = refusedSince.get(path) ?? now();
      refusedSince.set(path, since);
      if (now() - since >= HALF_WRITTEN) reportNow(file);
      else setTimeout(() => recheck(path), HALF_WRITTEN / 4).unref();
    },
    clear: (path) => refusedSince.delete(path),
  };
}
