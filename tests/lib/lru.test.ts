import fc from 'fast-check';
import { LRUCache } from 'lru-cache';
import { expect, test } from 'vitest';
import { createLru } from '../../src/lib/lru.ts';

test('a cache keeps what LRUCache keeps that makes room for all values at once', () => {
  const steps = fc.array(fc.tuple(fc.nat(1), fc.nat(9)), { maxLength: 60 });
  fc.assert(
    fc.property(fc.nat(4), steps, (more, calls) => {
      const max = more + 1;
      const [lru, other] = [createLru<number, string>(max), new LRUCache<number, string>({ max })];
      for (const [isSet, key] of calls) {
        if (isSet === 1) for (const cache of [lru, other]) cache.set(key, `${key}`);
        else expect(lru.get(key)).toBe(other.get(key));
        expect([...lru.keys()]).toEqual([...other.keys()]);
      }
    }),
  );
});

test('a cache makes room for the values that it has alone', () => {
  expect(() => new LRUCache({ max: 2 ** 40 })).toThrow(RangeError);
  const lru = createLru<string, string>(2 ** 40);
  lru.set('a', 'value');
  expect(lru.get('a')).toBe('value');
});
