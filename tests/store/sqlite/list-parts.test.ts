import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rowHash } from '../../../src/store/sqlite/checksums.ts';
import {
  addHash,
  addRow,
  balance,
  countOf,
  decodeParts,
  emptyParts,
  encodeParts,
  hashOf,
  type ListRow,
  type Parts,
  partOf,
  removeRow,
} from '../../../src/store/sqlite/list-parts.ts';

/** A list as a table would have it, and its parts. */
function createList() {
  const parts = emptyParts();
  const rows = new Map<number, ListRow>();
  const sorted = () => [...rows.values()].toSorted((one, other) => one[0] - other[0] || one[1] - other[1]);
  return {
    parts,
    add(row: ListRow): void {
      rows.set(row[0] * 1000 + row[1], row);
      addRow(parts, row);
    },
    remove(row: ListRow): void {
      rows.delete(row[0] * 1000 + row[1]);
      expect(removeRow(parts, row)).toBe(true);
    },
    balance: () =>
      balance(parts, (index) => sorted().filter(([first, second]) => partOf(parts, [first, second]) === index)),
    /** What the parts would be if they were computed from the rows. */
    recounted: () => recount(parts, sorted()),
  };
}

function recount(list: Parts, rows: readonly ListRow[]): unknown {
  const found = list.parts.map(() => ({ count: 0, sum: 0 }));
  for (const row of rows) {
    const part = found[partOf(list, [row[0], row[1]])];
    if (part === undefined) throw new Error('a row is in no part');
    part.count += 1;
    part.sum = addHash(part.sum, hashOf(row), 1);
  }
  return found;
}

const countsIn = ({ parts }: Parts) => parts.map(({ count, sum }) => ({ count, sum }));

const order = fc.constantFrom<'up' | 'down' | 'mixed'>('up', 'down', 'mixed');

test('parts have the rows of their ranges, in whatever order the rows come and go', () => {
  fc.assert(
    fc.property(order, fc.integer({ min: 1, max: 3000 }), fc.nat(), (way, count, seed) => {
      const list = createList();
      const rows = Array.from({ length: count }, (_, index): ListRow => {
        const place = way === 'down' ? count - index : way === 'up' ? index : (index * 7919 + seed) % 4099;
        return [Math.floor(place / 3), place % 3, place, index, index % 5 === 0 ? null : place];
      });
      const distinct = [...new Map(rows.map((row) => [row[0] * 1000 + row[1], row])).values()];
      for (const [index, row] of distinct.entries()) {
        list.add(row);
        if (index % 400 === 0) list.balance();
      }
      list.balance();
      expect(countsIn(list.parts)).toEqual(list.recounted());
      for (const [index, row] of distinct.entries()) if (index % 3 !== seed % 3) list.remove(row);
      list.balance();

      expect(countsIn(list.parts)).toEqual(list.recounted());
      expect(decodeParts(encodeParts(list.parts))).toEqual(list.parts);
    }),
    { numRuns: 12 },
  );
});

test.each(['up', 'mixed'] as const)('the newest parts are small, and there are few parts: %s', (way) => {
  const size = 60_000;
  const list = emptyParts();
  const rows: ListRow[] = Array.from({ length: size }, (_, index): ListRow => {
    const place = way === 'up' ? index : (index * 7919) % size;
    return [place, 0, place, index];
  });
  const byPart = (index: number, known: readonly ListRow[]) =>
    known.filter((row) => partOf(list, [row[0], row[1]]) === index).toSorted((one, other) => one[0] - other[0]);
  for (let start = 0; start < size; start += 2000) {
    for (const row of rows.slice(start, start + 2000)) addRow(list, row);
    balance(list, (index) => byPart(index, rows.slice(0, start + 2000)));
  }

  expect(countOf(list)).toBe(size);
  expect(list.parts.at(-1)?.count).toBeLessThanOrEqual(512);
  expect(Math.max(...list.parts.map(({ count }) => count))).toBeLessThanOrEqual(8 * Math.sqrt(size));
  expect(list.parts.length).toBeLessThan(150);
});

test('a row that the list does not have cannot leave it', () => {
  const list = emptyParts();
  expect(removeRow(list, [1, 1])).toBe(false);
  addRow(list, [1, 1, 1]);
  expect(removeRow(list, [1, 1, 2])).toBe(false);
});

test('hashes differ wherever a column differs, also between null and numbers', () => {
  const columns = fc.tuple(...Array.from({ length: 5 }, () => fc.oneof(fc.constant(null), fc.nat(), fc.maxSafeNat())));
  fc.assert(
    fc.property(fc.nat(), columns, fc.nat(4), fc.nat(), (first, [second, third, fourth, fifth], index, other) => {
      const row = [first, second, third, fourth, fifth] as const;
      const changed = row.map((value, column) => (column === index ? (value === other ? other + 1 : other) : value));
      const hash = rowHash(...row);
      expect(Number.isSafeInteger(hash) && hash < 2 ** 48).toBe(true);
      expect(rowHash(...(changed as [number, number, number, number, number]))).not.toBe(hash);
    }),
  );
});
