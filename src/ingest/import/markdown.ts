import { fieldPath } from '../../lib/problems.ts';
import { splitFrontMatter } from './frontmatter.ts';
import type { FileFacts, RawRecord } from './record.ts';

/** Markdown with YAML front matter; without a title there, the first heading is it. */
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
