import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  createRequestQueue,
  hasRoom,
  type Job,
  type Lane,
  type LaneLimits,
  measureLoopDelay,
} from '../../../src/http/load/request-queue.ts';

const LIMITS: LaneLimits = { waiting: 3, active: 2, patience: 1000, delay: 500 };

test.each<[waiting: number, delay: number, boolean]>([
  [0, 0, true],
  [2, 0, true],
  [3, 0, false],
  [4, 0, false],
  [0, 500, true],
  [0, 501, false],
  [3, 501, false],
])('a lane with %i waiting requests, the event loop %i ms late, has room: %s', (waiting, delay, room) => {
  expect(hasRoom({ waiting, delay }, LIMITS)).toBe(room);
});

/** A requestQueue on a clock that stands until it is set, and what became of the jobs that entered it. */
function queueWith({ others = LIMITS, newsroom = LIMITS, delay = 0 } = {}) {
  const clock = { now: 0 };
  const began: string[] = [];
  const refused: string[] = [];
  const dones = new Map<string, () => void>();
  const gone = new Set<string>();
  const requestQueue = createRequestQueue({
    limits: { others, newsroom, feeds: LIMITS, changes: LIMITS },
    now: () => clock.now,
    cpuTime: () => clock.now,
    delay: { now: () => delay, stop: () => {} },
  });
  const job = (name: string, takes: number): Job => ({
    async begin(done) {
      began.push(name);
      dones.set(name, done);
      for (const _ of [1, 2, 3, 4, 5]) await null; // work stands behind promises
      clock.now += takes;
    },
    refuse: () => refused.push(name),
    isGone: () => gone.has(name),
  });
  const enter = (lane: Lane, names: string, takes = 0) => {
    for (const name of names) requestQueue.enter(lane, job(name, takes));
  };
  const happened = () => [began.join(''), refused.join('')];
  return { clock, gone, enter, happened, arrived: requestQueue.arrived, done: (name: string) => dones.get(name)?.() };
}

const nextRound = () => new Promise((resolve) => setImmediate(resolve));

describe('a line', () => {
  test('begins nothing within the nextRound that brought it, and as many as may be at once in the next', async () => {
    const { enter, happened, done } = queueWith();
    enter('others', 'abc');
    expect(happened()).toEqual(['', '']);
    await nextRound();
    expect(happened()).toEqual(['ab', '']);
    done('b');
    done('b'); // said twice is not done twice
    await nextRound();
    expect(happened()).toEqual(['abc', '']);
  });

  test('refuses at once what finds it full', () => {
    const { enter, happened } = queueWith();
    enter('others', 'abcde');
    expect(happened()).toEqual(['', 'de']);
  });

  test('that is full keeps nobody out of another', async () => {
    const { enter, happened } = queueWith();
    enter('others', 'abcd');
    enter('newsroom', 'ABCD');
    enter('feeds', '1234');
    await nextRound();
    expect(happened()).toEqual(['A1aB2b', 'dD4']);
  });

  test('refuses everybody when the event loop is late all the time, but for the newsroom where it has no such limit', async () => {
    const { enter, happened } = queueWith({ delay: 501, newsroom: { ...LIMITS, delay: Number.POSITIVE_INFINITY } });
    enter('others', 'a');
    enter('newsroom', 'A');
    await nextRound();
    expect(happened()).toEqual(['A', 'a']);
  });

  test('works for a few milliseconds of a nextRound, however much waits', async () => {
    const { enter, happened } = queueWith({ others: { ...LIMITS, active: 9, waiting: 9 } });
    enter('others', 'abcdef', 2);
    await nextRound();
    expect(happened()).toEqual(['abc', '']);
    await nextRound();
    expect(happened()).toEqual(['abcdef', '']);
  });

  test('rests for as long as it worked while the event loop hears anything', async () => {
    const { clock, enter, happened, arrived } = queueWith();
    enter('others', 'ab', 20);
    await nextRound();
    for (const _ of [1, 2, 3]) {
      arrived();
      await nextRound();
    }
    expect(happened()).toEqual(['a', '']);
    clock.now += 20;
    arrived();
    await nextRound();
    expect(happened()).toEqual(['ab', '']);
  });

  test('does not rest when nothing is arrived', async () => {
    const { enter, happened, arrived } = queueWith();
    arrived();
    enter('others', 'ab', 20);
    await nextRound();
    await nextRound();
    await nextRound();
    expect(happened()).toEqual(['ab', '']);
  });

  test('refuses who has waited too long when his nextRound comes', async () => {
    const { clock, enter, happened, done } = queueWith();
    enter('others', 'abcd');
    await nextRound();
    clock.now = 1001;
    enter('others', 'e');
    done('a');
    await nextRound();
    expect(happened()).toEqual(['abe', 'dc']);
  });

  test('passes over who is gone', async () => {
    const { gone, enter, happened } = queueWith();
    enter('others', 'abc');
    gone.add('a');
    await nextRound();
    expect(happened()).toEqual(['bc', '']);
  });
});

test('an overload is over when nobody was refused for two seconds', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const calm = vi.fn();
  const none = { ...LIMITS, waiting: 0 };
  const limits = { others: none, newsroom: LIMITS, feeds: LIMITS, changes: LIMITS };
  const requestQueue = createRequestQueue({ limits, delay: { now: () => 0, stop: () => {} }, onCalm: calm });
  const refused = { begin: () => {}, refuse: () => {}, isGone: () => false };
  requestQueue.enter('others', refused);
  vi.advanceTimersByTime(1999);
  requestQueue.enter('others', refused);
  vi.advanceTimersByTime(1999);
  expect(calm).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(calm).toHaveBeenCalledOnce();
  vi.advanceTimersByTime(10_000);
  expect(calm).toHaveBeenCalledOnce();
});

describe('the event loop is late', () => {
  test('only if it is late all the time: one long task does not count', async () => {
    const clock = { now: 0 };
    const delay = measureLoopDelay(() => clock.now);
    onTestFinished(delay.stop);
    clock.now += 400;
    await sleep(250);
    expect(delay.now()).toBeLessThan(250);
  });

  test('by the least of the last five times', async () => {
    const clock = { now: 0 };
    const delay = measureLoopDelay(() => clock.now);
    onTestFinished(delay.stop);
    const stepping = setInterval(() => {
      clock.now += 70; // a clock that runs seven times as fast as the timers
    }, 10);
    onTestFinished(() => clearInterval(stepping));
    expect(delay.now()).toBe(0);
    await expect.poll(delay.now, { interval: 20 }).toBeGreaterThan(200);
  });
});
