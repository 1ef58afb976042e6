import { fieldPath } from '../problems.ts';
import { splitFrontMatter } from './frontmatter.ts';
import type { FileFacts, RawRecord } from './record.ts';

/** A place in capitals or not, an agency in brackets, a dash: `ERBIL (Agency) - `. */
const DATELINE = /^\p{L}[^()\n]{0,80} \([^()\n]{1,80}\) ?[-–—:] ?\S/u;

/** How many lines may stand between headline and dateline, all of them standfirst. */
const MOST_STANDFIRST_LINES = 4;

const DATE_IN_NAME = /(?:^|\/)(\d{4}-\d{2}-\d{2})(?:T(\d{2})(\d{2})Z)?[^/]*$/;

/**
 * Plain text as a wire desk hands a story over: headline, standfirst, then paragraphs, the first opening with a
 * dateline. Fields may stand before it in YAML front matter. A date that is not there is taken from the file's name
 * (`2026-11-19-…`, `2026-11-19T0930Z-…`), else it is when the file was written; the address is the site's with the id.
 */
export function readPlainText(text: string, facts: FileFacts): RawRecord {
  const { fields, body, bodyLine, locate } = splitFrontMatter(text);
  const lines = body.split('\n').map((line) => line.trim());
  const [first = 0, second, ...others] = lines.flatMap((line, index) => (line === '' ? [] : [index]));
  const story = storyStart(
    lines,
    [second, ...others].filter((index) => index !== undefined),
  );
  const record = {
    id: facts.id,
    url: `/${facts.id.split('/').map(encodeURIComponent).join('/')}`,
    publishedAt: dateInName(facts.id) ?? facts.modified,
    title: lines[first] ?? '',
    summary: lines
      .slice(first + 1, story)
      .filter(Boolean)
      .join(' '),
    bodyFormat: 'text',
    ...fields,
    body: lines.slice(story).join('\n'),
  };
  const places: Record<string, number> = { title: first, summary: second ?? first, body: story };
  return {
    record,
    locate: (field) => {
      const index = field in fields ? undefined : places[field];
      return index === undefined ? locate(fieldPath(field)) : { line: bodyLine + index };
    },
  };
}

/** The line the story begins at: the one with the dateline, else the one after the standfirst. */
function storyStart(lines: readonly string[], afterHeadline: readonly number[]): number {
  const candidates = afterHeadline.slice(0, MOST_STANDFIRST_LINES + 1);
  const dateline = candidates.find((index) => DATELINE.test(lines[index] ?? ''));
  // Of two lines the second is the story, not a standfirst without one.
  return dateline ?? afterHeadline[1] ?? afterHeadline[0] ?? lines.length;
}

function dateInName(id: string): string | undefined {
  const match = DATE_IN_NAME.exec(id);
  return match === null ? undefined : `${match[1]}T${match[2] ?? '00'}:${match[3] ?? '00'}:00Z`;
}
