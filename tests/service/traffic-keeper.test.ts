import { expect, onTestFinished, test } from 'vitest';
import { createTrafficKeeper } from '../../src/service/traffic-keeper.ts';
import { openTrafficFile } from '../../src/store/sqlite/traffic-file.ts';
import { type Added, HOUR, type TrafficStore } from '../../src/store/traffic-store.ts';
import { createTrafficCounts } from '../../src/telemetry/traffic.ts';

const NOW = Date.UTC(2026, 10, 22, 12);

/** A keeper whose store gives these answers before it works. */
function keeping(...answers: readonly (Added | Error)[]) {
  const left = [...answers];
  const file = openTrafficFile(':memory:', () => {});
  let calls = 0;
  const store: TrafficStore = {
    ...file,
    add(hours, hour) {
      calls += 1;
      const next = left.shift();
      if (next instanceof Error) throw next;
      return next ?? file.add(hours, hour);
    },
  };
  const failures: unknown[] = [];
  const counts = createTrafficCounts(() => NOW);
  const keeper = createTrafficKeeper({ counts, store, now: () => NOW, fail: (error) => failures.push(error) });
  onTestFinished(keeper.close);
  const whole = async () => (await keeper.read()).sum.totals[0];
  return { counts, ...keeper, failures, whole, calls: () => calls, saved: () => file.read(NOW / HOUR)?.totals[0] };
}

test('tries again while another process writes', async () => {
  const { counts, save, saved, calls } = keeping('busy', 'busy');
  counts.answered(200, 1);
  await save();
  expect([saved(), calls()]).toEqual([1, 3]);
});

test.each<[string, Added | Error]>([
  ['the disk is full', 'full'],
  ['the store fails', new Error('it fails')],
])('keeps its counts where %s, and shows them nevertheless', async (_, answer) => {
  const { counts, whole, save, saved, calls, failures } = keeping(answer, answer);
  counts.answered(200, 1);
  await save();
  counts.answered(200, 1);
  expect([await whole(), saved(), calls(), failures.length]).toEqual([2, undefined, 2, answer === 'full' ? 0 : 2]);
  await save();
  expect([await whole(), saved()]).toEqual([2, 2]);
});

test('saves at its end, and nothing afterwards', async () => {
  const { counts, close, save, calls } = keeping();
  counts.answered(200, 1);
  await close();
  counts.answered(200, 1);
  await save();
  expect(calls()).toBe(1);
});

test('asks its store for nothing where nothing was counted', async () => {
  const { save, calls, whole } = keeping();
  await save();
  expect([calls(), await whole()]).toEqual([0, 0]);
});
