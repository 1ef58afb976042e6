import { expect, test } from 'vitest';
import { joinNames } from '../../src/lib/name-list.ts';

test.each([
  ['en', 'Ann and Bob', 'Ann, Bob, and Cem'],
  ['en-GB', 'Ann and Bob', 'Ann, Bob and Cem'],
  ['ku', 'Ann û Bob', 'Ann, Bob û Cem'],
  ['ku-Arab', 'Ann و Bob', 'Ann، Bob و Cem'],
  ['ckb', 'Ann و Bob', 'Ann، Bob و Cem'],
  ['ckb-Latn', 'Ann û Bob', 'Ann, Bob û Cem'],
  ['sdh', 'Ann و Bob', 'Ann، Bob و Cem'],
  ['ar', 'Ann وBob', 'Ann وBob وCem'],
  ['fa', 'Ann و Bob', 'Ann،\u200F Bob، و Cem'],
  ['tr', 'Ann ve Bob', 'Ann, Bob ve Cem'],
  ['zza', 'Ann, Bob', 'Ann, Bob, Cem'],
  ['lki', 'Ann، Bob', 'Ann، Bob، Cem'],
  ['az-Arab', 'Ann، Bob', 'Ann، Bob، Cem'],
  ['und', 'Ann, Bob', 'Ann, Bob, Cem'],
])('names in %s', (language, two, three) => {
  expect(joinNames([], language)).toBe('');
  expect(joinNames(['Ann'], language)).toBe('Ann');
  expect(joinNames(['Ann', 'Bob'], language)).toBe(two);
  expect(joinNames(['Ann', 'Bob', 'Cem'], language)).toBe(three);
});
