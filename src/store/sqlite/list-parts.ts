import { rowHash } from './checksums.ts';

/**
 * A row of a list: up to five numbers. The first two are its key, by which the list is ordered.
 *
 * Checksums of rows do not show that a row is missing or doubled. Therefore the owner of each list keeps, for each part of
 * the list, how many rows the part has and the sum of their hashes. Whoever reads rows reads the whole parts that hold them.
 */
export type ListRow = readonly [number, number, (number | null)?, (number | null)?, (number | null)?];

export type Key = readonly [number, number];

/** The rows from `low` on, up to the next part. The first part also has all rows before it, so that none can be outside. */
export interface Part {
  low: Key;
  count: number;
  sum: number;
}

export interface Parts {
  /** In the order of their keys. */
  readonly parts: Part[];
  /** No row has a higher key. */
  readonly high: [number, number];
}

/** Sums of hashes are of 48 bits. */
const MODULUS = 2 ** 48;
/** Rows of a part at least: after so many, a row at an end of the list begins a new part. */
const SMALL = 256;

export const LOWEST: Key = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
export const HIGHEST: Key = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];

export function emptyParts(): Parts {
  return { parts: [], high: [...LOWEST] };
}

export function isBefore(one: Key | ListRow, other: Key): boolean {
  return one[0] < other[0] || (one[0] === other[0] && one[1] < other[1]);
}

export function hashOf(row: ListRow): number {
  return rowHash(row[0], row[1], row[2], row[3], row[4]);
}

/** The sum after a row was added, or removed with a negative sign. */
export function addHash(sum: number, hash: number, sign: 1 | -1): number {
  return (sum + sign * hash + MODULUS) % MODULUS;
}

/** The number of the part that has, or would have, a key. */
export function partOf({ parts }: Parts, key: Key | ListRow): number {
  let from = 0;
  let to = parts.length - 1;
  while (from < to) {
    const middle = (from + to + 1) >> 1;
    if (isBefore(key, parts[middle]?.low ?? HIGHEST)) to = middle - 1;
    else from = middle;
  }
  return from;
}

export function countOf({ parts }: Parts): number {
  return parts.reduce((count, part) => count + part.count, 0);
}

/** @param hash that of the row, if the caller has it already */
export function addRow(list: Parts, row: ListRow, hash: number = hashOf(row)): void {
  const { parts, high } = list;
  const key = row[0];
  const second = row[1];
  const last = parts[parts.length - 1];
  const isHighest = high[0] < key || (high[0] === key && high[1] < second);
  if (isHighest) {
    high[0] = key;
    high[1] = second;
  }
  if (last === undefined || (isHighest && last.count >= SMALL)) {
    parts.push({ low: [key, second], count: 1, sum: hash });
    return;
  }
  if (!isBefore(row, last.low)) change(last, hash, 1);
  else addBelow(list, row, hash);
}

/** Adds a row to a part that is not the last. */
function addBelow(list: Parts, row: ListRow, hash: number): void {
  const { parts } = list;
  const [first] = parts;
  if (first === undefined || !isBefore(row, first.low)) {
    const part = parts[partOf(list, row)];
    if (part !== undefined) change(part, hash, 1);
  } else if (first.count >= SMALL) parts.unshift({ low: [row[0], row[1]], count: 1, sum: hash });
  else {
    first.low = [row[0], row[1]];
    change(first, hash, 1);
  }
}

/** @returns false where the list cannot have the row */
export function removeRow(list: Parts, row: ListRow): boolean {
  const index = partOf(list, row);
  const part = list.parts[index];
  if (part === undefined) return false;
  change(part, hashOf(row), -1);
  if (part.count === 0 && part.sum === 0) list.parts.splice(index, 1);
  if (list.parts.length === 0) [list.high[0], list.high[1]] = LOWEST;
  return part.count > 0 || part.sum === 0;
}

function change(part: Part, hash: number, sign: 1 | -1): void {
  part.count += sign;
  part.sum = addHash(part.sum, hash, sign);
}

/**
 * Splits parts that are too large, and joins parts that are needlessly small. The newest parts, which are read most, are
 * small. A list of a million rows has about 350 parts.
 *
 * @param readPart reads and checks the rows of a part, in the order of their keys; without it, no part is split
 */
export function balance(list: Parts, readPart?: (index: number) => readonly ListRow[]): void {
  const { parts } = list;
  const most = 8 * Math.sqrt(countOf(list));
  let newer = 0;
  for (let index = parts.length - 1; index >= 0; index -= 1) {
    const part = parts[index];
    if (part === undefined) return;
    const allowed = Math.max(2 * SMALL, Math.min(newer, most));
    const below = parts[index - 1];
    newer += part.count;
    if (part.count > allowed && readPart !== undefined)
      parts.splice(index, 1, ...split(readPart(index), part.low, allowed / 2));
    else if (below !== undefined && part.count + below.count <= allowed / 2) {
      below.count += part.count;
      below.sum = addHash(below.sum, part.sum, 1);
      newer -= part.count;
      parts.splice(index, 1);
    }
  }
}

function split(rows: readonly ListRow[], low: Key, size: number): Part[] {
  const pieces = Math.ceil(rows.length / size);
  const parts: Part[] = [];
  for (const [index, row] of rows.entries()) {
    const last = parts.at(-1);
    const isDue = index >= (parts.length * rows.length) / pieces;
    const before = rows[index - 1];
    const isNewKey = before === undefined || before[0] !== row[0] || before[1] !== row[1];
    if (last === undefined || (isDue && isNewKey))
      parts.push({ low: last === undefined ? low : [row[0], row[1]], count: 1, sum: hashOf(row) });
    else change(last, hashOf(row), 1);
  }
  return parts;
}

/** Numbers of a part. */
const WIDTH = 4;

/** Of most feeds, most lists are empty. */
const NO_BYTES = new Uint8Array();

export function encodeParts({ parts, high }: Parts): Uint8Array {
  if (parts.length === 0) return NO_BYTES;
  const numbers = new Float64Array(parts.length * WIDTH + 2);
  let end = 0;
  for (const { low, count, sum } of parts) {
    numbers[end] = low[0];
    numbers[end + 1] = low[1];
    numbers[end + 2] = count;
    numbers[end + 3] = sum;
    end += WIDTH;
  }
  numbers[end] = high[0];
  numbers[end + 1] = high[1];
  return new Uint8Array(numbers.buffer);
}

/** Only of bytes whose checksum matches. */
export function decodeParts(bytes: Uint8Array): Parts {
  const numbers = new Float64Array(bytes.slice().buffer);
  const parts: Part[] = [];
  const number = (index: number) => numbers[index] ?? 0;
  let start = 0;
  for (; start + WIDTH < numbers.length; start += WIDTH) {
    parts.push({ low: [number(start), number(start + 1)], count: number(start + 2), sum: number(start + 3) });
  }
  return parts.length === 0 ? emptyParts() : { parts, high: [number(start), number(start + 1)] };
}
