import { expect, test } from 'vitest';
import { parseArticle } from '../../src/article/article.ts';
import { MAX_ATTRIBUTES, MAX_CLEAN_LENGTH, MAX_ELEMENTS } from '../../src/article/body-limits.ts';
import type { Problem } from '../../src/errors.ts';
import { newsroom, record } from '../helpers.ts';

const WAYS = [true, false] as const;

/** The problems of a record with this body; none if the record is published. */
function problemsOf(body: string, sanitizeFastPath: boolean, fields = {}): readonly Problem[] {
  try {
    parseArticle(record({ body, ...fields }), { ...newsroom, sanitizeFastPath });
    return [];
  } catch (error) {
    return (error as { readonly problems: readonly Problem[] }).problems;
  }
}

const attributesIn = (count: number) => `<p>a</p>${`<hr${' a'.repeat(1000)}>`.repeat(count / 1000)}`;

const TOO_MANY_ELEMENTS =
  'must not have more than 100,000 elements. Publish the story in parts, or remove markup that says nothing';
const TOO_MANY_ATTRIBUTES =
  'must not have more than 200,000 attributes. Publish the story in parts, or remove attributes that readers do not use';
const TOO_LONG = 'must not be longer than 8,388,608 characters after cleaning. Publish the story in parts';

test.each(WAYS)(
  'a body may have as many elements and attributes as the limits, and no more, with the fast path %s',
  (fastPath) => {
    expect(problemsOf('a<br>'.repeat(MAX_ELEMENTS), fastPath)).toEqual([]);
    expect(problemsOf('a<br>'.repeat(MAX_ELEMENTS + 1), fastPath)).toEqual([
      { field: 'body', rule: TOO_MANY_ELEMENTS },
    ]);
    expect(problemsOf(attributesIn(MAX_ATTRIBUTES), fastPath)).toEqual([]);
    expect(problemsOf(`${attributesIn(MAX_ATTRIBUTES)}<p id="a">b</p>`, fastPath)).toEqual([
      { field: 'body', rule: TOO_MANY_ATTRIBUTES },
    ]);
  },
);

test.each([
  ['that others close', '<p>'],
  ['that an end tag stands for', '</p>'],
  ['that are removed', '<font></font>'],
  ['without a place in a story', '<script></script>'],
  ['in hidden content', '<i></i>', 'a<div hidden>'],
])('elements count if they are elements %s', (_, element, before = 'a') => {
  expect(problemsOf(before + element.repeat(MAX_ELEMENTS + 1), true)).toEqual([
    { field: 'body', rule: TOO_MANY_ELEMENTS },
  ]);
});

test('tags in comments and attributes are no elements', () => {
  expect(
    problemsOf(`a<!--${'<b>'.repeat(MAX_ELEMENTS + 1)}--><p title="${'<b>'.repeat(MAX_ELEMENTS + 1)}">`, true),
  ).toEqual([]);
});

test('a body may be as long as the limit after cleaning, and no longer', () => {
  const text = '>'.repeat(MAX_CLEAN_LENGTH / 4);

  expect(problemsOf(text, true)).toEqual([]);
  expect(problemsOf(`${text}a`, true)).toEqual([{ field: 'body', rule: TOO_LONG }]);
});

test.each([
  ['a link', '[a] '],
  ['a picture', '![a] '],
  ['a link in a list', '* [b][a]\n'],
])('the definitions of Markdown do not make a body longer than that: %s', (_, use) => {
  const markdown = `[a]: /b "${'t'.repeat(100_000)}"\n\n`;

  expect(problemsOf(markdown + use.repeat(80), true, { bodyFormat: 'markdown' })).toEqual([]);
  expect(problemsOf(markdown + use.repeat(10_000), true, { bodyFormat: 'markdown' })).toEqual([
    { field: 'body', rule: TOO_LONG },
  ]);
});
