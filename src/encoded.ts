import { promisify } from 'node:util';
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib';
import type { Coding } from './codings.ts';

/** Bytes in each coding, made once it is asked for and off the event loop. */
export interface Encoded {
  readonly identity: Buffer;
  readonly bytes: (coding: Coding) => Promise<Buffer>;
  /** The bytes in that coding where they are made already. */
  readonly atHand: (coding: Coding) => Buffer | undefined;
  /** The codings they are made in, or being made. */
  readonly codings: () => readonly Coding[];
  /** Bytes of all codings that are made. */
  readonly size: () => number;
}

const compress: Record<Exclude<Coding, 'identity'>, (bytes: Buffer) => Promise<Buffer>> = {
  br: (bytes) =>
    promisify(brotliCompress)(bytes, {
      params: {
        [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
        [constants.BROTLI_PARAM_QUALITY]: 6,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
        [constants.BROTLI_PARAM_LGWIN]: windowFor(bytes.length),
      },
    }),
  zstd: (bytes) => promisify(zstdCompress)(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 6 } }),
  gzip: (bytes) => promisify(gzip)(bytes, { level: 6 }),
};

/** The window that holds so many bytes, as a power of two: a larger one takes megabytes and finds nothing more. */
function windowFor(bytes: number): number {
  return Math.min(constants.BROTLI_DEFAULT_WINDOW, Math.max(constants.BROTLI_MIN_WINDOW_BITS, 32 - Math.clz32(bytes)));
}

/** Compressions at once: as many as Node has threads for. What waits for one takes memory all the time. */
const MOST_AT_ONCE = 4;
let underWay = 0;

/** Whether there is a thread for a compression that nobody waits for. */
export function mayCompress(): boolean {
  return underWay < MOST_AT_ONCE;
}

/** @param grown told when another coding is made */
export function encoded(identity: Buffer, grown: () => void = () => {}): Encoded {
  const made = new Map<Coding, Buffer>([['identity', identity]]);
  const making = new Map<Coding, Promise<Buffer>>();

  async function make(coding: Exclude<Coding, 'identity'>): Promise<Buffer> {
    underWay += 1;
    try {
      const bytes = await compress[coding](identity);
      made.set(coding, bytes);
      grown();
      return bytes;
    } finally {
      underWay -= 1;
      making.delete(coding);
    }
  }

  return {
    identity,
    atHand: (coding) => made.get(coding),
    codings: () => [...made.keys(), ...making.keys()],
    size: () => made.values().reduce((sum, bytes) => sum + bytes.length, 0),
    bytes(coding) {
      const known = made.get(coding);
      if (known !== undefined || coding === 'identity') return Promise.resolve(known ?? identity);
      const begun = making.get(coding) ?? make(coding);
      making.set(coding, begun);
      return begun;
    },
  };
}
