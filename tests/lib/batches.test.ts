import { expect, test } from 'vitest';
import { batchesOf } from '../../src/lib/batches.ts';

test.each<[items: string, batches: string[]]>([
  ['', []],
  ['1', ['1']],
  ['1111', ['111', '1']], // three are the most
  ['451', ['45', '1']], // and nine in all
  ['461', ['4', '61']],
  ['91', ['9', '1']],
  ['1X1', ['1', 'X', '1']], // a larger one is alone
  ['X', ['X']],
  ['0000', ['000', '0']],
])('%s: %j', (items, batches) => {
  const sizeOf = (item: string) => (item === 'X' ? 10 : Number(item));

  expect(batchesOf([...items], sizeOf, { count: 3, size: 9 }).map((batch) => batch.join(''))).toEqual(batches);
});
