import { expect, test } from 'vitest';
import { findable, folded, rank } from '../../src/pages/search.ts';

test.each([
  ['case', 'WORLD', 'world'],
  ['the Turkish dotted I', 'İstanbul', 'istanbul'],
  ['the Turkish dotless i', 'IĞDIR ığdır', 'igdir igdir'],
  ['accents', 'Çand û hûner', 'cand u huner'],
  ['accents in one or two characters', 'Café', 'Cafe\u0301'],
  ['ي, ی and ى', 'كوردي', 'کوردى'],
  ['ك and ک', 'كتاب', 'کتاب'],
  ['ه, ە and ة', 'ژینگە', 'ژینگه'],
  ['the zero-width non-joiner', 'می\u200Cخواهم', 'میخواهم'],
  ['diacritics and tatweel', 'مُحَمَّـد', 'محمد'],
  ['the letters of Sorani that other keyboards lack', 'ڕۆژ و گوڵ و دێ', 'روژ و گول و دی'],
  ['hamza', 'أخبار آسيا', 'اخبار اسيا'],
  ['digits', '٢٠٢٦ ۲۰۲۶', '2026 2026'],
  ['punctuation', 'Al-Nahri, S.', 'al nahri s'],
  ['invisible controls', '\u200FAnn\u2069', 'ann'],
])('a search does not tell apart %s', (_, one, other) => {
  expect(folded(one)).toBe(folded(other));
});

test.each([
  ['world', 0],
  ['middle', 1],
  ['east', 2],
  ['iddle', 3],
  ['east middle', 4],
  ['middle west', undefined],
  ['x', undefined],
])('“%s” answers with rank %s', (wanted, expected) => {
  expect(rank(findable('Middle East', 'World'), wanted)).toBe(expected);
});

test('ten thousand long names are searched without a long wait', () => {
  const names = Array.from({ length: 10_000 }, (_, index) => findable(`${'Topic of the day '.repeat(10)}${index}`));
  const wanted = folded(`${'day '.repeat(50)}`);
  expect(names.filter((each) => rank(each, wanted) !== undefined)).toHaveLength(10_000);
});
