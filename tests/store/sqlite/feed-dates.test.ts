import { expect, test } from 'vitest';
import { feedMoments, type Touch } from '../../../src/store/sqlite/feed-dates.ts';

const AT = 1000;
const CLOCK = Number.POSITIVE_INFINITY;

test.each<[string, boolean, readonly Touch[], Record<string, number>]>([
  ['no change', false, [], {}],
  ['a dated change in a new store', false, [{ keys: ['a', 'b'], seenFrom: 5, changedAt: 7 }], { a: 7, b: 7 }],
  ['a dated change in a store with readers', true, [{ keys: ['a'], seenFrom: 5, changedAt: 7 }], { a: CLOCK }],
  ['a change without a date', false, [{ keys: ['a'], seenFrom: 5, changedAt: undefined }], { a: CLOCK }],
  ['a change that readers see from now on', true, [{ keys: ['a'], seenFrom: AT, changedAt: 7 }], { a: CLOCK }],
  ['a change under embargo', true, [{ keys: ['a'], seenFrom: AT + 1, changedAt: 7 }], { a: 0 }],
  [
    'several changes of one feed: the latest moment',
    false,
    [
      { keys: ['a'], seenFrom: 5, changedAt: 9 },
      { keys: ['a', 'b'], seenFrom: 5, changedAt: 7 },
      { keys: ['a'], seenFrom: AT + 1, changedAt: 8 },
    ],
    { a: 9, b: 7 },
  ],
])('%s', (_, wasServed, touches, expected) => {
  expect(Object.fromEntries(feedMoments(touches, { at: AT, wasServed }))).toEqual(expected);
});
