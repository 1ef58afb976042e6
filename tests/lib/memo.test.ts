import { expect, test } from 'vitest';
import { memo } from '../../src/lib/memo.ts';

/** A memo of two short texts, and the texts that it computed. */
function lengths() {
  const computed: string[] = [];
  const lengthOf = memo(
    (text) => {
      computed.push(text);
      if (text === '!') throw new Error('no length');
      return text === '' ? undefined : text.length;
    },
    { max: 2, maxLength: 3 },
  );
  return { computed, lengthOf };
}

test.each([
  ['one text', ['a', 'a', 'a'], ['a']],
  ['as many texts as it keeps', ['a', 'b', 'a', 'b'], ['a', 'b']],
  ['a text that was evicted', ['a', 'b', 'c', 'a'], ['a', 'b', 'c', 'a']],
  ['a text that was used recently', ['a', 'b', 'a', 'c', 'a'], ['a', 'b', 'c']],
  ['a text whose result is undefined', ['', ''], ['']],
  ['the longest text that it keeps', ['abc', 'abc'], ['abc']],
  ['a longer text', ['abcd', 'abcd'], ['abcd', 'abcd']],
])('computes %s as rarely as it can', (_, texts, expected) => {
  const { computed, lengthOf } = lengths();
  expect(texts.map(lengthOf)).toEqual(texts.map((text) => (text === '' ? undefined : text.length)));
  expect(computed).toEqual(expected);
});

test('throws what the computation throws, and keeps nothing of it', () => {
  const { computed, lengthOf } = lengths();
  expect(() => lengthOf('!')).toThrow('no length');
  expect(() => lengthOf('!')).toThrow('no length');
  expect(computed).toEqual(['!', '!']);
});
