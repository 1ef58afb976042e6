import { promisify } from 'node:util';
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib';
import type { Coding } from './content-codings.ts';

/** Bytes in each coding, made once it is asked for and off the event loop. */
export interface EncodedBody {
  readonly identity: Buffer;
  readonly bytes: (coding: Coding) => Promise<Buffer>;
  /** The bytes in that coding where they are made already. */
  readonly getIfReady: (coding: Coding) => Buffer | undefined;
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
        [constants.BROTLI_PARAM_LGWIN]: windowFor(bytes.length, BROTLI_WINDOWS),
      },
    }),
  zstd: (bytes) =>
    promisify(zstdCompress)(bytes, {
      params: { [constants.ZSTD_c_compressionLevel]: 6 },
      pledgedSrcSize: bytes.length,
    }),
  gzip: (bytes) => {
    const windowBits = windowFor(bytes.length, GZIP_WINDOWS);
    return promisify(gzip)(bytes, { level: 6, windowBits, memLevel: Math.min(8, windowBits - 6) });
  },
};

interface Windows {
  readonly least: number;
  readonly most: number;
}

const BROTLI_WINDOWS: Windows = { least: constants.BROTLI_MIN_WINDOW_BITS, most: constants.BROTLI_DEFAULT_WINDOW };
const GZIP_WINDOWS: Windows = { least: 9, most: 15 };

/** The window that holds so many bytes, as a power of two: a larger one takes memory and time, and finds nothing more. */
function windowFor(bytes: number, { least, most }: Windows): number {
  return Math.min(most, Math.max(least, 32 - Math.clz32(bytes)));
}

/** Compressions at once: as many as Node has threads for, 4 of its own accord. What waits for one takes memory all the time. */
const MOST_AT_ONCE = Number(process.env.UV_THREADPOOL_SIZE) || 4;
let underWay = 0;

/** Whether there is a thread for a compression that nobody waits for. */
export function mayCompress(): boolean {
  return underWay < MOST_AT_ONCE;
}

/** What is kept must take no more memory than its length: zlib hands out the room it wrote into, 16 KiB at least. */
function withoutRoom(bytes: Buffer): Buffer {
  if (bytes.length === bytes.buffer.byteLength) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}

/** @param grown told when another coding is made */
export function createEncodedBody(identity: Buffer, grown: () => void = () => {}): EncodedBody {
  const made = new Map<Coding, Buffer>([['identity', identity]]);
  const making = new Map<Coding, Promise<Buffer>>();

  async function make(coding: Exclude<Coding, 'identity'>): Promise<Buffer> {
    underWay += 1;
    try {
      const bytes = withoutRoom(await compress[coding](identity));
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
    getIfReady: (coding) => made.get(coding),
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
