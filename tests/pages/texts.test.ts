import { expect, test } from 'vitest';
import { html, type Part } from '../../src/pages/html.ts';
import ar from '../../src/pages/texts/ar.json' with { type: 'json' };
import ckb from '../../src/pages/texts/ckb.json' with { type: 'json' };
import en from '../../src/pages/texts/en.json' with { type: 'json' };
import fa from '../../src/pages/texts/fa.json' with { type: 'json' };
import ku from '../../src/pages/texts/ku.json' with { type: 'json' };
import tr from '../../src/pages/texts/tr.json' with { type: 'json' };
import { type TextName, textsFor, textWith } from '../../src/pages/texts.ts';
import { isolated, languageName, line, name } from '../../src/pages/words.ts';

const publication = { timeZone: 'Asia/Baghdad' };
const MOMENT = Date.UTC(2026, 10, 21, 19, 10);
const placeholders = (text: unknown) => new Set(JSON.stringify(text).match(/\{\w+\}/g));
const inHtml = (part: Part) => String(html`${part}`);

test.each(Object.entries({ ar, ckb, fa, ku, tr }))('%s has every text, with the same places for values', (_, texts) => {
  expect(Object.keys(texts).toSorted()).toEqual(Object.keys(en).toSorted());
  for (const [key, text] of Object.entries(texts)) {
    expect([key, placeholders(text)]).toEqual([key, placeholders(en[key as TextName])]);
  }
});

test.each([
  ['en', 'ltr', '21 November 2026', '22:10 GMT+3', 'A, B and C', '1,234', '18 October'],
  ['en-US', 'ltr', 'November 21, 2026', '10:10 PM GMT+3', 'A, B, and C', '1,234', 'October 18'],
  ['ku', 'ltr', '21ê mijdara 2026an', '22:10 GMT+3', 'A, B û C', '1.234', '18ê cotmehê'],
  ['ckb', 'rtl', '٢١ی تشرینی دووەمی ٢٠٢٦', '١٠:١٠ د.ن گرینیچ +٣', 'A, B و C', '١٬٢٣٤', '١٨ی تشرینی یەکەمی ٢٠٢٦'],
  ['tr', 'ltr', '21 Kasım 2026', '22:10 GMT+3', 'A, B ve C', '1.234', '18 Ekim'],
])('%s runs %s and writes %s', (language, direction, date, time, list, number, day) => {
  const texts = textsFor(language, publication);
  const written = [texts.date(MOMENT), texts.time(MOMENT), texts.number(1234)];

  expect([texts.language, texts.direction]).toEqual([language, direction]);
  expect(written.map((text) => text.replaceAll('\u202F', ' '))).toEqual([date, time, number]);
  expect(inHtml(texts.list(['A', 'B', 'C'].map((item) => html`${item}`)))).toBe(list);
  expect(texts.dayAndMonth(Date.UTC(2026, 9, 18, 12))).toBe(day);
});

test.each([
  ['en', 1, '1 story'],
  ['en', 2, '2 stories'],
  ['ar', 1, 'مادة واحدة'],
  ['ar', 2, 'مادتان'],
  ['ar', 3, '3 مواد'],
  ['ar', 11, '11 مادة'],
  ['ar', 100, '100 مادة'],
  ['tr', 1, '1 yazı'],
])('%s: %i', (language, n, words) => {
  expect(textsFor(language, publication).plural('stories', n)).toBe(words);
});

test('a language without texts is English, and one in another script is not taken for its own', () => {
  expect(textsFor('de', publication).language).toBe('en');
  expect(textsFor('ku-Arab', publication).language).toBe('en');
  expect(textsFor('tr-CY', publication)).toMatchObject({ language: 'tr-CY', direction: 'ltr' });
  expect(textsFor('tr-CY', publication).text('search')).toBe('Ara');
});

test('any number of languages costs the memory of a few', () => {
  const first = textsFor('en-x-first', publication);
  expect(textsFor('en-x-first', publication)).toBe(first);

  for (let index = 0; index < 100; index += 1) textsFor(`en-x-a${index}`, publication);
  expect(textsFor('en-x-first', publication)).not.toBe(first); // it was dropped
  for (const tag of ['de', 'zxx', 'qaa', 'ku-Arab']) {
    expect(textsFor(tag, publication)).toBe(textsFor('en', publication));
  }
});

test('the texts of the operator come first, and what they leave out is English or as it was', () => {
  const pages = {
    mediaHosts: [],
    texts: { de: { search: 'Suchen', stories: { one: '{n} Text', other: '{n} Texte' } }, TR: { search: 'Bul' } },
  };
  const german = textsFor('de-AT', { ...publication, pages });
  expect([german.language, german.text('search'), german.text('copy')]).toEqual(['de-AT', 'Suchen', 'Copy']);
  expect([german.plural('stories', 1), german.plural('stories', 2)]).toEqual(['1 Text', '2 Texte']);
  const turkish = textsFor('tr', { ...publication, pages });
  expect([turkish.text('search'), turkish.text('copy')]).toEqual(['Bul', 'Kopyala']);
});

test('a value is put in once, and is no pattern', () => {
  const texts = textsFor('en', publication);
  expect(texts.text('chart', { date: '$&{n}', n: '{max}', max: '1' })).toBe(
    'Stories per day in the five weeks to $&{n}: {max} in all, 1 at most',
  );
  expect(texts.text('by', {})).toBe('By {names}');
  expect(inHtml(textWith(texts, 'found', { q: '<{n}>' }, 1))).toBe('1 feed for “&lt;{n}&gt;”');
});

const english = textsFor('en', publication);
const sorani = textsFor('ckb', publication);

test.each<[string, Part, string]>([
  ['a title in the language of the page', isolated('A & B', 'en', english), 'A &amp; B'],
  ['a title that runs the other way', isolated('\u200Fئاو', 'ckb', english), '<bdi lang="ckb" dir="rtl">ئاو</bdi>'],
  ['a title in another language', isolated('Su', 'tr', english), '<bdi lang="tr">Su</bdi>'],
  ['isolated words in it', line('On \u2067صوت\u2069.'), 'On <bdi dir="rtl">صوت</bdi>.'],
  ['isolated words within others', line('\u2066a \u2068b\u2069'), '<bdi dir="ltr">a <bdi>b</bdi></bdi>'],
  ['an end without a beginning', line('a\u2069b\u202E'), 'ab'],
  ['a name that runs the other way', name('ژینگە', english), '<bdi dir="rtl">ژینگە</bdi>'],
  ['a name in Latin letters on a page from right to left', name('Ann', sorani), '<bdi dir="ltr">Ann</bdi>'],
  ['a name with a word that runs the other way', name('Ann (آن)', english), '<bdi>Ann (آن)</bdi>'],
  ['a name in Arabic that ends with a Latin one', name('رسم: Ann', english), '<bdi dir="rtl">رسم: Ann</bdi>'],
  ['the same on a page from right to left', name('رسم: Ann', sorani), '<bdi>رسم: Ann</bdi>'],
  ['a Latin name with an Arabic one, there', name('2. Ann (آن)', sorani), '<bdi dir="ltr">2. Ann (آن)</bdi>'],
  ['a name that runs with the page', name('ژینگە', sorani), 'ژینگە'],
])('%s', (_, part, expected) => {
  expect(inHtml(part)).toBe(expected);
});

test('the names of languages begin as names do', () => {
  expect(['ku', 'ckb', 'en', 'tr'].map(languageName)).toEqual([
    'Kurdî (kurmancî)',
    'کوردیی ناوەندی',
    'English',
    'Türkçe',
  ]);
});
