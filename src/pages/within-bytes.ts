import type { Html } from './html.ts';

/** Bytes of some HTML. */
export function bytesOf(parts: readonly Html[]): number {
  return parts.reduce((sum, part) => sum + Buffer.byteLength(String(part)), 0);
}

/** The first parts that have no more than a number of bytes together. */
export function firstWithin(parts: Iterable<Html>, bytes: number): Html[] {
  const first: Html[] = [];
  let size = 0;
  for (const part of parts) {
    size += Buffer.byteLength(String(part));
    if (size > bytes) break;
    first.push(part);
  }
  return first;
}

/** The length that each text may have at most, so that all together have no more than a number of bytes. */
export function fairShare(lengths: readonly number[], bytes: number): number {
  let left = bytes;
  let share = 0;
  for (const [index, length] of lengths.toSorted((one, other) => one - other).entries()) {
    share = left / (lengths.length - index);
    if (length > share) return Math.max(0, Math.floor(share));
    left -= length;
  }
  return Number.POSITIVE_INFINITY;
}
