import { createChunks } from './chunks.ts';

/** A line of a stream. */
export interface Line {
  /** From 1, blank lines included. */
  readonly number: number;
  /** Undefined where the line is longer than the limit. */
  readonly bytes: Buffer | undefined;
}

/**
 * The lines of a stream without the blank ones. Lines of one chunk form a group, so that the caller can keep them in one
 * transaction. Holds at most one line and one chunk in memory.
 *
 * @param limit the largest number of bytes in a line
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<readonly Line[]> {
  let number = 0;
  /** The beginning of a line whose end has not come; without its bytes where it is too long already. */
  const rest = createChunks();
  let length = 0;

  function endLine(bytes: Buffer): Line[] {
    number += 1;
    const isTooLong = length + bytes.length > limit;
    if (length > 0 && !isTooLong) rest.add(bytes);
    const whole = isTooLong ? undefined : length === 0 ? bytes : rest.take();
    rest.clear();
    length = 0;
    return whole === undefined || !isBlank(whole) ? [{ number, bytes: whole }] : [];
  }

  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const lines: Line[] = [];
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      lines.push(...endLine(bytes.subarray(start, end)));
      start = end + 1;
    }
    length += bytes.length - start;
    if (length > limit) rest.clear();
    else if (start < bytes.length) rest.add(bytes.subarray(start));
    if (lines.length > 0) yield lines;
  }
  const last = length > 0 ? endLine(Buffer.alloc(0)) : [];
  if (last.length > 0) yield last;
}

export const LINE_FEED = 0x0a;

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
