import { expect, test } from 'vitest';
import { PublisherError } from '../../src/errors.ts';
import { startHistoryDivision } from '../../src/service/history-division.ts';
import type { DividedHistory } from '../../src/store/store.ts';
import { manualTimers, settle } from '../document/manual-timers.ts';

test('all parts are done one after another, and the feeds that changed are announced', async () => {
  const parts: DividedHistory[] = [{ next: 'a', changed: [] }, { next: 'b', changed: ['b'] }, { changed: ['c'] }];
  const asked: string[] = [];
  const announced: string[] = [];
  const done = Promise.withResolvers<void>();
  const division = startHistoryDivision({
    store: {
      divideHistory: async (after) => {
        asked.push(after);
        return parts[asked.length - 1] ?? { changed: [] };
      },
    },
    now: () => 0,
    announce: (keys) => {
      announced.push(...keys);
      if (keys.includes('c')) done.resolve();
    },
    fail: (error) => expect.fail(String(error)),
  });
  division.start();
  await done.promise;
  await division.close();
  expect([asked, announced]).toEqual([
    ['', 'a', 'b'],
    ['b', 'c'],
  ]);
});

test.each([
  [new Error('no disk'), 1],
  [new PublisherError('store_damaged', 'It is damaged.'), 0],
])('after %s the service goes on, and looks again later', async (error, reports) => {
  const failures: unknown[] = [];
  let asked = 0;
  const timers = manualTimers();
  const division = startHistoryDivision({
    store: {
      async divideHistory() {
        asked += 1;
        throw error;
      },
    },
    now: () => 0,
    announce: () => expect.fail('nothing changed'),
    fail: (one) => failures.push(one),
    timers,
  });
  division.start();
  await settle();
  timers.pass(60 * 60_000);
  await division.close();
  expect([asked, failures.length]).toEqual([2, 2 * reports]);
});

test('a service that stops begins no other part', async () => {
  let asked = 0;
  const division = startHistoryDivision({
    store: {
      async divideHistory() {
        asked += 1;
        return { next: 'a', changed: [] };
      },
    },
    now: () => 0,
    announce: () => {},
    fail: (error) => expect.fail(String(error)),
  });
  division.start();
  await division.close();
  expect(asked).toBe(1);
});

test('parts give way to changes that follow each other, for half a second at most', async () => {
  const timers = manualTimers();
  let time = 0;
  let asked = 0;
  const division = startHistoryDivision({
    store: {
      async divideHistory() {
        asked += 1;
        return { next: 'a', changed: [] };
      },
    },
    now: () => 0,
    announce: () => {},
    fail: (error) => expect.fail(String(error)),
    timers,
    clock: () => time,
  });
  const pass = async (milliseconds: number) => {
    for (let passed = 0; passed < milliseconds; passed += 20) {
      time += 20;
      timers.pass(20);
      await settle();
    }
  };
  division.start();
  await settle();
  await pass(20);
  expect(asked).toBe(2); // nothing changes
  division.noteChange();
  await pass(40);
  expect(asked).toBe(2);
  await pass(20);
  expect(asked).toBe(3);
  for (let changes = 0; changes < 24; changes += 1) {
    division.noteChange();
    await pass(20);
  }
  expect(asked).toBe(3);
  division.noteChange();
  await pass(20);
  expect(asked).toBe(4);
  await division.close();
});
