import { expect, test } from 'vitest';
import { createYieldToLoop, NEVER_YIELD } from '../../src/lib/yield-to-loop.ts';

const nextRound = () => new Promise((resolve) => setImmediate(resolve));

/** Work in pieces that take some time by a clock of its own, and the pieces that ran in each round of the event loop. */
function roundsOf(pieces: string, takes: number) {
  const clock = { now: 0 };
  const yieldToLoop = createYieldToLoop(() => clock.now);
  const done: string[] = [];
  const work = [...pieces].map(async (piece) => {
    await yieldToLoop();
    for (const _ of [1, 2, 3]) await null; // the work stands behind promises
    clock.now += takes;
    done.push(piece);
  });
  return {
    all: Promise.all(work),
    async round() {
      const before = done.length;
      await nextRound();
      return done.slice(before).join('');
    },
  };
}

test.each<[takes: number, rounds: string[]]>([
  [0, ['abcdefg', '', '']],
  [1, ['abcde', 'fg', '']],
  [2, ['abc', 'def', 'g']],
  [5, ['a', 'b', 'c']],
  [50, ['a', 'b', 'c']],
])('pieces of %i ms run in their order, and the event loop goes round after 5 ms', async (takes, rounds) => {
  const { round, all } = roundsOf('abcdefg', takes);

  expect([await round(), await round(), await round()]).toEqual(rounds);
  await all;
});

test('a thread without other work never waits for the event loop', async () => {
  let rounds = 0;
  const counting = setImmediate(() => {
    rounds += 1;
  });
  for (let piece = 0; piece < 100; piece += 1) await NEVER_YIELD();
  clearImmediate(counting);

  expect(rounds).toBe(0);
});
