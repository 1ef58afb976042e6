import { expect, test } from 'vitest';
import { nearestIndex, nearestWord, spelling } from '../../src/lib/nearest-word.ts';

test.each([
  ['summry', 'summary'],
  ['SUMMARY', 'summary'],
  ['publishedat', 'publishedAt'],
  ['publishdAt', 'publishedAt'],
  ['titel', 'title'],
  ['ab', 'id'], // two steps are always near enough
  ['section', undefined],
  ['unpublishedUntil', undefined],
])('the nearest field to %s is %s', (asked, expected) => {
  expect(nearestWord(asked, ['id', 'title', 'summary', 'publishedAt'])).toBe(expected);
});

test.each([
  ['an empty list', [], undefined],
  ['two equally near words', ['cat', 'car'], 'cat'],
  ['a nearer word behind', ['cart', 'ca'], 'ca'],
  ['the word itself behind', ['cat', 'cab'], 'cab'],
])('the nearest word to cab in %s', (_, known, expected) => {
  expect(nearestWord('cab', known)).toBe(expected);
});

test.each([
  ['a spelling counts with its penalty', [[spelling('cab', 2)], [spelling('cat')]], 1],
  ['the nearest spelling of a word counts', [[spelling('cat')], [spelling('unknown'), spelling('cab')]], 1],
  ['a penalty can put a word out of reach', [[spelling('cab', 3)]], undefined],
])('%s', (_, known, expected) => {
  expect(nearestIndex('cab', known)).toBe(expected);
});
