import { adjustment } from '../../article/adjustments.ts';
import { describeProblem, excerpt } from '../../errors.ts';
import type { OnAdjusted, OnNote } from './item.ts';
import type { ImportReport } from './source-record.ts';

/** Warnings of a source that are noted one by one. */
const MAX_WARNINGS = 50;
/** Names of elements that are noted. */
const MAX_NAMES = 30;

/** The report of a source, as sentences for an operator, and as adjustments. */
export interface NotedReport extends ImportReport {
  /** Notes what is only counted. */
  readonly end: () => void;
}

export function notedReport(file: string, onNote: OnNote = () => {}, onAdjusted: OnAdjusted = () => {}): NotedReport {
  const unused = new Map<string, number>();
  let warnings = 0;
  return {
    warning(warning, title, made) {
      const { field, rule, line } = warning;
      const named = typeof title === 'string' && title !== '' ? { title: excerpt(title) } : {};
      const place = { file, ...(line === undefined ? {} : { line }), ...named };
      onAdjusted(made ?? adjustment('source_repaired', field, rule), place);
      warnings += 1;
      if (warnings > MAX_WARNINGS) return;
      onNote(`${describeProblem(warning, file)}${'title' in named ? `, in “${named.title}”` : ''}`);
    },
    note: (problem) => onNote(describeProblem(problem, file)),
    unused(element) {
      if (unused.size < MAX_NAMES || unused.has(element)) unused.set(element, (unused.get(element) ?? 0) + 1);
    },
    end() {
      if (warnings > MAX_WARNINGS) onNote(`${file}: ${warnings - MAX_WARNINGS} more warnings are not shown here.`);
      if (unused.size === 0) return;
      for (const [name, count] of unused)
        onAdjusted(adjustment('element_not_imported', name, 'not imported', { count }), { file });
      const counts = [...unused].map(([name, count]) => `${count} ${name}`).join(', ');
      onNote(`${file}: not imported: ${counts}`);
    },
  };
}
