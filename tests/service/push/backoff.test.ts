import { expect, test } from 'vitest';
import { backoff } from '../../../src/service/push/backoff.ts';
import { TokenBucket } from '../../../src/service/push/token-bucket.ts';

test.each([
  [0, 1000],
  [1, 2000],
  [5, 32_000],
  [9, 300_000],
  [1_000_000, 300_000],
])('after %i failures, the next attempt comes within %i ms', (failures, longest) => {
  expect(backoff(failures, 0)).toBe(0);
  expect(backoff(failures, 0.5)).toBe(longest / 2);
  expect(backoff(failures, 1)).toBe(longest);
});

test('a bucket gives as many tokens as it saves up, and then as many as its rate', () => {
  const bucket = new TokenBucket({ perMinute: 5, burst: 25 }, 0);
  expect(bucket.available(0)).toBe(25);
  bucket.take(0, 25);
  expect([bucket.available(0), bucket.readyAt(0)]).toEqual([0, 12_000]);
  expect([bucket.available(11_999), bucket.available(12_000)]).toEqual([0, 1]);
  bucket.take(12_000, 1);
  expect(bucket.readyAt(12_000)).toBe(24_000);
  expect(bucket.available(10 * 60_000)).toBe(25);
});

test('a clock that is set back gives no token', () => {
  const bucket = new TokenBucket({ perMinute: 60, burst: 1 }, 10_000);
  bucket.take(10_000, 1);
  expect(bucket.available(0)).toBe(0);
  expect(bucket.available(1000)).toBe(1);
});
