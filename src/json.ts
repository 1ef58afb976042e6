import { visit } from 'jsonc-parser';
import { type Problem, PublisherError, shown } from './errors.ts';

/** Deeper than any record, and far from where a recursive reader of it would fail. */
const MAX_DEPTH = 64;
/** Names in all objects together: far more than a record has, and few enough to look at each. */
const MAX_NAMES = 10_000;

/**
 * Reads JSON (RFC 8259) as strictly as data from outside wants it: UTF-8 and nothing else, no name twice in an object
 * (§4: what a reader makes of it is not defined), no bottomless nesting.
 *
 * @throws PublisherError `invalid_json` with line and column
 */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decode(bytes);
  if (depthOf(text) > MAX_DEPTH)
    throw invalid([{ field: '', rule: `must not be nested deeper than ${MAX_DEPTH} levels` }]);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(syntaxProblems(text, error));
  }
  const twice = namesTwice(text);
  if (twice.length > 0) throw invalid(twice);
  return value;
}

function invalid(problems: readonly Problem[]): PublisherError {
  return new PublisherError('invalid_json', 'This is not JSON that can be read.', { problems });
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw invalid([{ field: '', rule: 'must be UTF-8 (RFC 8259 §8.1)' }]);
  }
}

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const sign = text.charCodeAt(index);
    if (inString) {
      if (sign === 0x5c)
        index += 1; // backslash
      else if (sign === 0x22) inString = false;
    } else if (sign === 0x22) inString = true;
    else if (sign === 0x7b || sign === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (sign === 0x7d || sign === 0x5d) depth -= 1;
  }
  return deepest;
}

function syntaxProblems(text: string, error: unknown): Problem[] {
  const problems: Problem[] = [];
  visit(
    text,
    {
      onError: (_code, _offset, _length, line, column) => {
        problems.push({ field: '', rule: 'is not JSON here', line: line + 1, column: column + 1 });
      },
    },
    { disallowComments: true },
  );
  const [first] = problems;
  return [first ?? { field: '', rule: error instanceof Error ? error.message : 'is not JSON' }];
}

function namesTwice(text: string): Problem[] {
  const problems: Problem[] = [];
  const objects: Set<string>[] = [];
  let count = 0;
  visit(text, {
    onObjectBegin: () => {
      objects.push(new Set());
    },
    onObjectEnd: () => {
      objects.pop();
    },
    onObjectProperty: (name, _offset, _length, line, column) => {
      const names = objects.at(-1);
      count += 1;
      const place = { line: line + 1, column: column + 1 };
      if (names?.has(name)) problems.push({ field: shown(name), rule: 'stands twice in one object', ...place });
      if (count > MAX_NAMES)
        throw invalid([{ field: '', rule: `must not have more than ${MAX_NAMES} names`, ...place }]);
      names?.add(name);
    },
  });
  return problems;
}
