import { expect, test } from 'vitest';
import { describeProblems, excerpt, PublisherError } from '../../src/errors.ts';
import { fieldPath } from '../../src/lib/problems.ts';
import { readYaml } from '../../src/lib/yaml.ts';

test.each([
  ['{"a": [1, {"b": "c"}]}', { a: [1, { b: 'c' }] }],
  ['a: 2026-11-22T10:00:00Z', { a: '2026-11-22T10:00:00Z' }],
  ['a: no', { a: 'no' }],
  ['', null],
])('%j is read', (text, expected) => {
  expect(readYaml(text)).toMatchObject({ value: expected, problems: [] });
});

test.each([
  ['a: [', 1],
  ['a: 1\nb: "', 2],
  ['a: 1\na: 2', 2],
])('%j is invalid', (text, line) => {
  const { value, problems } = readYaml(text);
  expect(value).toBeUndefined();
  expect(problems[0]).toMatchObject({ field: '', line });
});

test.each([
  ['a', { line: 11, column: 4 }],
  ['b[1].c', { line: 14, column: 8 }],
  ['b[1].d', { line: 14, column: 5 }],
  ['x', { line: 11, column: 1 }],
  ['', { line: 11, column: 1 }],
])('%j is found, or what is around it', (field, expected) => {
  expect(readYaml('a: 1\nb:\n  - 0\n  - c: 1\n', { firstLine: 11 }).locate(fieldPath(field))).toEqual(expected);
});

test.each([
  ['', []],
  ['authors[0].url', ['authors', 0, 'url']],
  ['a.b[10][2]', ['a', 'b', 10, 2]],
])('the path of %j', (field, expected) => {
  expect(fieldPath(field)).toEqual(expected);
});

test.each([
  ['a\n b', 'a b'],
  [{ a: [1] }, '{"a":[1]}'],
  ['x'.repeat(120), 'x'.repeat(120)],
  ['x'.repeat(121), `${'x'.repeat(119)}…`],
  ['😀'.repeat(61), `${'😀'.repeat(59)}…`],
])('%j is shown on one line', (value, expected) => {
  expect(excerpt(value)).toBe(expected);
});

test.each([
  [{}, ['Message.']],
  [{ file: 'f' }, ['f: Message.']],
  [{ problems: [{ field: 'a', rule: 'r' }] }, ['a: r']],
  [
    {
      file: 'f',
      problems: [
        { field: 'a', rule: 'r', value: 'v', line: 1, column: 2 },
        { field: '', rule: 's', line: 3 },
      ],
    },
    ['f:1:2: a: r (value: v)', 'f:3: s'],
  ],
])('an error is described as compilers do: %j', (details, expected) => {
  expect(describeProblems(new PublisherError('usage', 'Message.', details))).toEqual(expected);
});
