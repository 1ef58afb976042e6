import { expect, test } from 'vitest';
import { type NumberedRule, selectArticles } from '../../../src/store/sqlite/backfill.ts';

const FEEDS: Readonly<Record<number, readonly number[]>> = { 1: [1, 2, 3, 4, 5, 6], 2: [2, 4, 6], 3: [3, 6], 4: [] };
const articlesIn = (feed: number) => Float64Array.from(FEEDS[feed] ?? []);

test.each<[string, NumberedRule, readonly number[]]>([
  ['one feed', { groups: [[2]], none: [] }, [2, 4, 6]],
  ['any of two feeds, each article once', { groups: [[2, 3]], none: [] }, [2, 3, 4, 6]],
  ['all of two feeds', { groups: [[1], [3], [2]], none: [] }, [6]],
  ['all but one feed', { groups: [[1]], none: [2] }, [1, 3, 5]],
  ['an empty feed', { groups: [[1], [4]], none: [] }, []],
  ['a group without feeds', { groups: [[]], none: [] }, []],
])('a rule selects from %s', (_, rule, expected) => {
  expect([...selectArticles(rule, articlesIn)]).toEqual(expected);
});
