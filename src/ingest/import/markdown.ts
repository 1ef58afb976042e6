import { fieldPath } from '../../lib/problems.ts';
import { splitFrontMatter } from './frontmatter.ts';
import type { FileFacts, RawRecord } from './record.ts';

/**
 * Reads Markdown with YAML front matter. Without a title there, a heading at the beginning of the text is the title.
 *
 * @throws UnreadableRecord for front matter that cannot be read
 */
export function readMarkdown(text: string, { id }: FileFacts): RawRecord {
  const { fields, body, bodyLine, locate } = splitFrontMatter(text);
  const heading = Object.hasOwn(fields, 'title') ? undefined : headingOf(body);
  const record = {
    id,
    ...(heading === undefined ? {} : { title: heading.title }),
    bodyFormat: 'markdown',
    ...fields,
    body: heading === undefined ? body : heading.rest,
  };
  return {
    record,
    idIsFromPath: !Object.hasOwn(fields, 'id'),
    locate: (field) => (field === 'body' ? { line: bodyLine } : locate(fieldPath(field))),
  };
}

/** The heading at the beginning of a text, which may end with number signs as well (CommonMark §4.2), and the rest. */
function headingOf(body: string): { readonly title: string; readonly rest: string } | undefined {
  const text = body.trimStart();
  const end = text.indexOf('\n');
  const line = (end < 0 ? text : text.slice(0, end)).trim();
  if (!/^#[ \t]/.test(line)) return undefined;
  const words = line.slice(1).trim();
  let open = words.length;
  while (words[open - 1] === '#') open -= 1;
  const isClosed = open > 0 && /[ \t]/.test(words[open - 1] ?? '');
  const title = isClosed ? words.slice(0, open).trim() : words;
  return title === '' ? undefined : { title, rest: end < 0 ? '' : text.slice(end + 1) };
}
