import { crc32 } from 'node:zlib';
import type { ByteRange } from './parse-messages.ts';

export type TextBuffer = ReturnType<typeof createTextBuffer>;

/**
 * Collects texts as UTF-8, each as soon as it exists. A text that lives until the end of a task costs the garbage collector
 * time, and bytes move between threads without a copy.
 *
 * @param size the expected number of bytes
 */
export function createTextBuffer(size: number) {
  const encoder = new TextEncoder();
  let bytes = new Uint8Array(size);
  let end = 0;
  return {
    add(text: string): ByteRange {
      const start = end;
      let { read, written } = encoder.encodeInto(text, bytes.subarray(start));
      if (read < text.length) {
        const larger = new Uint8Array(2 * bytes.length + 3 * text.length); // a UTF-16 unit has at most 3 bytes of UTF-8
        larger.set(bytes.subarray(0, start));
        bytes = larger;
        ({ read, written } = encoder.encodeInto(text, bytes.subarray(start)));
      }
      end = start + written;
      return { start, end };
    },
    /** The CRC-32 of a text. */
    checksum: ({ start, end: last }: ByteRange): number => crc32(bytes.subarray(start, last)),
    /** The bytes of all texts. The buffer cannot be used after that. */
    take: (): Uint8Array<ArrayBuffer> => new Uint8Array(bytes.buffer.transfer(end)),
  };
}
