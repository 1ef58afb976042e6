import { expect, test } from 'vitest';
import { createRewarmer, type HotDocument } from '../../src/document/rewarmer.ts';
import { manualTimers, settle } from './manual-timers.ts';

const DELAY = 50;

/** A rewarmer, and the names that it rewarmed; `x` cannot be rewarmed, and `slow` ends when a test says so. */
function workshop() {
  const timers = manualTimers();
  const rewarmed: string[] = [];
  const failed: unknown[] = [];
  let finishSlow = () => {};
  const rewarmer = createRewarmer({
    async rewarm(name) {
      rewarmed.push(name);
      if (name === 'x') throw new Error('x');
      if (name === 'slow') await new Promise<void>((resolve) => (finishSlow = resolve));
    },
    fail: (error) => failed.push(error),
    timers,
  });
  const add = (name: string, requests = 1) => {
    const document: HotDocument = { key: name, format: 'rss', requests, codings: [] };
    rewarmer.add(name, document);
    rewarmer.schedule();
  };
  const pass = async (milliseconds: number) => {
    timers.pass(milliseconds);
    await settle();
  };
  return { ...rewarmer, add, pass, rewarmed, failed, finishSlow: () => finishSlow() };
}

test.each([
  ['the most requested first', { a: 1, b: 3, c: 2 }, ['b', 'c', 'a']],
  ['the others as well if one fails', { a: 3, x: 2, b: 1 }, ['a', 'x', 'b']],
  ['none', {}, []],
])('rewarms %s', async (_, requests: Readonly<Record<string, number>>, expected) => {
  const { add, pass, rewarmed, failed } = workshop();
  for (const [name, count] of Object.entries(requests)) add(name, count);
  await pass(DELAY - 1);
  expect(rewarmed).toEqual([]);
  await pass(1);
  await settle();
  expect(rewarmed).toEqual(expected);
  expect(failed).toEqual('x' in requests ? [new Error('x')] : []);
  await pass(DELAY);
  expect(rewarmed).toHaveLength(expected.length);
});

test('a document that is added twice in the delay is rewarmed once, with its last count', async () => {
  const { add, pass, rewarmed } = workshop();
  add('a', 1);
  add('b', 2);
  add('a', 3);
  await pass(DELAY);
  expect(rewarmed).toEqual(['a', 'b']);
});

test('later documents do not postpone the rewarming', async () => {
  const { add, pass, rewarmed } = workshop();
  add('a', 2);
  await pass(DELAY - 1);
  add('b', 1);
  await pass(1);
  expect(rewarmed).toEqual(['a', 'b']);
});

test('a document that is added during a rewarming is rewarmed after it', async () => {
  const { add, pass, rewarmed, finishSlow } = workshop();
  add('slow');
  await pass(DELAY);
  add('a');
  await pass(DELAY);
  expect(rewarmed).toEqual(['slow']);
  finishSlow();
  await settle();
  await pass(DELAY);
  expect(rewarmed).toEqual(['slow', 'a']);
});

test('only the hundred most requested documents are rewarmed', async () => {
  const { add, pass, rewarmed } = workshop();
  for (let count = 1; count <= 130; count += 1) add(`feed-${count}`, count);
  await pass(DELAY);
  while (rewarmed.length < 100) await settle();
  await settle();
  expect(rewarmed).toEqual(Array.from({ length: 100 }, (_, index) => `feed-${130 - index}`));
});

test('closing waits for the document that is being rewarmed, and begins no other', async () => {
  const { add, pass, close, rewarmed, finishSlow } = workshop();
  add('slow', 2);
  add('a', 1);
  await pass(DELAY);
  let isClosed = false;
  const closing = close().then(() => {
    isClosed = true;
  });
  await settle();
  expect(isClosed).toBe(false);
  finishSlow();
  await closing;
  add('b');
  await pass(DELAY);
  expect(rewarmed).toEqual(['slow']);
});

test('closing cancels a rewarming that has not begun', async () => {
  const { add, pass, close, rewarmed } = workshop();
  add('a');
  await close();
  await pass(DELAY);
  expect(rewarmed).toEqual([]);
});
