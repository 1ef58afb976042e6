import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { articleText } from '../../../src/article/stored.ts';
import { ownKeys } from '../../../src/feed/feeds.ts';
import { Dispatcher } from '../../../src/service/push/dispatcher.ts';
import type { Receiver, Told } from '../../../src/service/push/receiver.ts';
import { SendError } from '../../../src/service/push/send.ts';
import type { OutboxMessage } from '../../../src/store/outbox-store.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import type { Put } from '../../../src/store/store.ts';
import { article } from '../../helpers.ts';

const START = Date.UTC(2026, 10, 20);
const SECOND = 1000;
const FEEDS = ['language/en', 'latest'];

function put(id: string, publishedAt = START): Put {
  const made = article({ id, publishedAt: new Date(publishedAt).toISOString() });
  return { kind: 'put', article: articleText(made), record: JSON.stringify({ id }), feeds: ownKeys(made) };
}

/** A clock whose timers run when it is set. */
function steppedClock() {
  let at = START;
  const timers = new Set<{ at: number; work: () => void }>();
  const after = (delay: number, work: () => void) => {
    const timer = { at: at + delay, work };
    timers.add(timer);
    return () => void timers.delete(timer);
  };
  return {
    now: () => at,
    timers: {
      after,
      every(interval: number, work: () => void) {
        const repeat = () => {
          work();
          cancel = after(interval, repeat);
        };
        let cancel = after(interval, repeat);
        return () => cancel();
      },
    },
    async setTo(moment: number) {
      for (;;) {
        const [next] = [...timers].sort((one, other) => one.at - other.at);
        if (next === undefined || next.at > moment) break;
        timers.delete(next);
        at = Math.max(at, next.at);
        next.work();
        for (let turn = 0; turn < 20; turn += 1) await nextTurn(); // the store works in this thread
      }
      at = moment;
    },
  };
}

/** A dispatcher whose receiver answers as `answer` says. */
async function dispatching(
  answer: (message: OutboxMessage, signal: AbortSignal) => Told | undefined | Promise<Told | undefined> = () =>
    undefined,
  { debounce = 50 } = {},
) {
  const store = openSqliteStore(':memory:');
  const clock = steppedClock();
  const told: (readonly [seconds: number, feeds: number | 'all', failures: number])[] = [];
  const failures: string[] = [];
  const unexpected: unknown[] = [];
  const applied: number[] = [];
  const receiver: Receiver = {
    ...{ target: { id: 'cdn', kind: 'purge' }, most: 10, debounce, repeatAfter: 0, readyAt: (at) => at },
    async tell(message, signal) {
      told.push([(clock.now() - START) / SECOND, message.feeds?.length ?? 'all', message.failures]);
      return (await answer(message, signal)) ?? {};
    },
  };
  await store.markServed();
  await store.setOutboxTargets([receiver.target], '1', clock.now);
  const dispatcher = new Dispatcher({
    ...{ store, receivers: [receiver], now: clock.now, timers: clock.timers, random: () => 1, owner: 'me' },
    tombstonesFor: () => 1000 * SECOND,
    appliedEverywhere: async (revision) => void applied.push(revision),
    told: () => {},
    failed: (_message, reason) => void failures.push(reason),
    fail: (error) => void unexpected.push(error),
  });
  onTestFinished(async () => {
    await dispatcher.close();
    await store.close();
    expect(unexpected).toEqual([]);
  });
  dispatcher.wake();
  await clock.setTo(START + SECOND);
  expect(told.splice(0)).toEqual([[debounce / SECOND, 'all', 0]]);
  const change = async (...changes: Put[]) => {
    await store.apply(changes, clock.now);
    dispatcher.wake();
  };
  applied.length = 0;
  return { store, clock, told, failures, applied, dispatcher, change };
}

test('changes within a moment are one message, after every process has them', async () => {
  const { clock, told, applied, change } = await dispatching();
  await change(put('a'));
  await change(put('b'));
  await clock.setTo(START + 10 * SECOND);
  expect(told).toEqual([[1.05, FEEDS.length, 0]]);
  expect(applied).toEqual([2]);
});

test('the end of an embargo is told without a call', async () => {
  const { clock, told, change } = await dispatching();
  await change(put('a', START + 3600 * SECOND));
  await clock.setTo(START + 3599 * SECOND);
  expect(told).toEqual([]);
  await clock.setTo(START + 3700 * SECOND);
  expect(told).toEqual([[3600.05, FEEDS.length, 0]]);
});

test('a failure is tried again with growing pauses, and later when the receiver says so', async () => {
  const answers = [new SendError('It is away.'), new SendError('It is busy.', START + 60 * SECOND), undefined];
  let isReady = true;
  const { clock, told, failures, change } = await dispatching(() => {
    if (isReady) return undefined;
    const error = answers.shift();
    if (error !== undefined) throw error;
    return undefined;
  });
  isReady = false;
  await change(put('a'));
  await clock.setTo(START + 100 * SECOND);
  expect(failures).toEqual(['It is away.', 'It is busy.']);
  expect(told).toEqual([
    [1.05, FEEDS.length, 0],
    [2.05, FEEDS.length, 1],
    [60, FEEDS.length, 2],
  ]);
});

test('what is due at a stop is told before it', async () => {
  const { told, dispatcher, change } = await dispatching();
  await change(put('a'));
  await dispatcher.close();
  expect(told).toEqual([[1, FEEDS.length, 0]]);
});

test('a receiver that asks for it is told again at its moment, although nothing has changed', async () => {
  const moments = [START + 7200 * SECOND, undefined];
  let isAsked = false;
  const { clock, told, change } = await dispatching(() => {
    const againAt = isAsked ? moments.shift() : undefined;
    return againAt === undefined ? undefined : { againAt };
  });
  isAsked = true;
  await change(put('a'));
  await clock.setTo(START + 20_000 * SECOND);
  expect(told).toEqual([
    [1.05, FEEDS.length, 0],
    [7200.05, 0, 0],
  ]);
});

test('each receiver has its own time in which changes are one message', async () => {
  const { clock, told, change } = await dispatching(undefined, { debounce: 500 });
  await change(put('a'));
  await clock.setTo(START + 1.4 * SECOND);
  await change(put('b'));
  await clock.setTo(START + 10 * SECOND);
  expect(told).toEqual([[1.5, FEEDS.length, 0]]);
});

test('while a receiver works for long, its lease is renewed, and changes are one more message', async () => {
  const work = Promise.withResolvers<undefined>();
  let isLong = false;
  const { store, clock, told, change } = await dispatching(() => (isLong ? work.promise : undefined));
  isLong = true;
  await change(put('a'));
  const claim = { most: 10, tombstonesFor: 0, owner: 'another process', lease: SECOND };
  for (const seconds of [10, 70, 130, 3600]) {
    await clock.setTo(START + seconds * SECOND);
    expect(await store.claimOutbox('cdn', claim, clock.now)).toBeUndefined();
    await change(put(`at ${seconds}`));
  }
  expect(told).toEqual([[1.05, FEEDS.length, 0]]);
  isLong = false;
  work.resolve(undefined);
  await clock.setTo(START + 4000 * SECOND);
  expect(told).toEqual([
    [1.05, FEEDS.length, 0],
    [3600.05, FEEDS.length, 0],
  ]);
});

test('work ends where another process has the lease, and that is no failure', async () => {
  const signals: AbortSignal[] = [];
  let isLong = false;
  const { store, clock, failures, change } = await dispatching(async (_message, signal) => {
    if (!isLong) return undefined;
    signals.push(signal);
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    throw signal.reason;
  });
  isLong = true;
  await change(put('a'));
  await clock.setTo(START + 2 * SECOND);
  // As after a minute in which this process stood still.
  await store.setOutboxTargets([{ id: 'cdn', kind: 'purge' }], '1', clock.now);
  const claim = { most: 10, tombstonesFor: 0, owner: 'another process', lease: 3600 * SECOND };
  expect(await store.claimOutbox('cdn', claim, clock.now)).toMatchObject({ owner: 'another process' });
  await clock.setTo(START + 20 * SECOND);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  expect(failures).toEqual([]);
  expect(await store.outbox()).toMatchObject([{ failures: 0, leaseUntil: START + 3602 * SECOND }]);
});
