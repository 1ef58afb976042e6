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
  const heading = fields.title === undefined ? /^\s*#[ \t]+(.+?)(?:[ \t]+#+)?[ \t]*(?:\n|$)/.exec(body) : null;
  const record = {
    id,
    ...(heading === null ? {} : { title: heading[1] }),
    bodyFormat: 'markdown',
    ...fields,
    body: heading === null ? body : body.slice(heading[0].length),
  };
  return {
    record,
    idIsFromPath: !('id' in fields),
    locate: (field) => (field === 'body' ? { line: bodyLine } : locate(fieldPath(field))),
  };
}
