import { fieldPath } from '../../lib/problems.ts';
import { splitFrontMatter } from './frontmatter.ts';
import type { FileFacts, RawRecord } from './record.ts';

/** A town, an agency in brackets, a dash: `ERBIL (Agency) - `. */
const DATELINE = /^\p{L}[^()\n]{0,80} \([^()\n]{1,80}\) ?[-–—:] ?\S/u;

/** Most lines of standfirst between the headline and the dateline. */
const MOST_STANDFIRST_LINES = 4;

const DATE_IN_NAME = /(?:^|\/)(\d{4}-\d{2}-\d{2})(?:T(\d{2})(\d{2})Z)?[^/]*$/;

/**
 * Reads plain text in the form of a wire desk: headline, standfirst, then paragraphs. The first paragraph begins with
 * a dateline. YAML front matter may come first. A missing date is that of the file's name (`2026-11-19-…`,
 * `2026-11-19T0930Z-…`), else the time of the file's last write. A missing address is the id as a path of the site.
 *
 * @throws UnreadableRecord for front matter that cannot be read
 */
export function readPlainText(text: string, { id }: FileFacts): RawRecord {
  const { fields, body, bodyLine, locate } = splitFrontMatter(text);
  const lines = body.split('\n').map((line) => line.trim());
  const filled = lines.flatMap((line, index) => (line === '' ? [] : [index]));
  const headline = Object.hasOwn(fields, 'title') ? undefined : filled.shift();
  const standfirst = Object.hasOwn(fields, 'summary') ? [] : standfirstAmong(filled, lines);
  const story = filled[standfirst.length] ?? lines.length;
  const record = {
    id,
    url: `/${id.split('/').map(encodeURIComponent).join('/')}`,
    ...dateInName(id),
    title: headline === undefined ? '' : lines[headline],
    summary: standfirst.map((index) => lines[index]).join(' '),
    bodyFormat: 'text',
    ...fields,
    body: lines.slice(story).join('\n'),
  };
  const lineOfField = new Map([
    ['title', headline ?? 0],
    ['summary', standfirst[0] ?? story],
    ['body', story],
  ]);
  return {
    record,
    dateIsOptional: true,
    idIsFromPath: !Object.hasOwn(fields, 'id'),
    locate: (field) => {
      const index = Object.hasOwn(fields, field) ? undefined : lineOfField.get(field);
      return index === undefined ? locate(fieldPath(field)) : { line: bodyLine + index };
    },
  };
}

/** The lines before the dateline. Without a dateline, the first line, unless it is the only one: then it is the body. */
function standfirstAmong(filled: readonly number[], lines: readonly string[]): readonly number[] {
  const dateline = filled.slice(0, MOST_STANDFIRST_LINES + 1).findIndex((index) => DATELINE.test(lines[index] ?? ''));
  if (dateline >= 0) return filled.slice(0, dateline);
  return filled.length > 1 ? filled.slice(0, 1) : [];
}

function dateInName(id: string): { publishedAt?: string } {
  const match = DATE_IN_NAME.exec(id);
  if (match === null) return {};
  return { publishedAt: `${match[1]}T${match[2] ?? '00'}:${match[3] ?? '00'}:00Z` };
}
