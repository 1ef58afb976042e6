import { isNode, LineCounter, parseDocument } from 'yaml';
import type { Problem } from '../errors.ts';

type Path = readonly PropertyKey[];

export interface YamlText {
  readonly value: unknown;
  /** Syntax errors, with their place. Where there are any, `value` is undefined. */
  readonly problems: readonly Problem[];
  /** Where the value at a path stands, or the nearest thing around it that is there. */
  readonly locate: (path: Path) => { line: number; column: number };
}

/** Reads YAML 1.2, and so JSON, keeping the places of its values. Keys that stand twice are a problem. */
export function readYaml(text: string, firstLine = 1): YamlText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: line + firstLine - 1, column: col };
  };
  const problems = [...document.errors, ...document.warnings].map((error) => ({
    field: '',
    rule: error.message,
    ...place(error.pos[0]),
  }));
  const locate = (path: Path) => {
    for (let length = path.length; length > 0; length -= 1) {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return place(node.range[0]);
    }
    return place(0);
  };
  if (problems.length > 0) return { value: undefined, problems, locate };
  try {
    // A few lines of aliases can stand for gigabytes.
    return { value: document.toJS({ maxAliasCount: 100 }), problems, locate };
  } catch (error) {
    const rule = error instanceof Error ? error.message : 'cannot be read';
    return { value: undefined, problems: [{ field: '', rule, ...place(0) }], locate };
  }
}
