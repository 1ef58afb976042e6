import { hash } from 'node:crypto';
import { isRecordId } from '../../article/record.ts';
import type { ImportReport, SourceRecord } from './source-record.ts';

/** Ids that are remembered: an archive may have millions. */
const MAX_IDS = 200_000;
const MAX_TITLE = 60;

interface KnownStory {
  readonly line: number;
  readonly title: string;
}

/**
 * Checks each story for the id of an earlier one. Two stories with different titles cannot be one article: the second one
 * is refused, so that it does not replace the first, or gets another id if its source has none but its address. With the
 * same title they are one, and the last one counts.
 */
export function repeatedIds(report: ImportReport): (story: SourceRecord) => SourceRecord {
  const known = new Map<string, KnownStory>();
  return (story) => {
    const { line, elements, problems, record } = story;
    if (typeof record.id !== 'string' || problems !== undefined) return story;
    const title = typeof record.title === 'string' ? record.title.slice(0, MAX_TITLE) : '';
    const field = elements.get('id') ?? 'id';
    const hasOnlyAddress = field === elements.get('url');
    const namesake = known.get(record.id);
    const isAnother = namesake !== undefined && namesake.title !== title;
    const id = isAnother && hasOnlyAddress ? madeId(record, record.id) : record.id;
    const earlier = known.get(id);
    if (earlier === undefined && known.size < MAX_IDS) known.set(id, { line, title });
    if (earlier !== undefined && earlier.title !== title) {
      const rule = `is also that of “${earlier.title}” on line ${earlier.line}: give each story its own`;
      return { ...story, problems: [{ field, rule, line }] };
    }
    if (earlier !== undefined) {
      const rule = `is also that of the item on line ${earlier.line}: both are one article, and the last one counts`;
      report.warning({ field, rule, line }, title);
    } else if (namesake !== undefined) {
      const rule = `is also that of “${namesake.title}” on line ${namesake.line}, and there is no id: one is made`;
      report.warning({ field, rule, line }, title);
    }
    return id === record.id ? story : { ...story, record: { ...record, id } };
  };
}

/** The id of a story that has only the address of another one: the address of its file, else one with its title. */
function madeId({ title, media }: SourceRecord['record'], address: string): string {
  const [file] = Array.isArray(media) ? media : [];
  if (typeof file?.url === 'string' && isRecordId(file.url)) return file.url;
  return `${address}#${hash('sha256', String(title)).slice(0, 16)}`;
}
