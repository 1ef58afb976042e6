import { expect, test } from 'vitest';
import { planRestart } from '../../src/service/restart.ts';

test.each<[number[], number, number[], number | undefined]>([
  [[], 0, [0], 100],
  [[0], 1000, [0, 1000], 200],
  [[0, 1000], 2000, [0, 1000, 2000], 400],
  [[0, 1000, 2000], 3000, [0, 1000, 2000, 3000], 800],
  [[0, 1000, 2000, 3000], 4000, [0, 1000, 2000, 3000, 4000], undefined],
  [[0], 59_999, [0, 59_999], 200],
  [[0], 60_000, [60_000], 100],
  [[0, 1000, 2000, 3000], 60_000, [1000, 2000, 3000, 60_000], 800],
  [[0, 1000, 2000, 3000], 100_000, [100_000], 100],
])('after crashes at %j, a crash at %i leaves %j and waits %s ms', (crashes, now, recent, delay) => {
  expect(planRestart(crashes, now)).toEqual({ crashes: recent, delay });
});
