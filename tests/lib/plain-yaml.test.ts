import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { readPlainYaml } from '../../src/lib/plain-yaml.ts';
import { readYaml } from '../../src/lib/yaml.ts';

const isText = (field: string) => !['entries', 'days'].includes(field);

/** Compares both readers. Returns whether the text is in the plain form. */
function isSame(text: string): boolean {
  const plain = readPlainYaml(text, isText);
  if (plain === undefined) return false;
  const { value, problems } = readYaml(text, { isText });
  expect({ text, problems, value: plain }).toEqual({ text, problems: [], value });
  return true;
}

test.each([
  [
    'a file of a partner',
    'name: The Wire\ndialect: plain\nfeeds: [latest, section/world]\n',
    { name: 'The Wire', dialect: 'plain', feeds: ['latest', 'section/world'] },
  ],
  [
    'indented fields and lists',
    'select:\n  any:\n    - tag/a\n    - tag/b\n  all:\n  - tag/c\nname: X\n',
    { select: { any: ['tag/a', 'tag/b'], all: ['tag/c'] }, name: 'X' },
  ],
  [
    'numbers and words',
    'days: 7\nname: 7\nfeeds: [7]\nwindow: { entries: 20, days: 0 }\nmedia: { on: true, off: yes }\n',
    { days: 7, name: '7', feeds: ['7'], window: { entries: 20, days: 0 }, media: { on: true, off: 'yes' } },
  ],
  [
    'quotation marks and comments',
    `# c\n\nname: "a: #b" # c\nterms: 'x, y'\nfeeds: [] # d\n  # e\n`,
    { name: 'a: #b', terms: 'x, y', feeds: [] },
  ],
  ['addresses', 'terms: https://a.example/b\n', { terms: 'https://a.example/b' }],
])('reads %s', (_, text, value) => {
  expect(readPlainYaml(text, isText)).toEqual(value);
  expect(isSame(text)).toBe(true);
});

test.each([
  ['nothing', ''],
  ['a comment alone', '# a\n'],
  ['a name twice', 'a: b\na: c\n'],
  ['a name without a value', 'a:\nb: c\n'],
  ['a text of several lines', 'a: b\n  c\n'],
  ['a block', 'a: |\n  b\n'],
  ['an escape', 'a: "\\u0041"\n'],
  ['a doubled quotation mark', "a: 'b''c'\n"],
  ['a fraction', 'a: 1.10\n'],
  ['digits behind a zero', 'a: 007\n'],
  ['null', 'a: null\n'],
  ['TRUE', 'a: TRUE\n'],
  ['an anchor', 'a: &b c\n'],
  ['an alias', 'a: *b\n'],
  ['a tag', 'a: !!str b\n'],
  ['several documents', 'a: b\n---\na: c\n'],
  ['a colon in a text', 'a: b: c\n'],
  ['a mapping in a list', 'a:\n  - b: c\n'],
  ['a bracket that is open', 'a: [b, c\n'],
  ['a comma too many', 'a: [b,]\n'],
  ['another space at the end', 'a: b\u00A0\n'],
  ['a tab', 'a:\tb\n'],
  ['a line end of Windows', 'a: b\r\n'],
  ['a wrong indentation', 'a:\n    b: c\n  d: e\n'],
])('leaves to the general reader: %s', (_, text) => {
  expect(readPlainYaml(text, isText)).toBeUndefined();
});

const word = fc.oneof(
  fc.constantFrom(
    'latest',
    'section/world',
    'a b',
    'true',
    'No',
    'nULL',
    'é',
    'ku-rdî',
    "it's",
    'a:b',
    '7',
    '007',
    '1.5',
    '0x1f',
    '~',
    '',
    '-',
    '#x',
    'a #b',
    'a, b',
    '[x',
    '© y',
    '2026-11-30',
    'a\nb',
  ),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.string({ unit: fc.constantFrom(...'ab:, #-[]{}\'"&*!|>%@~?=\\ \n'), maxLength: 8 }),
);
const name = fc.constantFrom('name', 'feeds', 'any', 'days', 'entries', 'media', 'a_b', 'constructor');
const scalar = fc.oneof(word, fc.nat(), fc.boolean());
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}));
const fields = fc.dictionary(name, value, { minKeys: 1, maxKeys: 4, noNullPrototype: true });

/** Texts near the plain form: written by a library, with one change of a character or none, or made of pieces. */
const texts = fc.oneof(
  fc
    .tuple(fields, fc.constantFrom(undefined, 'QUOTE_DOUBLE', 'PLAIN'), fc.boolean())
    .map(([of, defaultStringType = 'PLAIN', isFlow]) =>
      stringify(of, {
        defaultStringType: defaultStringType as 'PLAIN',
        collectionStyle: isFlow ? 'flow' : 'any',
        lineWidth: 0,
      }),
    ),
  fc
    .tuple(fields, fc.nat(200), fc.constantFrom('', ' ', ':', ',', '#', '-', '"', "'", '\n', '[', '}', 'x', '0'))
    .map(([of, at, sign]) => {
      const text = stringify(of, { lineWidth: 0 });
      return text.slice(0, at % text.length) + sign + text.slice((at % text.length) + 1);
    }),
  fc
    .array(
      fc.tuple(
        fc.constantFrom('', ' ', '  ', '    '),
        fc.constantFrom('- ', 'name: ', 'any:', 'days: ', '# ', ''),
        word,
        fc.constantFrom('', ' # c', ' '),
      ),
      { maxLength: 5 },
    )
    .map((lines) => lines.map((parts) => `${parts.join('')}\n`).join('')),
);

test('any text that it reads has the value that the general reader gives', () => {
  let plain = 0;
  fc.assert(
    fc.property(texts, (text) => {
      if (isSame(text)) plain += 1;
    }),
    { numRuns: 1000, seed: 20 },
  );
  expect(plain).toBeGreaterThan(50);
});

test.each([' ', 'a', 'a ', '[', '{a: ', '"', ',', '- ', '#', 'a,'])('a long line is no trouble: %s', (sign) => {
  const line = `a: ${sign.repeat(100_000)}x`;
  expect(readPlainYaml(line, isText)?.a ?? sign).toEqual(expect.any(String));
});
