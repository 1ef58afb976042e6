import { isUtf8 } from 'node:buffer';
import { visit } from 'jsonc-parser';
import { excerpt, type Problem, PublisherError } from '../errors.ts';

/** Levels of nesting. Deeper than any record, and far from the depth at which a recursive reader fails. */
const MAX_DEPTH = 64;
/** Names in all objects of a text: far more than a record has, and few enough to check each. */
const MAX_NAMES = 10_000;

/** JSON as a string or as UTF-8 bytes. Bytes from outside are stored without a conversion to a string and back. */
export type JsonText = string | Uint8Array;

/** The JSON as a string. */
export function jsonString(json: JsonText): string {
  return typeof json === 'string' ? json : Buffer.from(json.buffer, json.byteOffset, json.length).toString();
}

/**
 * Parses JSON (RFC 8259) with the strictness that data from outside needs: bytes must be UTF-8, an object must not have a
 * name twice (§4 leaves the meaning open), and nesting is limited.
 *
 * @throws PublisherError `invalid_json` with line and column
 */
export function parseJson(json: JsonText): unknown {
  return parseText(typeof json === 'string' ? json : decodeJson(json));
}

/**
 * Parses a part of a text, such as one element of a list, as if it stood alone.
 *
 * @throws PublisherError `invalid_json` with line and column in the whole text
 */
export function parseJsonPart(text: string, { start, end, line, column }: JsonPart): unknown {
  try {
    return parseText(text.slice(start, end));
  } catch (error) {
    if (!(error instanceof PublisherError)) throw error;
    throw invalid(
      error.problems.map((problem) => ({
        ...problem,
        line: line + (problem.line ?? 1) - 1,
        column: (problem.column ?? 1) + ((problem.line ?? 1) === 1 ? column - 1 : 0),
      })),
    );
  }
}

/** A position in a text; lines and columns count from 1. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

/** A part of a text, with the position of its start. */
export interface JsonPart extends TextPosition {
  readonly start: number;
  readonly end: number;
}

function parseText(text: string): unknown {
  const { tooDeep, names } = scan(text);
  if (tooDeep !== undefined) {
    const rule = `must not be nested deeper than ${MAX_DEPTH} levels`;
    throw invalid([{ field: '', rule, ...positionsIn(text)(tooDeep) }]);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid([syntaxProblem(text, error)]);
  }
  if (names > MAX_NAMES) {
    const position = positionsIn(text)(namesIn(text)[MAX_NAMES]?.start ?? 0);
    throw invalid([{ field: '', rule: `must not have more than ${MAX_NAMES} names`, ...position }]);
  }
  // The parsed value has a duplicate name only once. To find the name is slow, and needed only in this case.
  if (countNames(value) < names) throw invalid(duplicateNames(text, namesIn(text)));
  return value;
}

function invalid(problems: readonly Problem[]): PublisherError {
  return new PublisherError('invalid_json', 'This is not JSON that can be read.', { problems });
}

/** The bytes without a byte order mark, which some programs write and a parser may ignore (RFC 8259 §8.1). */
export function withoutByteOrderMark(bytes: Uint8Array): Uint8Array {
  const isMarked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return isMarked ? bytes.subarray(3) : bytes;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Decodes the bytes of a JSON text, without a byte order mark.
 *
 * @throws PublisherError `invalid_json` where they are not UTF-8
 */
export function decodeJson(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalid([{ field: '', rule: 'must be UTF-8 (RFC 8259 §8.1)', ...strayBytePosition(bytes) }]);
  }
}

/** The position of the first byte that is not UTF-8. */
function strayBytePosition(bytes: Uint8Array): TextPosition {
  let line = 1;
  let start = 0;
  const content = Buffer.from(withoutByteOrderMark(bytes));
  for (let end = content.indexOf(LINE_FEED); end >= 0; end = content.indexOf(LINE_FEED, start)) {
    if (!isUtf8(content.subarray(start, end))) break;
    line += 1;
    start = end + 1;
  }
  return { line, column: strayByteColumn(content.subarray(start)) };
}

const REPLACEMENT = '\uFFFD';
const REPLACEMENT_BYTES = Buffer.from(REPLACEMENT);

function strayByteColumn(bytes: Buffer): number {
  const text = bytes.toString();
  let offset = 0;
  let from = 0;
  for (let index = text.indexOf(REPLACEMENT); index >= 0; index = text.indexOf(REPLACEMENT, from)) {
    offset += Buffer.byteLength(text.slice(from, index));
    if (!bytes.subarray(offset, offset + 3).equals(REPLACEMENT_BYTES)) return index + 1;
    offset += 3; // the text has this character itself
    from = index + 1;
  }
  return text.length + 1;
}

/** A name in a text, with its quotes, and the number of the object that it is in. */
interface Name {
  readonly object: number;
  readonly start: number;
  readonly end: number;
}

/**
 * The offset at which a text is nested too deeply, and the number of names in it. If the text is not JSON, only the offset
 * has a meaning.
 *
 * @param onName receives each name in the order of the text
 */
function scan(
  text: string,
  onName?: (name: Name) => void,
): { readonly tooDeep: number | undefined; readonly names: number } {
  const objects: number[] = [];
  let count = 0;
  let tooDeep: number | undefined;
  let names = 0;
  let start = 0;
  let end = 0;
  for (let index = 0; index < text.length; index += 1) {
    const character = text.charCodeAt(index);
    if (character === QUOTE) {
      start = index;
      end = endOfString(text, index);
      index = end - 1;
    } else if (character === COLON) {
      names += 1;
      onName?.({ object: objects.at(-1) ?? 0, start, end });
    } else if (character === OPEN_BRACE || character === OPEN_BRACKET) {
      objects.push(++count);
      if (objects.length > MAX_DEPTH) tooDeep ??= index;
    } else if (character === CLOSE_BRACE || character === CLOSE_BRACKET) objects.pop();
  }
  return { tooDeep, names };
}

/** The names in a text, at most one more than `MAX_NAMES`. */
function namesIn(text: string): readonly Name[] {
  const names: Name[] = [];
  scan(text, (name) => {
    if (names.length <= MAX_NAMES) names.push(name);
  });
  return names;
}

function countNames(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const parts: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  let count = Array.isArray(value) ? 0 : parts.length;
  for (const part of parts) count += countNames(part);
  return count;
}

const QUOTE = 0x22;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACE = 0x7d;
const CLOSE_BRACKET = 0x5d;
const BACKSLASH = 0x5c;
const LINE_FEED = 0x0a;

/** The offset after the closing quote of the string that starts at `start`; the end of the text without such a quote. */
export function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return end + 1;
  }
  return text.length;
}

/** Characters of a text that is read again for the position of its error. */
const MAX_VISITED = 16 * 1024 * 1024;

/**
 * The problem of a text that `JSON.parse` refuses, with its position.
 *
 * @param error from `JSON.parse`
 */
export function syntaxProblem(text: string, error: unknown): Problem {
  const found = text.length > MAX_VISITED ? undefined : firstErrorIn(text);
  return { field: '', rule: 'is not JSON here', ...(found ?? positionsIn(text)(errorOffset(text, error))) };
}

function firstErrorIn(text: string): TextPosition | undefined {
  let first: TextPosition | undefined;
  const onError = (_code: unknown, _offset: number, _length: number, line: number, column: number) => {
    first ??= { line: line + 1, column: column + 1 };
  };
  visit(text, { onError }, { disallowComments: true });
  return first;
}

/** V8 names most offsets in its message. Without one, the text ends too early, or its first token is wrong. */
function errorOffset(text: string, error: unknown): number {
  const message = error instanceof Error ? error.message : '';
  const [, offset] = / at position (\d+)/.exec(message) ?? [];
  return Math.min(offset === undefined ? text.length : Number(offset), text.length);
}

function duplicateNames(text: string, names: readonly Name[]): Problem[] {
  const known = new Set<string>();
  const positionOf = positionsIn(text);
  return names.flatMap(({ object, start, end }): Problem[] => {
    const spelling = text.slice(start, end);
    const name = spelling.includes('\\') ? (JSON.parse(spelling) as string) : spelling.slice(1, -1);
    const key = `${object} ${name}`;
    if (known.has(key)) return [{ field: excerpt(name), rule: 'stands twice in one object', ...positionOf(start) }];
    known.add(key);
    return [];
  });
}

/** Converts ascending offsets to positions. It scans the text once, whatever the number of offsets. */
export function positionsIn(text: string): (offset: number) => TextPosition {
  let line = 1;
  let lineStart = 0;
  let lineEnd = text.indexOf('\n');
  return (offset) => {
    while (lineEnd >= 0 && lineEnd < offset) {
      line += 1;
      lineStart = lineEnd + 1;
      lineEnd = text.indexOf('\n', lineStart);
    }
    return { line, column: offset - lineStart + 1 };
  };
}
