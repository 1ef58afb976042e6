import { expect, test } from 'vitest';
import { createTurns } from '../../../src/store/sqlite/write-lock.ts';

test('writes come in the order of their calls, also where an earlier one waits or fails', async () => {
  const inTurn = createTurns();
  const { promise: lock, resolve: unlock } = Promise.withResolvers<void>();
  const written: string[] = [];
  const write = (name: string, before: Promise<void> = Promise.resolve()) =>
    inTurn(async () => {
      await before;
      written.push(name);
      if (name === 'second') throw new Error('full');
      return name;
    });
  const all = [write('first', lock), write('second'), write('third')];
  unlock();

  expect((await Promise.allSettled(all)).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(written).toEqual(['first', 'second', 'third']);
});

test('a write that need not wait begins at once', () => {
  const inTurn = createTurns();
  let hasBegun = false;
  void inTurn(async () => {
    hasBegun = true;
  });

  expect(hasBegun).toBe(true);
});
