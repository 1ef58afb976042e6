import { describe, expect, test } from 'vitest';
import { createPendingChanges, type PendingChanges } from '../../../src/ingest/folder/pending-changes.ts';

function pendingAfter(change: (pending: PendingChanges) => void): PendingChanges {
  const pending = createPendingChanges();
  change(pending);
  return pending;
}

/** Marks a path every ten milliseconds. */
function written(pending: PendingChanges, path: string, from: number, to: number): void {
  for (let now = from; now <= to; now += 10) pending.markDirty(path, now);
}

test.each<[string, (pending: PendingChanges) => void, number, readonly string[] | undefined]>([
  ['nothing', () => {}, 0, undefined],
  ['a path too early', (pending) => pending.markDirty('a', 0), 24, undefined],
  ['a path in time', (pending) => pending.markDirty('a', 0), 25, ['a']],
  ['a path that changed again', (pending) => written(pending, 'a', 0, 10), 25, undefined],
  ['a later check too early', (pending) => pending.recheckAt('a', 1000, 0), 999, undefined],
  ['a later check in time', (pending) => pending.recheckAt('a', 1000, 0), 1000, ['a']],
  ['a removed article', (pending) => pending.markRemoved('one', 0), 0, []],
])('takeBatch of %s', (_, change, now, expected) => {
  expect(pendingAfter(change).takeBatch(now)).toEqual(expected);
});

test.each<[string, (pending: PendingChanges) => void, number, number]>([
  ['nothing', () => {}, 0, Number.POSITIVE_INFINITY],
  [
    'two paths is the first one',
    (pending) => {
      pending.markDirty('a', 0);
      pending.markDirty('b', 0);
    },
    0,
    1,
  ],
  [
    'a path that changed again is its first change',
    (pending) => {
      pending.markDirty('a', 0);
      pending.markDirty('b', 0);
      pending.markDirty('a', 10);
    },
    10,
    1,
  ],
  ['a batch is its first change', (pending) => [pending.markDirty('a', 0), pending.takeBatch(25)], 25, 1],
  [
    'a batch that has ended',
    (pending) => [pending.markDirty('a', 0), pending.takeBatch(25), pending.endBatch()],
    25,
    Number.POSITIVE_INFINITY,
  ],
  ['the first batch is before all changes', (pending) => pending.startFirstBatch(), 0, 0],
  ['a later check', (pending) => pending.recheckAt('a', 1000, 0), 974, Number.POSITIVE_INFINITY],
  ['a later check that is due is its change', (pending) => pending.recheckAt('a', 900, 0), 900, 1],
  ['a path that is written for 990 ms is its first change', (pending) => written(pending, 'a', 0, 990), 990, 1],
  ['a path that is written without end', (pending) => written(pending, 'a', 0, 1000), 1000, Number.POSITIVE_INFINITY],
  [
    'a removed article is the latest change',
    (pending) => [pending.markDirty('a', 0), pending.takeBatch(25), pending.markRemoved('one', 25), pending.endBatch()],
    25,
    1,
  ],
  [
    'a removed article that has waited for a second',
    (pending) => pending.markRemoved('one', 0),
    1000,
    Number.POSITIVE_INFINITY,
  ],
])('the first awaited change of %s', (_, change, now, expected) => {
  expect(pendingAfter(change).firstAwaited(now)).toBe(expected);
});

describe('withdrawable articles', () => {
  const removedAt = (pending: PendingChanges, since: number) => pending.markRemoved(`${since}`, since);

  test.each<[string, (pending: PendingChanges) => void, number, boolean, readonly string[]]>([
    ['all if nothing is dirty', (pending) => removedAt(pending, 100), 100, false, ['100']],
    ['none within 500 ms if more may change', (pending) => removedAt(pending, 100), 600, true, []],
    ['all after 500 ms even if more may change', (pending) => removedAt(pending, 100), 601, true, ['100']],
    [
      'those that were removed 500 ms before the first dirty change',
      (pending) => [removedAt(pending, 100), removedAt(pending, 200), pending.markDirty('a', 650)],
      5000,
      false,
      ['100'],
    ],
    [
      'those that are older than 500 ms if a file is written without end',
      (pending) => [written(pending, 'a', 0, 1010), removedAt(pending, 400), removedAt(pending, 600)],
      1010,
      false,
      ['400'],
    ],
  ])('are %s', (_, change, now, mayMoreChange, expected) => {
    expect(
      pendingAfter(change)
        .withdrawable(now, mayMoreChange)
        .map(({ id }) => id),
    ).toEqual(expected);
  });
});
