import { describeProblem, excerpt } from '../../errors.ts';
import type { ImportReport } from './source-record.ts';

/** Warnings of a source that are noted one by one. */
const MAX_WARNINGS = 50;
/** Names of elements that are noted. */
const MAX_NAMES = 30;

/** The report of a source, as sentences for an operator. */
export interface NotedReport extends ImportReport {
  /** Notes what is only counted. */
  readonly end: () => void;
}

export function notedReport(file: string, onNote: (note: string) => void): NotedReport {
  const unused = new Map<string, number>();
  let warnings = 0;
  return {
    warning(warning, title) {
      warnings += 1;
      if (warnings > MAX_WARNINGS) return;
      const story = typeof title === 'string' && title !== '' ? `, in “${excerpt(title)}”` : '';
      onNote(`${describeProblem(warning, file)}${story}`);
    },
    unused(element) {
      if (unused.size < MAX_NAMES || unused.has(element)) unused.set(element, (unused.get(element) ?? 0) + 1);
    },
    end() {
      if (warnings > MAX_WARNINGS) onNote(`${file}: ${warnings - MAX_WARNINGS} more warnings are not shown here.`);
      if (unused.size === 0) return;
      const counts = [...unused].map(([name, count]) => `${count} ${name}`).join(', ');
      onNote(`${file}: not imported: ${counts}`);
    },
  };
}
