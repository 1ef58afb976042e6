import { isNode, LineCounter, parseDocument, type Scalar, visit } from 'yaml';
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

/** Digits behind a zero, such as 007, are no number: YAML 1.1 reads them as octal, and YAML 1.2 drops the zeros. */
function keepLeadingZeros(scalar: Scalar): void {
  const { source, type } = scalar;
  if (type === 'PLAIN' && source !== undefined && /^0\d+$/.test(source)) scalar.value = source;
}

/**
 * Parses YAML 1.2, which includes JSON, and keeps the positions of values. A duplicate key is a problem.
 *
 * @param firstLine the number of the text's first line within its file
 */
export function readYaml(text: string, firstLine = 1): YamlText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const positionOf = (offset: number): TextPosition => {
    const { line, col } = lines.linePos(offset);
    return { line: line + firstLine - 1, column: col };
  };
  const problems = [...document.errors, ...document.warnings].map((error) => ({
    field: '',
    rule: error.message,
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
    visit(document, { Scalar: (_, scalar) => void keepLeadingZeros(scalar) });
    // A few lines of aliases can stand for gigabytes.
    return { value: document.toJS({ maxAliasCount: 100 }), problems, locate };
  } catch (error) {
    const rule = error instanceof Error ? error.message : 'cannot be read';
    return { value: undefined, problems: [{ field: '', rule, ...positionOf(0) }], locate };
  }
}
