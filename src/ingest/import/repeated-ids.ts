import type { ImportReport, SourceRecord } from './source-record.ts';

/** Ids that are remembered: an archive may have millions. */
const MAX_IDS = 500_000;

/** Reports each story with the id of an earlier one: the two are one article, and the last one counts. */
export function repeatedIds(report: ImportReport): (story: SourceRecord) => void {
  const lines = new Map<string, number>();
  return ({ record: { id, title }, line, elements }) => {
    if (typeof id !== 'string') return;
    const earlier = lines.get(id);
    if (earlier !== undefined) {
      const rule = `is also that of the item on line ${earlier}: both are one article, and the last one counts`;
      report.warning({ field: elements.get('id') ?? 'id', rule, line }, title);
    }
    if (earlier !== undefined || lines.size < MAX_IDS) lines.set(id, line);
  };
}
