import { expect, test } from 'vitest';
import { conditionHolds } from '../../../src/store/sqlite/conditions.ts';
import type { Condition } from '../../../src/store/store.ts';

test.each<[Condition | undefined, number | undefined, boolean]>([
  [undefined, undefined, true],
  [undefined, 3, true],
  ['absent', undefined, true],
  ['absent', 3, false],
  ['present', undefined, false],
  ['present', 3, true],
  [{ revisions: [] }, undefined, false],
  [{ revisions: [] }, 3, false],
  [{ revisions: [1, 3] }, 3, true],
  [{ revisions: [1, 2] }, 3, false],
  [{ revisions: [0] }, undefined, false],
])('%j holds for revision %s: %s', (condition, revision, expected) => {
  expect(conditionHolds(condition, revision)).toBe(expected);
});
