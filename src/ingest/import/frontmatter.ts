import { TEXT_FIELDS } from '../../article/record-fields.ts';
import { readYaml, type YamlText } from '../../lib/yaml.ts';
import { UnreadableRecord } from './record.ts';

export interface FrontMatter {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly locate: YamlText['locate'];
  readonly body: string;
  /** The line on which the body begins, from 1. */
  readonly bodyLine: number;
}

const DASHES = /^---[ \t]*$/;
/** The first field of front matter whose first line is forgotten. */
const FIELD = /^(?:title|url|publishedAt):[ \t]/;
/** Most characters of front matter. */
const MAX_FRONT_MATTER = 256 * 1024;

/**
 * Splits a text into its fields, the YAML block between two lines of `---` at its beginning, and the body below. A text
 * without such a block has no fields. Lines may end in any way that Unicode knows (§5.8).
 *
 * @throws UnreadableRecord if the block is not closed, is too long, is not YAML, holds no fields, or has a field `body`
 */
export function splitFrontMatter(file: string): FrontMatter {
  const text = withLineFeeds(file.replace(/^\uFEFF/, ''));
  const opening = endOfLine(text, 0);
  if (!DASHES.test(text.slice(0, opening))) {
    if (FIELD.test(text)) throw unreadable('front matter must begin with a line of three dashes (---)', 1);
    return { fields: {}, locate: () => ({ line: 1, column: 1 }), body: text, bodyLine: 1 };
  }
  const closing = closingDashes(text, opening + 1);
  // The file may be half written. As a story without fields it would be published before its embargo is read.
  if (closing === undefined) throw unreadable('front matter must end with a line of three dashes (---)', 1);
  const block = text.slice(opening + 1, closing);
  if (block.length > MAX_FRONT_MATTER)
    throw unreadable(`front matter must not be longer than ${MAX_FRONT_MATTER} characters`, 1);
  const bodyStart = endOfLine(text, closing) + 1;
  const yaml = readYaml(block, { firstLine: 2, isText });
  if (yaml.problems.length > 0) throw new UnreadableRecord(yaml.problems);
  const value = yaml.value ?? {};
  if (!isFields(value)) throw unreadable('front matter must hold fields, such as title: Ferry sold', 2);
  // An empty field is like a missing one.
  const fields = Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
  if (Object.hasOwn(fields, 'body')) {
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
    body: text.slice(bodyStart),
    bodyLine: text.slice(0, bodyStart).split('\n').length,
  };
}

/** The parser of records takes a number for text where its digits are the same, and reports it. */
function isText(field: string, value: number, source: string): boolean {
  return TEXT_FIELDS.has(field) && String(value) !== source;
}

/** The text with every line end as a line feed: old programs end lines with a carriage return alone. */
function withLineFeeds(text: string): string {
  return /[\r\v\f\u0085\u2028\u2029]/.test(text)
    ? text.replace(/\r\n?|[\v\f\u0085\u2028]/g, '\n').replaceAll('\u2029', '\n\n')
    : text;
}

/** The index of the line's end. */
function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end < 0 ? text.length : end;
}

/** The index of the line that ends front matter. */
function closingDashes(text: string, start: number): number | undefined {
  for (let dashes = start; dashes >= 0 && dashes < text.length; dashes = text.indexOf('\n---', dashes) + 1) {
    if (DASHES.test(text.slice(dashes, endOfLine(text, dashes)))) return dashes;
    if (text.indexOf('\n---', dashes) < 0) return undefined;
  }
  return undefined;
}

function unreadable(rule: string, line: number): UnreadableRecord {
  return new UnreadableRecord([{ field: '', rule, line }]);
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
