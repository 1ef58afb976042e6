import { expect, test } from 'vitest';
import { createOverwriteRetries } from '../../src/service/overwrite-retries.ts';
import { manualTimers, settle } from '../document/manual-timers.ts';
import { listen } from '../helpers.ts';

const MINUTE = 60_000;

function retries(results: (string | undefined | Error)[]) {
  const timers = manualTimers();
  const { log, lines } = listen();
  const failures: unknown[] = [];
  let attempts = 0;
  const made = createOverwriteRetries({
    store: {
      async overwriteErased() {
        attempts += 1;
        const result = results.shift();
        if (result instanceof Error) throw result;
        return result;
      },
    },
    log: log.log,
    fail: (error) => failures.push(error),
    timers,
  });
  const pass = async (minutes: number) => {
    timers.pass(minutes * MINUTE);
    await settle();
    return attempts;
  };
  return { ...made, pass, lines, failures };
}

test('an attempt follows a minute after it was scheduled, once for several erasures', async () => {
  const { schedule, pass, lines } = retries([]);
  schedule();
  schedule();
  expect([await pass(0.9), await pass(0.1), await pass(100), lines]).toEqual([0, 1, 1, []]);
  schedule();
  expect(await pass(1)).toBe(2);
});

test('a failure is logged, and later attempts follow until one succeeds', async () => {
  const { schedule, pass, lines, failures } = retries(['a reader', new Error('broken'), undefined]);
  schedule();
  expect([await pass(1), await pass(1), await pass(1), await pass(3), await pass(1), await pass(100)]).toEqual([
    1, 1, 2, 2, 3, 3,
  ]);
  expect(lines).toEqual(['The store may still have text of erased articles: a reader. The service tries again later.']);
  expect(failures).toEqual([new Error('broken')]);
});

test('no attempt follows a close', async () => {
  const { schedule, close, pass } = retries([]);
  schedule();
  await close();
  schedule();
  expect(await pass(10)).toBe(0);
});
