import { isUtf8 } from 'node:buffer';

const SEQUENCES =
  /[\xC2-\xDF][\x80-\xBF]|\xE0[\xA0-\xBF][\x80-\xBF]|[\xE1-\xEC\xEE\xEF][\x80-\xBF]{2}|\xED[\x80-\x9F][\x80-\xBF]|\xF0[\x90-\xBF][\x80-\xBF]{2}|[\xF1-\xF3][\x80-\xBF]{3}|\xF4[\x80-\x8F][\x80-\xBF]{2}|[\x80-\xFF]/g;
/** A byte that is not UTF-8, in decoded text: half a character, which no valid byte gives. */
const STRAY_BYTES = /[\uDC80-\uDCFF]/gu;
const FIRST_STRAY = 0xdc00;

/** Decodes UTF-8 whose chunks may end within a character. Bytes that are not UTF-8 are kept as `strayBytes`. */
export function utf8Decoder(): (chunk: Buffer, isLast: boolean) => string {
  let rest: Buffer = Buffer.alloc(0);
  let isFirst = true;
  return (chunk, isLast) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = isLast ? bytes.length : bytes.length - unfinished(bytes);
    rest = bytes.subarray(end);
    const whole = bytes.subarray(0, end);
    const text = isUtf8(whole) ? whole.toString() : whole.toString('latin1').replace(SEQUENCES, decodeSequence);
    const isMarked = isFirst && text.startsWith('\uFEFF');
    isFirst &&= text === '';
    return isMarked ? text.slice(1) : text;
  };
}

function decodeSequence(bytes: string): string {
  return bytes.length === 1
    ? String.fromCharCode(FIRST_STRAY + bytes.charCodeAt(0))
    : Buffer.from(bytes, 'latin1').toString();
}

/** The number of bytes at the end that begin a character. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? back : 0;
  }
  return 0;
}

/** The index of the first byte that is not UTF-8; -1 if there is none. */
export function strayByteIn(text: string): number {
  return text.search(STRAY_BYTES);
}

/** The text with a replacement for each byte that is not UTF-8. */
export function withoutStrayBytes(text: string, replacement: (byte: number) => string): string {
  return text.replace(STRAY_BYTES, (character) => replacement(character.charCodeAt(0) - FIRST_STRAY));
}

const windows1252 = new TextDecoder('windows-1252');

/**
 * The text in Windows-1252 of bytes that were decoded as UTF-8. If most of its characters beyond ASCII were no UTF-8, the
 * others were it by chance: `é »` has the bytes of a Chinese character.
 */
export function asWindows(text: string): string {
  const others = count(text, /[\u0080-\uD7FF\uE000-\uFFFF]/g);
  if (count(text, STRAY_BYTES) < others) return withoutStrayBytes(text, windowsCharacter);
  const bytes = Buffer.alloc(Buffer.byteLength(text));
  let length = 0;
  let read = 0;
  for (const { 0: character, index } of text.matchAll(STRAY_BYTES)) {
    if (index > read) length += bytes.write(text.slice(read, index), length);
    length = bytes.writeUInt8(character.charCodeAt(0) - FIRST_STRAY, length);
    read = index + 1;
  }
  length += bytes.write(text.slice(read), length);
  return windows1252.decode(bytes.subarray(0, length));
}

/** The number of matches. There may be millions. */
function count(text: string, pattern: RegExp): number {
  let found = 0;
  for (const _ of text.matchAll(pattern)) found += 1;
  return found;
}

function windowsCharacter(byte: number): string {
  return windows1252.decode(Uint8Array.of(byte));
}

/** The bytes of Windows-1252's characters that have another number in Unicode. */
const WINDOWS_BYTES: ReadonlyMap<string, number> = new Map(
  Array.from({ length: 0x20 }, (_, index): [string, number] => [windowsCharacter(0x80 + index), 0x80 + index]),
);

/** A sequence of UTF-8 whose bytes were taken for characters of Windows-1252 or ISO 8859-1: `Ã©` for é. */
const DOUBLED =
  /[\u00C2-\u00F4][\u0080-\u00BF\u0152\u0153\u0160\u0161\u0178\u017D\u017E\u0192\u02C6\u02DC\u2013-\u203A\u20AC\u2122]/;

/**
 * The text that was meant by UTF-8 that was read in another encoding and encoded again; undefined for any other text. All
 * its characters must be such bytes, so that no real text is taken for one.
 */
export function undoubled(text: string): string | undefined {
  if (!DOUBLED.test(text)) return undefined;
  const bytes = Buffer.alloc(text.length);
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const byte = code < 0x100 ? code : WINDOWS_BYTES.get(text[index] ?? '');
    if (byte === undefined) return undefined;
    bytes[index] = byte;
  }
  return isUtf8(bytes) ? bytes.toString() : undefined;
}
