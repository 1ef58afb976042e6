import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { articleText } from '../../../src/article/stored.ts';
import { ownKeys } from '../../../src/feed/feeds.ts';
import { Dispatcher } from '../../../src/service/push/dispatcher.ts';
import type { Receiver } from '../../../src/service/push/receiver.ts';
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
  return {
    now: () => at,
    timers: {
      after(delay: number, work: () => void) {
        const timer = { at: at + delay, work };
        timers.add(timer);
        return () => void timers.delete(timer);
      },
      every: () => () => {},
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
async function dispatching(answer: (message: OutboxMessage) => void | Promise<void> = () => {}) {
  const store = openSqliteStore(':memory:');
  const clock = steppedClock();
  const told: (readonly [seconds: number, feeds: number | 'all', failures: number])[] = [];
  const failures: string[] = [];
  const unexpected: unknown[] = [];
  const applied: number[] = [];
  const receiver: Receiver = {
    ...{ target: { id: 'cdn', kind: 'purge' }, most: 10, debounce: 50, repeatAfter: 0, readyAt: (at) => at },
    async tell(message) {
      told.push([(clock.now() - START) / SECOND, message.feeds?.length ?? 'all', message.failures]);
      await answer(message);
      return {};
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
  expect(told.splice(0)).toEqual([[0.05, 'all', 0]]);
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
    if (isReady) return;
    const error = answers.shift();
    if (error !== undefined) throw error;
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
