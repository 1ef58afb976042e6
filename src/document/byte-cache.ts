import { LRUCache } from 'lru-cache';

/** The state of a cache. */
export interface CacheCounts {
  readonly count: number;
  readonly bytes: number;
  /** Values that had to make room for others, since the start. */
  readonly evicted: number;
}

interface ByteCache<Value extends object> {
  readonly lru: LRUCache<string, Value>;
  readonly counts: () => CacheCounts;
}

/**
 * A cache that holds values up to a number of bytes and evicts the least recently used ones.
 *
 * @param sizeOf bytes of a value, at least 1; asked once, when the value is set
 */
export function createByteCache<Value extends object>(
  maxBytes: number,
  sizeOf: (value: Value, name: string) => number,
): ByteCache<Value> {
  let evicted = 0;
  const lru = new LRUCache<string, Value>({
    maxSize: Math.max(1, Math.floor(maxBytes)),
    sizeCalculation: sizeOf,
    dispose: (_value, _name, reason) => {
      if (reason === 'evict') evicted += 1;
    },
  });
  return { lru, counts: () => ({ count: lru.size, bytes: lru.calculatedSize, evicted }) };
}
