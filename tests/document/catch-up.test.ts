import { expect, test } from 'vitest';
import { createCatchUp } from '../../src/document/catch-up.ts';
import { manualTimers, settle } from './manual-timers.ts';

const INTERVAL = 50;

/** Feeds that other processes change, and reads of them that a test answers. */
function workshop() {
  const timers = manualTimers();
  const changed: string[] = [];
  const forgotten: (readonly string[])[] = [];
  const reads: { answer: () => void; fail: (error: Error) => void }[] = [];
  const catchUp = createCatchUp({
    externalChanges: {
      mayHaveExternalChanges: () => changed.length > 0,
      takeExternallyChangedFeeds() {
        const keys = changed.splice(0);
        return new Promise((resolve, reject) => {
          reads.push({
            answer: () => resolve(keys),
            fail(error) {
              changed.push(...keys);
              reject(error);
            },
          });
        });
      },
    },
    forget: (keys) => forgotten.push(keys),
    timers,
  });
  return { ...catchUp, timers, changed, forgotten, reads };
}

test('without external changes it is not behind, and reads nothing', async () => {
  const { isBehind, catchUp, reads } = workshop();
  expect(isBehind()).toBe(false);
  await catchUp();
  expect(reads).toEqual([]);
});

test('it is behind from a change until the change is forgotten', async () => {
  const { isBehind, catchUp, changed, forgotten, reads } = workshop();
  changed.push('latest');
  expect(isBehind()).toBe(true);
  const caughtUp = catchUp();
  expect([changed, isBehind()]).toEqual([[], true]);
  reads[0]?.answer();
  await caughtUp;
  expect([forgotten, isBehind()]).toEqual([[['latest']], false]);
});

test('all requests during a read wait for it, and it is the only one', async () => {
  const { catchUp, changed, forgotten, reads } = workshop();
  changed.push('latest');
  const waiting = Promise.all([catchUp(), catchUp(), catchUp()]);
  reads[0]?.answer();
  await waiting;
  expect([reads.length, forgotten]).toEqual([1, [['latest']]]);
});

test('a request after a change during a read waits for a second read', async () => {
  const { catchUp, changed, forgotten, reads } = workshop();
  changed.push('latest');
  const first = catchUp();
  changed.push('tag/a');
  const second = catchUp();
  reads[0]?.answer();
  await first;
  await settle();
  reads[1]?.answer();
  await second;
  expect(forgotten).toEqual([['latest'], ['tag/a']]);
});

test('a read that fails fails its request, and it stays behind', async () => {
  const { isBehind, catchUp, changed, forgotten, reads } = workshop();
  changed.push('latest');
  const failing = catchUp();
  reads[0]?.fail(new Error('disk'));
  await expect(failing).rejects.toThrow('disk');
  expect([isBehind(), forgotten]).toEqual([true, []]);
});

test.each([
  ['follows nothing unasked', false, 3 * INTERVAL, 0],
  ['does not look before its interval', true, INTERVAL - 1, 0],
  ['looks after its interval', true, INTERVAL, 1],
])('%s', async (_, isFollowing, milliseconds, expected) => {
  const { follow, timers, changed, reads } = workshop();
  if (isFollowing) follow();
  changed.push('latest');
  timers.pass(milliseconds);
  await settle();
  expect(reads).toHaveLength(expected);
});

test('it looks once at a time, again after a failure, and no more once it is closed', async () => {
  const { follow, close, timers, changed, forgotten, reads } = workshop();
  follow();
  changed.push('latest');
  timers.pass(INTERVAL);
  changed.push('tag/a');
  timers.pass(INTERVAL);
  expect(reads).toHaveLength(1);
  reads[0]?.fail(new Error('disk'));
  await settle();
  timers.pass(INTERVAL);
  const closing = close();
  reads[1]?.answer();
  await closing;
  expect(forgotten).toEqual([['tag/a', 'latest']]);
  changed.push('latest');
  timers.pass(INTERVAL);
  expect(reads).toHaveLength(2);
});
