import { promisify } from 'node:util';
import {
  type BrotliOptions,
  brotliCompress,
  brotliCompressSync,
  constants,
  gzip,
  gzipSync,
  type ZlibOptions,
  type ZstdOptions,
  zstdCompress,
  zstdCompressSync,
} from 'node:zlib';
import type { Coding } from './content-codings.ts';

/** Bytes in each content coding. A coding is made when it is first asked for: outside the event loop, unless they are few. */
export interface EncodedBody {
  readonly identity: Buffer;
  /** The bytes in that coding. Makes them once, however many callers wait. */
  readonly bytes: (coding: Coding) => Promise<Buffer>;
  /** The bytes in that coding if they are made, or made at once because they are few; otherwise undefined. */
  readonly getIfReady: (coding: Coding) => Buffer | undefined;
  /** Notes that a client wants that coding. Returns whether one has wanted it before. */
  readonly wasWanted: (coding: Coding) => boolean;
  /** The codings that are made or being made. */
  readonly codings: () => readonly Coding[];
  /** Bytes in memory, of all codings that are made. */
  readonly size: () => number;
}

type Compressed = Exclude<Coding, 'identity'>;

/** The levels are chosen by measurement: docs/decisions/0028-long-tail.md. */
const LEVEL = 6;

const inThread: Record<Compressed, (bytes: Buffer) => Promise<Buffer>> = {
  br: (bytes) => promisify(brotliCompress)(bytes, brotliOptions(bytes.length)),
  zstd: (bytes) => promisify(zstdCompress)(bytes, zstdOptions(bytes.length)),
  gzip: (bytes) => promisify(gzip)(bytes, gzipOptions(bytes.length)),
};

const atOnce: Record<Compressed, (bytes: Buffer) => Buffer> = {
  br: (bytes) => brotliCompressSync(bytes, brotliOptions(bytes.length)),
  zstd: (bytes) => zstdCompressSync(bytes, zstdOptions(bytes.length)),
  gzip: (bytes) => gzipSync(bytes, gzipOptions(bytes.length)),
};

/** Bytes that are compressed in the event loop. To hand them to a thread, and to take the result, takes it as long. */
export const FEW = 8 * 1024;

function brotliOptions(length: number): BrotliOptions {
  return {
    params: {
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_QUALITY]: LEVEL,
      [constants.BROTLI_PARAM_SIZE_HINT]: length,
      [constants.BROTLI_PARAM_LGWIN]: windowFor(length, BROTLI_WINDOWS),
    },
  };
}

function zstdOptions(length: number): ZstdOptions {
  return { params: { [constants.ZSTD_c_compressionLevel]: LEVEL }, pledgedSrcSize: length };
}

function gzipOptions(length: number): ZlibOptions {
  const windowBits = windowFor(length, GZIP_WINDOWS);
  return { level: LEVEL, windowBits, memLevel: Math.min(8, windowBits - 6) };
}

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
  const wanted = new Set<Coding>();

  async function make(coding: Compressed): Promise<Buffer> {
    running += 1;
    try {
      return keep(coding, await inThread[coding](identity));
    } finally {
      running -= 1;
      making.delete(coding);
    }
  }

  function keep(coding: Compressed, compressed: Buffer): Buffer {
    const bytes = trimmed(compressed);
    made.set(coding, bytes);
    onGrow();
    return bytes;
  }

  function getIfReady(coding: Coding): Buffer | undefined {
    const known = made.get(coding);
    if (known !== undefined || coding === 'identity' || identity.length > FEW) return known;
    return keep(coding, atOnce[coding](identity));
  }

  return {
    identity,
    getIfReady,
    wasWanted(coding) {
      const before = wanted.has(coding);
      wanted.add(coding);
      return before;
    },
    codings: () => [...made.keys(), ...making.keys()],
    size: () => made.values().reduce((sum, bytes) => sum + bytes.length, 0),
    async bytes(coding) {
      const known = getIfReady(coding);
      if (known !== undefined || coding === 'identity') return known ?? identity;
      const promise = making.get(coding) ?? make(coding);
      making.set(coding, promise);
      return promise;
    },
  };
}
