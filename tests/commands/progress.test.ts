import { describe, expect, test } from 'vitest';
import { timeLeft } from '../../src/commands/terminal.ts';

describe('the time left', () => {
  test.each([
    [{ done: 0, total: 1000, elapsed: 500 }, ''],
    [{ done: 0, total: 0, elapsed: 500 }, ''],
    [{ done: 10, total: undefined, elapsed: 500 }, ''],
    [{ done: 10, total: 0, elapsed: 500 }, ''],
    [{ done: 10, total: 1000, elapsed: 500 }, '50s left'],
    [{ done: 1, total: 1000, elapsed: 500 }, '8m20s left'],
    [{ done: 1, total: 100_000, elapsed: 500 }, '13h53m left'],
    [{ done: 999, total: 1000, elapsed: 10_000 }, '1s left'],
    [{ done: 1000, total: 1000, elapsed: 10_000 }, '0s left'],
    [{ done: 1001, total: 1000, elapsed: 10_000 }, '0s left'],
  ])('of %j is %j', (progress, expected) => {
    expect(timeLeft(progress)).toBe(expected);
  });
});
