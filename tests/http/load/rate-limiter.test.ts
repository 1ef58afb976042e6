import { describe, expect, test } from 'vitest';
import { createRateLimiter } from '../../../src/http/load/rate-limiter.ts';

/** One token a second, ten at once, on a clock that stands until it is set. */
function limiterAt({ clients = 100 } = {}) {
  const clock = { now: 0 };
  return { clock, limiter: createRateLimiter({ perMinute: 60, burst: 10 }, { clients, now: () => clock.now }) };
}

function takeAll(limiter: ReturnType<typeof createRateLimiter>, client: string): number {
  let taken = 0;
  while (limiter.take(client, 1)) taken += 1;
  return taken;
}

describe('a bucket', () => {
  test('is full at first, and holds no more than that after a year', () => {
    const { clock, limiter } = limiterAt();
    expect(takeAll(limiter, 'a')).toBe(10);
    clock.now = 365 * 24 * 3_600_000;
    expect(takeAll(limiter, 'a')).toBe(10);
  });

  test.each([
    [0, 0],
    [999, 0],
    [1000, 1],
    [5500, 5],
    [10_000, 10],
    [11_000, 10],
  ])('that is empty holds after %i ms %i tokens', (milliseconds, tokens) => {
    const { clock, limiter } = limiterAt();
    takeAll(limiter, 'a');
    clock.now = milliseconds;
    expect(takeAll(limiter, 'a')).toBe(tokens);
  });

  test('gives 160 shares of a sixteenth for ten tokens', () => {
    const { limiter } = limiterAt();
    let taken = 0;
    while (limiter.take('a', 0.0625)) taken += 1;
    expect(taken).toBe(160);
  });

  test('that holds less than the cost is left as it is', () => {
    const { limiter } = limiterAt();
    expect([limiter.take('a', 11), takeAll(limiter, 'a')]).toEqual([false, 10]);
  });

  test('takes back what was not spent, and never holds more than at first', () => {
    const { limiter } = limiterAt();
    takeAll(limiter, 'a');
    limiter.giveBack('a', 2);
    expect(takeAll(limiter, 'a')).toBe(2);
    limiter.giveBack('a', 1000);
    expect(takeAll(limiter, 'a')).toBe(10);
  });

  test('that is empty may owe as much as it holds when it is full, and has to be paid back first', () => {
    const { clock, limiter } = limiterAt();
    takeAll(limiter, 'a');
    let owed = 0;
    while (limiter.overdraw('a', 1)) owed += 1;
    expect([owed, limiter.take('a', 0.01), limiter.retryAfter('a')]).toEqual([10, false, 15]);
    limiter.giveBack('a', 0.5);
    expect([limiter.overdraw('a', 1), limiter.overdraw('a', 0.5)]).toEqual([false, true]);
    clock.now = 10_500;
    expect([limiter.take('a', 1), limiter.take('a', 0.5)]).toEqual([false, true]);
  });

  test('is nobody else’s', () => {
    const { limiter } = limiterAt();
    takeAll(limiter, 'a');
    expect(limiter.take('b', 1)).toBe(true);
  });

  test.each([
    [0, 5],
    [1, 5],
    [1000, 4],
    [4001, 1],
    [60_000, 1],
  ])('that is empty is half full again, %i ms later, in %i seconds', (milliseconds, seconds) => {
    const { clock, limiter } = limiterAt();
    takeAll(limiter, 'a');
    clock.now = milliseconds;
    expect(limiter.retryAfter('a')).toBe(seconds);
  });
});

test('200,000 clients leave no more behind than are remembered, the last that were heard of', () => {
  const { limiter } = limiterAt({ clients: 1000 });
  takeAll(limiter, 'regular');
  for (let client = 0; client < 200_000; client += 1) {
    limiter.take(`stranger ${client}`, 1);
    if (client % 500 === 0) limiter.take('regular', 1);
  }

  expect(limiter.size()).toBe(1000);
  expect([limiter.take('regular', 1), limiter.take('stranger 199999', 10)]).toEqual([false, false]);
  expect(limiter.take('stranger 0', 10)).toBe(true); // forgotten
});

test('50,000 clients are remembered unless it is said otherwise', () => {
  const limiter = createRateLimiter({ perMinute: 60, burst: 10 });
  for (let client = 0; client < 60_000; client += 1) limiter.take(String(client), 1);
  expect(limiter.size()).toBe(50_000);
});
