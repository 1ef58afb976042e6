import { promisify } from 'node:util';
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib';
import type { Coding } from './content-codings.ts';

/** Bytes in each content coding. A coding is made when it is first asked for, outside the event loop. */
export interface EncodedBody {
  readonly identity: Buffer;
  /** The bytes in that coding. Makes them once, however many callers wait. */
  readonly bytes: (coding: Coding) => Promise<Buffer>;
  /** The bytes in that coding if they are made; otherwise undefined. */
  readonly getIfReady: (coding: Coding) => Buffer | undefined;
  /** The codings that are made or being made. */
  readonly codings: () => readonly Coding[];
  /** Bytes in memory, of all codings that are made. */
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

/** The exponent of the smallest window for so many bytes: a larger window costs memory and time, and saves no byte. */
function windowFor(bytes: number, { least, most }: Windows): number {
  return Math.min(most, Math.max(least, 32 - Math.clz32(bytes)));
}

/** Node's threads for compressions, 4 by default. A compression that waits for a thread takes memory all the time. */
const THREADS = Number(process.env.UV_THREADPOOL_SIZE) || 4;
let running = 0;

/** Whether a thread is free. If not, begin no compression that nobody waits for. */
export function mayCompress(): boolean {
  return running < THREADS;
}

/** The same bytes in memory of their length: zlib returns a part of the memory that it wrote into, at least 16 KiB. */
function trimmed(bytes: Buffer): Buffer {
  if (bytes.length === bytes.buffer.byteLength) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}

/** @param onGrow called when another coding has been made */
export function createEncodedBody(identity: Buffer, onGrow: () => void = () => {}): EncodedBody {
  const made = new Map<Coding, Buffer>([['identity', identity]]);
  const making = new Map<Coding, Promise<Buffer>>();

  async function make(coding: Exclude<Coding, 'identity'>): Promise<Buffer> {
    running += 1;
    try {
      const bytes = trimmed(await compress[coding](identity));
      made.set(coding, bytes);
      onGrow();
      return bytes;
    } finally {
      running -= 1;
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
      const promise = making.get(coding) ?? make(coding);
      making.set(coding, promise);
      return promise;
    },
  };
}
