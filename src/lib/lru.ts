import { LRUCache } from 'lru-cache';

/**
 * A cache of at most `max` values, which evicts the least recently used one. It grows with its values: with its own option
 * `max`, LRUCache makes room for all of them at once, which takes 4 ms and 1 MB for 50,000.
 */
export function createLru<Key extends object | string | number, Value extends object | string>(
  max: number,
): LRUCache<Key, Value> {
  return new LRUCache({ maxSize: max, sizeCalculation: () => 1 });
}
