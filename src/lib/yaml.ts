import {
  isNode,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  type Scalar,
  stringify,
  visit,
  type YAMLError,
} from 'yaml';
import type { Problem } from '../errors.ts';
import type { TextPosition } from './json.ts';

type Path = readonly PropertyKey[];

export interface YamlText {
  readonly value: unknown;
  /** Syntax errors with their positions. If there are any, `value` is undefined. */
  readonly problems: readonly Problem[];
  /** The position of the value at a path; without such a value, that of the nearest value around it. */
  readonly locate: (path: Path) => TextPosition;
}

const MEANT = 'has a sign with a meaning in YAML: put the text in quotation marks';

/** What an editor can do about a syntax error, by the code of the parser, whose own text is for those who know YAML. */
const RULES: ReadonlyMap<YAMLError['code'], string> = new Map([
  ['DUPLICATE_KEY', 'has a name that stands here already: keep one of them'],
  [
    'BLOCK_AS_IMPLICIT_KEY',
    'has a second colon or a list on the line of a name: put text with a colon in quotation marks, and a list on lines of its own',
  ],
  [
    'MULTILINE_IMPLICIT_KEY',
    'has a line without a colon: write “name: value”, and put a text of several lines in quotation marks',
  ],
  ['MISSING_CHAR', 'lacks a sign: a colon after a name, a comma, a bracket, a space or a closing quotation mark'],
  ['UNEXPECTED_TOKEN', 'has a sign that YAML does not allow here: put the text in quotation marks'],
  ['BAD_INDENT', 'is not in one column with the lines that belong to it: give them the same number of spaces'],
  ['TAB_AS_INDENT', 'begins with a tab: use spaces'],
  ['BAD_DQ_ESCAPE', 'has a backslash with a meaning in quotation marks: write it twice, or use single quotation marks'],
  ['MULTIPLE_DOCS', 'must be one document: remove the line “---” in it'],
  ['KEY_OVER_1024_CHARS', 'has a name of more than 1024 characters'],
  ['BAD_SCALAR_START', MEANT],
  ['BAD_ALIAS', MEANT],
  ['ALIAS_PROPS', MEANT],
  ['BAD_PROP_ORDER', MEANT],
  ['BAD_DIRECTIVE', MEANT],
  ['MULTIPLE_ANCHORS', MEANT],
  ['MULTIPLE_TAGS', MEANT],
  ['TAG_RESOLVE_FAILED', MEANT],
  ['BAD_COLLECTION_TYPE', MEANT],
]);

function ruleOf({ code, message }: YAMLError): string {
  return `${RULES.get(code) ?? 'is not valid YAML'} (${message})`;
}

/** Digits behind a zero, such as 007, are no number: YAML 1.1 reads them as octal, and YAML 1.2 drops the zeros. */
function keepLeadingZeros(scalar: Scalar): void {
  const { source, type } = scalar;
  if (type === 'PLAIN' && source !== undefined && /^0\d+$/.test(source)) scalar.value = source;
}

function keepText(
  scalar: Scalar,
  path: readonly unknown[],
  isText: (field: string, value: number, source: string) => boolean,
): void {
  const { value, source, type } = scalar;
  if (typeof value !== 'number' || type !== 'PLAIN' || source === undefined) return;
  const field = path.findLast((node) => isPair(node))?.key;
  if (isScalar(field) && isText(String(field.value), value, source)) scalar.value = source;
}

/** A text as YAML on one line, in quotation marks where it needs them. */
export function yamlText(text: string): string {
  return stringify(text, { lineWidth: 0, blockQuote: false }).trimEnd();
}

interface YamlOptions {
  /** The number of the text's first line within its file; 1 by default. */
  readonly firstLine?: number;
  /** Whether a number stays as it is written, as text: `1.10` is 1.1. By the name of its field, or of the list that it is in. */
  readonly isText?: (field: string, value: number, source: string) => boolean;
}

/** Parses YAML 1.2, which includes JSON, and keeps the positions of values. A duplicate key is a problem. */
export function readYaml(text: string, { firstLine = 1, isText }: YamlOptions = {}): YamlText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const positionOf = (offset: number): TextPosition => {
    const { line, col } = lines.linePos(offset);
    return { line: line + firstLine - 1, column: col };
  };
  const problems = [...document.errors, ...document.warnings].map((error) => ({
    field: '',
    rule: ruleOf(error),
    ...positionOf(error.pos[0]),
  }));
  const locate = (path: Path) => {
    for (let length = path.length; length > 0; length -= 1) {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return positionOf(node.range[0]);
    }
    return positionOf(0);
  };
  if (problems.length > 0) return { value: undefined, problems, locate };
  try {
    visit(document, {
      Scalar: (key, scalar, path) => {
        keepLeadingZeros(scalar);
        if (isText !== undefined && key !== 'key') keepText(scalar, path, isText);
      },
    });
    // A few lines of aliases can stand for gigabytes.
    return { value: document.toJS({ maxAliasCount: 100 }), problems, locate };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const rule = `must name each anchor (&) before its aliases (*), and use few of them (${reason})`;
    return { value: undefined, problems: [{ field: '', rule, ...positionOf(0) }], locate };
  }
}
