import { expect, test } from 'vitest';
import { createHeapGrowth } from '../../src/service/heap.ts';
import { manualTimers } from '../document/manual-timers.ts';
import { START_FLAGS } from '../start-flags.ts';

function growth(flags: readonly string[]) {
  const set: string[] = [];
  const timers = manualTimers();
  return { set, timers, waiting: createHeapGrowth({ flags, setFlag: (flag) => set.push(flag), timers }) };
}

test('the heap grows less while a thousand requests wait, and as before when few have waited for a minute', () => {
  const { set, timers, waiting } = growth(START_FLAGS);
  waiting(999);
  expect(set).toEqual([]);
  waiting(1000);
  waiting(1001);
  expect(set).toEqual(['--heap-growing-percent=25']);
  timers.pass(60_000); // a thousand waited in this minute
  waiting(10);
  expect(set).toHaveLength(1);
  timers.pass(60_000);
  expect(set).toEqual(['--heap-growing-percent=25', '--heap-growing-percent=60']);
  waiting(5000);
  expect(set.at(-1)).toBe('--heap-growing-percent=25');
});

test.each([
  { flags: [], why: 'V8 decides' },
  { flags: ['--heap-growing-percent=20'], why: 'the operator lets it grow even less' },
  { flags: ['--heap-growing-percent=60', '--heap_growing_percent=10'], why: 'the last flag counts' },
])('no flag is set where $why', ({ flags }) => {
  const { set, timers, waiting } = growth(flags);
  waiting(5000);
  timers.pass(60_000);
  expect(set).toEqual([]);
});
