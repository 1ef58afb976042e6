import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type AgedChange,
  dateWithDelay,
  decodeAgedChanges,
  encodeAgedChanges,
  withChange,
} from '../../../src/store/sqlite/aged-changes.ts';
import { changedAt } from '../../../src/store/sqlite/feed-dates.ts';

const DELAYS = [0, 1, 999, 5000, 60_000, 3_600_000, Number.POSITIVE_INFINITY];

const ages = fc.oneof(fc.nat(100_000), fc.constantFrom(0, 1, 999, 5000, 3_600_000, Number.POSITIVE_INFINITY));
const steps = fc.array(fc.record({ wait: fc.oneof(fc.nat(800), fc.nat(50_000)), age: ages }), { maxLength: 40 });

test('each delay has the date that it would have if there were no younger changes', () => {
  fc.assert(
    fc.property(steps, (all) => {
      let changes: readonly AgedChange[] = [];
      const dates = new Map<number, number>();
      let at = 0;
      for (const { wait, age } of all) {
        at += 1 + wait;
        changes = withChange(changes, { age, date: at }, changedAt);
        for (const delay of DELAYS) {
          const before = dates.get(delay);
          if (age >= delay) dates.set(delay, before === undefined ? at : changedAt(before, at));
        }
        expect(DELAYS.map((delay) => dateWithDelay(changes, delay))).toEqual(DELAYS.map((delay) => dates.get(delay)));
      }
      expect(decodeAgedChanges(encodeAgedChanges(changes))).toEqual(changes);
    }),
  );
});

test('a long list is cut at the old end, where dates only become later', () => {
  let changes: readonly AgedChange[] = [];
  for (let step = 200; step > 0; step -= 1) {
    const before = DELAYS.map((delay) => dateWithDelay(changes, delay) ?? 0);
    changes = withChange(changes, { age: step * 10_000, date: (201 - step) * 5000 }, changedAt);
    for (const [index, delay] of DELAYS.entries())
      expect(dateWithDelay(changes, delay) ?? 0).toBeGreaterThanOrEqual(before[index] ?? 0);
  }
  expect(changes).toHaveLength(50);
  expect(dateWithDelay(changes, 0)).toBe(1_000_000);
  expect(dateWithDelay(changes, 2_000_000)).toBeDefined();
});
