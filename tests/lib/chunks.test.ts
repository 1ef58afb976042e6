import { expect, test } from 'vitest';
import { createChunks } from '../../src/lib/chunks.ts';

test.each([
  ['nothing', []],
  ['one chunk', ['water']],
  ['chunks without bytes', ['', 'a', '', 'b', '']],
  ['a million chunks of one byte', Array.from({ length: 1_000_000 }, (_, number) => String(number % 10))],
])('%s', (_, parts) => {
  const chunks = createChunks();
  for (const part of parts) chunks.add(Buffer.from(part));
  const whole = parts.join('');

  expect(chunks.length()).toBe(whole.length);
  expect(chunks.take().toString()).toBe(whole);
  expect([chunks.length(), chunks.take().toString()]).toEqual([0, '']);
});

test('clear drops what came before', () => {
  const chunks = createChunks();
  for (let number = 0; number < 2000; number += 1) chunks.add(Buffer.from('x'));
  chunks.clear();
  chunks.add(Buffer.from('water'));

  expect(chunks.take().toString()).toBe('water');
});
