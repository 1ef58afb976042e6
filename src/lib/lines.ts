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
  let rest: Buffer[] = [];
  let length = 0;

  function endLine(bytes: Buffer): Line[] {
    number += 1;
    const isTooLong = length + bytes.length > limit;
    const whole = isTooLong ? undefined : rest.length === 0 ? bytes : Buffer.concat([...rest, bytes]);
    rest = [];
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
    if (length > limit) rest = [];
    else if (start < bytes.length) rest.push(bytes.subarray(start));
    if (lines.length > 0) yield lines;
  }
  const last = length > 0 ? endLine(Buffer.alloc(0)) : [];
  if (last.length > 0) yield last;
}

export const LINE_FEED = 0x0a;

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
