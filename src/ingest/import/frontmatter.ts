import { readYaml, type YamlText } from '../../lib/yaml.ts';
import { UnreadableRecord } from './record.ts';

export interface FrontMatter {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly locate: YamlText['locate'];
  readonly body: string;
  /** The line on which the body begins, from 1. */
  readonly bodyLine: number;
}

const FRONT_MATTER = /^---[ \t]*\n((?:.*\n)*?)---[ \t]*(?:\n|$)/;
const OPENING = /^---[ \t]*(?:\n|$)/;

/**
 * Splits a text into its fields, the YAML block between two lines of `---` at its beginning, and the body below. A text
 * without such a block has no fields.
 *
 * @throws UnreadableRecord if the block is not closed, is not YAML, holds no fields, or has a field `body`
 */
export function splitFrontMatter(file: string): FrontMatter {
  const text = file.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const match = FRONT_MATTER.exec(text);
  // The file may be half written. As a story without fields it would be published before its embargo is read.
  if (match === null && OPENING.test(text)) {
    throw new UnreadableRecord([
      { field: '', rule: 'front matter must end with a line of three dashes (---)', line: 1 },
    ]);
  }
  if (match === null) return { fields: {}, locate: () => ({ line: 1, column: 1 }), body: text, bodyLine: 1 };
  const yaml = readYaml(match[1] ?? '', 2);
  if (yaml.problems.length > 0) throw new UnreadableRecord(yaml.problems);
  const value = yaml.value ?? {};
  if (!isFields(value))
    throw new UnreadableRecord([
      { field: '', rule: 'front matter must hold fields, such as title: Ferry sold', line: 2 },
    ]);
  // An empty field is like a missing one.
  const fields = Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
  if ('body' in fields) {
    throw new UnreadableRecord([
      {
        field: 'body',
        rule: 'must not be in the front matter: the body is the text below it',
        ...yaml.locate(['body']),
      },
    ]);
  }
  return {
    fields,
    locate: yaml.locate,
    body: text.slice(match[0].length),
    bodyLine: match[0].split('\n').length,
  };
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
