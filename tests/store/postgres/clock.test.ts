import { expect, test } from 'vitest';
import { ClockOffset } from '../../../src/store/postgres/clock.ts';

test('the clock is corrected by the question that was answered fastest', () => {
  const clock = new ClockOffset();
  expect(clock.milliseconds).toBeUndefined();
  clock.compare(1000, 2050, 1100); // 1,000 ahead, give or take 50
  expect(clock.milliseconds).toBe(1000);
  clock.compare(2000, 3400, 2700); // slow: it may be wrong by 350
  expect(clock.milliseconds).toBe(1000);
  clock.compare(4000, 4905, 4010); // fast: 900, give or take 5
  expect(clock.milliseconds).toBe(900);
  clock.compare(5000, 5912, 5004); // another 910: too little for a correction
  expect(clock.milliseconds).toBe(900);
});

test('a question of long ago does not count any more', () => {
  const clock = new ClockOffset();
  clock.compare(0, 500, 0);
  for (let question = 1; question <= 10; question += 1)
    clock.compare(question * 1000, question * 1000 + 105, question * 1000 + 10);
  expect(clock.milliseconds).toBe(100);
});
