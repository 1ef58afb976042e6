import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { type CacheCounts, createByteCache } from './byte-cache.ts';
import type { Coding } from './content-codings.ts';
import type { CachedDocument, Validity } from './current-documents.ts';
import { concatenate, type Document } from './document.ts';
import { FEW } from './encoded-body.ts';
import { type Representations, represent } from './representation.ts';

/** A document without its bytes, which are packed, and the codings that were made of it. */
interface PackedDocument extends Omit<Validity, 'until'> {
  readonly document: Omit<Document, 'bytes'>;
  readonly packed: Buffer;
  readonly length: number;
  readonly digest: string;
  readonly codings: readonly (readonly [Coding, Buffer])[];
  until: number;
}

export interface PackedDocuments {
  /** Takes a document that leaves the cache, unless it is so small that making it again costs as much, or too large. */
  readonly add: (name: string, document: CachedDocument) => void;
  /** Until when a document is current that is here. */
  readonly validityOf: (name: string) => Validity | undefined;
  /** The document as it was before it was packed. It stays here. */
  readonly unpack: (name: string, onGrow: (made: Representations) => void) => CachedDocument | undefined;
  readonly delete: (name: string) => void;
  /** Marks a document as no longer current. */
  readonly outdate: (name: string) => void;
  /** Removes the documents for which `isCurrent` returns false. */
  readonly removeOutdated: (isCurrent: (validity: Validity) => boolean) => void;
  readonly counts: () => CacheCounts;
}

/** Bytes of the largest document that is packed: a millisecond's work. */
const LARGEST = 512 * 1024;
/** Bytes that a packed document takes besides its bytes and codings; and each of its entries. */
const OVERHEAD = 1024;
const ENTRY = 80;

/**
 * Keeps the documents that were evicted from a cache, compressed: they take a fifth of the memory, and to unpack one takes a
 * tenth of the time of making it again. Level 1, because nobody receives these bytes.
 *
 * @param maxBytes memory that the documents may take; 0 keeps none
 */
export function createPackedDocuments(maxBytes: number): PackedDocuments {
  const { lru, counts } = createByteCache<PackedDocument>(maxBytes, ({ packed, codings, document }) =>
    codings.reduce((sum, [, bytes]) => sum + bytes.length, OVERHEAD + ENTRY * document.entries.length + packed.length),
  );

  return {
    add(name, { representations, from, until, edition }) {
      const { document, digest, body } = representations;
      const { bytes, ...rest } = document;
      if (maxBytes < OVERHEAD || bytes.length <= FEW || bytes.length > LARGEST) return;
      const codings = body.made().filter(([coding]) => coding !== 'identity');
      const kept = { document: rest, packed: pack(bytes), length: bytes.length, digest, codings, from, until };
      lru.set(name, omitUndefined({ ...kept, edition }));
    },
    validityOf: (name) => lru.peek(name),
    unpack(name, onGrow) {
      const kept = lru.get(name);
      if (kept === undefined) return undefined;
      const { from, until, edition, digest, codings } = kept;
      const document = { ...kept.document, bytes: bytesOf(kept) };
      const representations: Representations = represent(document, {
        onGrow: () => onGrow(representations),
        digest,
        codings,
      });
      return omitUndefined({ representations, from, until, requests: 0, edition });
    },
    delete: (name) => lru.delete(name),
    outdate(name) {
      const kept = lru.peek(name);
      if (kept !== undefined) kept.until = Number.NEGATIVE_INFINITY;
    },
    removeOutdated(isCurrent) {
      for (const [name, kept] of [...lru.entries()]) if (!isCurrent(kept)) lru.delete(name);
    },
    counts,
  };
}

function pack(bytes: Buffer): Buffer {
  const packed = zstdCompressSync(bytes, {
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
    pledgedSrcSize: bytes.length,
  });
  const own = Buffer.allocUnsafeSlow(packed.length); // zlib returns a part of a larger piece of memory
  packed.copy(own);
  return own;
}

/** In memory of their own, as `joinDocument` would have made them. */
function bytesOf({ packed, length }: PackedDocument): Buffer {
  return concatenate([zstdDecompressSync(packed, { chunkSize: Math.max(constants.Z_MIN_CHUNK, length + 1) })]);
}
