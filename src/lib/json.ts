import { visit } from 'jsonc-parser';
import { type Problem, PublisherError, shown } from '../errors.ts';

/** Deeper than any record, and far from where a recursive reader of it would fail. */
const MAX_DEPTH = 64;
/** Names in all objects together: far more than a record has, and few enough to look at each. */
const MAX_NAMES = 10_000;

/** JSON as text, or as its UTF-8: what came in bytes is kept without being made into text and back. */
export type JsonText = string | Uint8Array;

export function textOf(json: JsonText): string {
  return typeof json === 'string' ? json : Buffer.from(json.buffer, json.byteOffset, json.length).toString();
}

/**
 * Reads JSON (RFC 8259) as strictly as data from outside wants it: UTF-8 and nothing else, no name twice in an object
 * (§4: what a reader makes of it is not defined), no bottomless nesting.
 *
 * @throws PublisherError `invalid_json` with line and column
 */
export function parseJson(bytes: Uint8Array): unknown {
  return parseJsonText(jsonText(bytes));
}

/**
 * Reads a part of a text, such as one element of a list, as if it stood alone.
 *
 * @throws PublisherError `invalid_json` with line and column in the whole text
 */
export function parseJsonPart(text: string, { start, end, line, column }: JsonPart): unknown {
  try {
    return parseJsonText(text.slice(start, end));
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

/** A part of a text, and the place of its beginning. */
export interface JsonPart extends Place {
  readonly start: number;
  readonly end: number;
}

interface Place {
  readonly line: number;
  readonly column: number;
}

function parseJsonText(text: string): unknown {
  const { depth, names } = structureOf(text);
  if (depth > MAX_DEPTH) throw invalid([{ field: '', rule: `must not be nested deeper than ${MAX_DEPTH} levels` }]);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(syntaxProblems(text, error));
  }
  if (names > MAX_NAMES) {
    const place = placesIn(text)(namesOf(text)[MAX_NAMES]?.start ?? 0);
    throw invalid([{ field: '', rule: `must not have more than ${MAX_NAMES} names`, ...place }]);
  }
  // A name that stands twice is once in the value. Which it is matters only then.
  if (countNames(value) < names) throw invalid(namesTwice(text, namesOf(text)));
  return value;
}

function invalid(problems: readonly Problem[]): PublisherError {
  return new PublisherError('invalid_json', 'This is not JSON that can be read.', { problems });
}

/** The bytes without the mark of UTF-8 that some programs begin a file with, which readers of JSON may ignore (§8.1). */
export function withoutMark(bytes: Uint8Array): Uint8Array {
  const isMarked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return isMarked ? bytes.subarray(3) : bytes;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** @throws PublisherError `invalid_json` */
export function jsonText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalid([{ field: '', rule: 'must be UTF-8 (RFC 8259 §8.1)' }]);
  }
}

/** A name's place in the text, its quotes included, and the object it stands in. */
interface Name {
  readonly object: number;
  readonly start: number;
  readonly end: number;
}

/**
 * How deep a text nests, and how many names are in it. Of a text that is no JSON only the depth means something.
 *
 * @param tell told of each name in its turn
 */
function structureOf(text: string, tell?: (name: Name) => void): { readonly depth: number; readonly names: number } {
  const objects: number[] = [];
  let count = 0;
  let depth = 0;
  let names = 0;
  let start = 0;
  let end = 0;
  for (let index = 0; index < text.length; index += 1) {
    const sign = text.charCodeAt(index);
    if (sign === QUOTE) {
      start = index;
      end = endOfString(text, index);
      index = end - 1;
    } else if (sign === COLON) {
      names += 1;
      tell?.({ object: objects.at(-1) ?? 0, start, end });
    } else if (sign === BRACE || sign === BRACKET) {
      objects.push(++count);
      depth = Math.max(depth, objects.length);
    } else if (sign === END_OF_BRACE || sign === END_OF_BRACKET) objects.pop();
  }
  return { depth, names };
}

/** The names in a text, at most one more than are allowed. */
function namesOf(text: string): readonly Name[] {
  const names: Name[] = [];
  structureOf(text, (name) => {
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
const BRACE = 0x7b;
const BRACKET = 0x5b;
const END_OF_BRACE = 0x7d;
const END_OF_BRACKET = 0x5d;
const BACKSLASH = 0x5c;

/** The place behind a string's last quote. */
export function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes += 1;
    if (escapes % 2 === 0) return end + 1;
  }
  return text.length;
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

function namesTwice(text: string, names: readonly Name[]): Problem[] {
  const known = new Set<string>();
  const placeOf = placesIn(text);
  return names.flatMap(({ object, start, end }): Problem[] => {
    const spelling = text.slice(start, end);
    const name = spelling.includes('\\') ? (JSON.parse(spelling) as string) : spelling.slice(1, -1);
    const key = `${object} ${name}`;
    if (known.has(key)) return [{ field: shown(name), rule: 'stands twice in one object', ...placeOf(start) }];
    known.add(key);
    return [];
  });
}

/** Tells places, each behind the one before: a text is gone through once however many are asked for. */
export function placesIn(text: string): (offset: number) => Place {
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
