import { expect, test } from 'vitest';
import { feedMoments, oldestSeen, type Touch } from '../../../src/store/sqlite/feed-dates.ts';

const AT = 1000;
const CLOCK = Number.POSITIVE_INFINITY;

test.each<[string, readonly Touch[], Record<string, number>]>([
  ['no change', [], {}],
  ['a dated change', [{ keys: ['a', 'b'], seenFrom: 5, changedAt: 7 }], { a: 7, b: 7 }],
  ['a change without a date', [{ keys: ['a'], seenFrom: 5, changedAt: undefined }], { a: CLOCK }],
  ['a change that readers see from now on', [{ keys: ['a'], seenFrom: AT, changedAt: 7 }], { a: 7 }],
  ['a change under embargo', [{ keys: ['a'], seenFrom: AT + 1, changedAt: 7 }], { a: 0 }],
  [
    'several changes of one feed: the latest moment',
    [
      { keys: ['a'], seenFrom: 5, changedAt: 9 },
      { keys: ['a', 'b'], seenFrom: 5, changedAt: 7 },
      { keys: ['a'], seenFrom: AT + 1, changedAt: 8 },
    ],
    { a: 9, b: 7 },
  ],
])('in a store without readers: %s', (_, touches, expected) => {
  expect(Object.fromEntries(feedMoments(touches, AT))).toEqual(expected);
});

test('of the articles of a feed that change, the one counts that readers could see first', () => {
  const touches: readonly Touch[] = [
    { keys: ['a', 'b'], seenFrom: 7, changedAt: undefined },
    { keys: ['a'], seenFrom: 5, changedAt: 6 },
    { keys: ['b', 'c'], seenFrom: AT + 1, changedAt: undefined },
  ];
  expect(Object.fromEntries(oldestSeen(touches))).toEqual({ a: 5, b: 7, c: AT + 1 });
});
