import { expect, test } from 'vitest';
import type { Position } from '../../src/partner/change-cursor.ts';
import { createTurns, searchOn } from '../../src/partner/change-search.ts';
import type { ChangePage, PartnerChange } from '../../src/partner/changes.ts';

/** Pages behind each other: empty ones, then one with so many changes, or the present. */
function pagesWith(empty: number, last: { readonly changes: number; readonly hasMore: boolean }) {
  const looks: number[] = [];
  const look = async ({ revision }: Position): Promise<ChangePage> => {
    looks.push(revision);
    const position = { revision: revision + 1 } as Position;
    if (looks.length <= empty) return { changes: [], position, hasMore: true };
    return {
      changes: Array.from({ length: last.changes }, () => ({}) as PartnerChange),
      position,
      hasMore: last.hasMore,
    };
  };
  return { look, looks };
}

const from = { revision: 0 } as Position;

test.each([
  ['a page with a change', 3, { changes: 1, hasMore: true }, 4],
  ['the present', 3, { changes: 0, hasMore: false }, 4],
  ['the first page', 0, { changes: 2, hasMore: false }, 1],
])('a search ends with %s', async (_name, empty, last, looked) => {
  const { look, looks } = pagesWith(empty, last);
  let version = 0;
  const found = await searchOn(from, { look, version: () => (version += 1), isOver: () => false });
  expect([found.page.changes.length, found.page.hasMore]).toEqual([last.changes, last.hasMore]);
  expect(found.page.position.revision).toBe(looked);
  expect(looks).toEqual(Array.from({ length: looked }, (_, index) => index));
  expect(found.version).toBe(looked); // of the last page, when it was begun
});

test('a search that must end gets further all the same', async () => {
  const { look } = pagesWith(9, { changes: 1, hasMore: false });
  const { page } = await searchOn(from, { look, version: () => 0, isOver: () => true });
  expect(page).toEqual({ changes: [], position: { revision: 1 }, hasMore: true });
});

test('work is done one after the other, and goes on after a failure', async () => {
  const inTurn = createTurns();
  const steps: string[] = [];
  const work = (name: string) => async () => {
    steps.push(`begin ${name}`);
    await null;
    steps.push(`end ${name}`);
    if (name === 'a') throw new Error('a failed');
    return name;
  };
  const results = await Promise.allSettled([inTurn(work('a')), inTurn(work('b')), inTurn(work('c'))]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  expect(steps).toEqual(['begin a', 'end a', 'begin b', 'end b', 'begin c', 'end c']);
});
