import { crc32 } from 'node:zlib';
import type { JsonText } from '../../lib/json.ts';

/** A value of a column. */
export type Value = string | number | null | Uint8Array;

/** Characters up to which a loop is faster than a call of `crc32`. */
const SHORT = 256;

/** The checksum of a row: 32 bits of its columns, their types and the lengths of texts. Bytes and long texts count with their CRC-32. */
export function rowChecksum(columns: readonly Value[]): number {
  let bits = columns.length;
  for (const column of columns) {
    if (typeof column === 'number') bits = mixed(mixed(bits + 1, column), column / HALF);
    else if (typeof column === 'string') bits = mixedText(bits + 2, column);
    else
      bits = column === null ? mixed(bits + 3, 0) : mixed(bits + 4, column.length === 0 ? 0 : crc32(bytesOf(column)));
  }
  return finish(bits) >>> 0;
}

/** FNV-1a. A store has no half of a surrogate pair. */
function mixedText(start: number, column: string): number {
  const text = column.isWellFormed() ? column : column.toWellFormed();
  if (text.length > SHORT) return mixed(start, crc32(text));
  let bits = mixed(start, text.length);
  for (let index = 0; index < text.length; index += 1) bits = Math.imul(bits ^ text.charCodeAt(index), 0x01000193);
  return bits;
}

/** The checksum of a text, as UTF-8. */
export function textChecksum(text: JsonText): number {
  return crc32(bytesOf(text));
}

/** A damaged row has whatever type it says. */
function bytesOf(text: unknown): JsonText {
  return typeof text === 'string' || text instanceof Uint8Array ? text : String(text);
}

/** The checksum of an article, from that of its text, in the row of this revision: the text of another one does not match. */
export function articleChecksum(text: number, revision: number): number {
  return (text ^ Math.imul(revision, 0x9e3779b1)) >>> 0;
}

/** The checksum of a record, from that of its text, in the row of the article with this id. */
export function recordChecksum(text: number, id: string): number {
  return (text ^ rowChecksum([id])) >>> 0;
}

/** Stands for null in `rowHash`; no column has it. */
const NULL = Number.MAX_SAFE_INTEGER;

/** 48 bits of the columns of a row. Sums of them show whether rows are missing, doubled or changed. */
export function rowHash(
  first: number,
  second: number | null = 0,
  third: number | null = 0,
  fourth: number | null = 0,
  fifth: number | null = 0,
): number {
  let one = 0x9e3779b9;
  let two = 0x85ebca6b;
  one = mixed(one, first);
  two = mixed(two ^ one, first / HALF);
  one = mixed(one + two, second ?? NULL);
  two = mixed(two ^ one, (second ?? NULL) / HALF);
  one = mixed(one + two, third ?? NULL);
  two = mixed(two ^ one, (third ?? NULL) / HALF);
  one = mixed(one + two, fourth ?? NULL);
  two = mixed(two ^ one, (fourth ?? NULL) / HALF);
  one = mixed(one + two, fifth ?? NULL);
  two = mixed(two ^ one, (fifth ?? NULL) / HALF);
  one = finish(one ^ two);
  two = finish(two + Math.imul(one, 0x9e3779b1));
  return (one >>> 0) * 0x10000 + (two >>> 16);
}

/** A number has up to 53 bits: its lower 32, and the rest. */
const HALF = 0x100000000;

/** A step of MurmurHash3, with the lower 32 bits of a value. */
function mixed(bits: number, value: number): number {
  const product = Math.imul(bits ^ value, 0xcc9e2d51);
  return (product << 15) | (product >>> 17);
}

/** The end of MurmurHash3: each bit of the result depends on each bit of the value. */
function finish(value: number): number {
  let bits = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

/** The columns of `article` that its checksum is of, in this order. */
export interface ArticleHead {
  readonly id: string;
  readonly public_id: string;
  readonly revision: number;
  readonly published: number;
  readonly updated: number;
  readonly expires: number | null;
  readonly withdrawn: number | null;
  readonly erased: number;
}

export function headChecksum(head: ArticleHead): number {
  const { id, public_id, revision, published, updated, expires, withdrawn, erased } = head;
  return rowChecksum([id, public_id, revision, published, updated, expires, withdrawn, erased]);
}
