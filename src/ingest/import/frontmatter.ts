import { readYaml, type YamlText } from '../../lib/yaml.ts';
import { UnreadableRecord } from './record.ts';

export interface FrontMatter {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly locate: YamlText['locate'];
  readonly body: string;
  /** The line the body begins at, from 1. */
  readonly bodyLine: number;
}

const FRONT_MATTER = /^---[ \t]*\n((?:.*\n)*?)---[ \t]*(?:\n|$)/;
const OPENING = /^---[ \t]*(?:\n|$)/;

/**
 * Parts a text from the YAML block between two lines of `---` at its beginning; without one there are no fields.
 *
 * @throws UnreadableRecord where the block is not closed, is not YAML, holds no fields, or a body besides the text below
 */
export function splitFrontMatter(file: string): FrontMatter {
  const text = file.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const match = FRONT_MATTER.exec(text);
  // It may be in the middle of being written: taken for a story, it would be out before its embargo is read.
  if (match === null && OPENING.test(text)) {
    throw new UnreadableRecord([{ field: '', rule: 'front matter is not closed', line: 1 }]);
  }
  if (match === null) return { fields: {}, locate: () => ({ line: 1, column: 1 }), body: text, bodyLine: 1 };
  const yaml = readYaml(match[1] ?? '', 2);
  if (yaml.problems.length > 0) throw new UnreadableRecord(yaml.problems);
  const value = yaml.value ?? {};
  if (!isFields(value)) throw new UnreadableRecord([{ field: '', rule: 'front matter must hold fields', line: 2 }]);
  // A field that is left empty is one that is not there.
  const fields = Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
  if ('body' in fields) {
    throw new UnreadableRecord([
      { field: 'body', rule: 'is the text below the front matter', ...yaml.locate(['body']) },
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
