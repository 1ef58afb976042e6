import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PublisherError } from '../../src/errors.ts';
import { parseJson } from '../../src/lib/json.ts';

function problems(bytes: Uint8Array): readonly unknown[] {
  try {
    parseJson(bytes);
  } catch (error) {
    if (error instanceof PublisherError && error.code === 'invalid_json') return error.problems;
    throw error;
  }
  return [];
}

test.each([
  ['{"a": [1, 2.5e3, "ا", true, null, {}]}', { a: [1, 2500, 'ا', true, null, {}] }],
  [' "text" ', 'text'],
  ['{"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]}', { a: { a: 1 }, b: [{ a: 1 }, { a: 2 }] }],
  ['"\\"{[\\\\"', '"{[\\'],
  [`${'['.repeat(64)}${']'.repeat(64)}`, JSON.parse(`${'['.repeat(64)}${']'.repeat(64)}`)],
  [JSON.stringify('['.repeat(1000)), '['.repeat(1000)],
  ['\uFEFF{}', {}],
])('%j is read', (text, expected) => {
  expect(parseJson(Buffer.from(text))).toEqual(expected);
});

test('a name that means something to JavaScript is a name', () => {
  expect(Object.entries(parseJson(Buffer.from('{"__proto__": 1}')) as object)).toEqual([['__proto__', 1]]);
});

describe('what is no JSON is refused where it ceases to be', () => {
  test.each([
    ['', 1, 1],
    ['{\n  "a": 1,\n}', 3, 1],
    ["{'a': 1}", 1, 2],
    ['{"a": 1} // why', 1, 10],
    ['{"a" 1}', 1, 6],
    ['[1\n 2]', 2, 2],
    ['{} {}', 1, 4],
  ])('%j', (text, line, column) => {
    expect(problems(Buffer.from(text))).toEqual([{ field: '', rule: 'is not JSON here', line, column }]);
  });

  test.each([
    ['{"a":\n NaN}', 2, 2],
    ['{"a": 01}', 1, 8],
    ['"\n"', 1, 1],
    ['{"a": "\\x"}', 1, 7],
    ['[1,]', 1, 4],
    ['undefined', 1, 1],
    ['nul', 1, 1],
    ['{"a": 1}\u00A0', 1, 9],
    ['{"a": "x', 1, 7],
    ['{"a": 1.}', 1, 7],
    ['{"a": "\\uD8"}', 1, 7],
    ['{"a": \u0001}', 1, 7],
    ['{}}', 1, 3],
  ])('%j', (text, line, column) => {
    expect(problems(Buffer.from(text))).toEqual([{ field: '', rule: 'is not JSON here', line, column }]);
  });

  test('whatever the text is, the problem has its position within it', () => {
    const valid = JSON.stringify({ id: 'a', tags: ['x', 1.5, null, { y: 'é\n' }], body: 'z' }, null, 1);
    fc.assert(
      fc.property(
        fc.nat(valid.length - 1),
        fc.constantFrom('', '"', '}', ']', ',', '\\', '\u0001', '/', 'e'),
        (at, put) => {
          const found = problems(Buffer.from(valid.slice(0, at) + put + valid.slice(at + 1)));
          for (const problem of found) {
            expect(problem).toMatchObject({ line: expect.any(Number), column: expect.any(Number) });
          }
        },
      ),
    );
  });
});

test.each([
  ['{"a": 1, "a": 1}', [{ field: 'a', line: 1, column: 10 }]],
  ['{"a": 1,\n "\\u0061": 2}', [{ field: 'a', line: 2, column: 2 }]],
  [
    '{"b": {"a": 1, "a": 2}, "b": 3}',
    [
      { field: 'a', line: 1, column: 16 },
      { field: 'b', line: 1, column: 25 },
    ],
  ],
  ['{"__proto__": 1, "__proto__": 2}', [{ field: '__proto__', line: 1, column: 18 }]],
  ['[{"a": {"b": null}}, [{"a": 1, "a": {"b": 1, "c": []}}]]', [{ field: 'a', line: 1, column: 32 }]],
])('a name that stands twice in an object is refused: %j', (text, expected) => {
  expect(problems(Buffer.from(text))).toEqual(
    expected.map((each) => ({ ...each, rule: 'stands twice in one object' })),
  );
});

test.each([
  ['65 lists', `${'['.repeat(65)}${']'.repeat(65)}`, 65],
  ['65 objects', `${'{"a":'.repeat(65)}1${'}'.repeat(65)}`, 321],
  ['a million lists that are never closed', '['.repeat(1_000_000), 65],
])('%s within each other are refused', (_, text, column) => {
  const rule = 'must not be nested deeper than 64 levels';
  expect(problems(Buffer.from(text))).toEqual([{ field: '', rule, line: 1, column }]);
});

test.each([
  ['Latin-1', Buffer.from('"\xe9"', 'latin1'), 1, 2],
  ['UTF-16', Buffer.from('\uFEFF"a"', 'utf16le'), 1, 1],
  ['a surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 1, 2],
  ['an overlong slash', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), 1, 2],
  ['a byte on another line', Buffer.concat([Buffer.from('{\n"é😀\uFFFD": "'), Buffer.from([0xff])]), 2, 10],
  ['a byte behind a byte order mark', Buffer.concat([Buffer.from('\uFEFF"é'), Buffer.from([0xff])]), 1, 3],
])('%s is not UTF-8', (_, bytes, line, column) => {
  expect(problems(bytes)).toEqual([{ field: '', rule: 'must be UTF-8 (RFC 8259 §8.1)', line, column }]);
});
