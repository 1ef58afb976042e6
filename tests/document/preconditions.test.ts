import { expect, test } from 'vitest';
import { preconditions } from '../../src/document/preconditions.ts';

const LAST = 'Sun, 22 Nov 2026 10:46:59 GMT';
const BEFORE = 'Sun, 22 Nov 2026 10:46:58 GMT';
const AFTER = 'Sun, 22 Nov 2026 10:47:00 GMT';
const known = { etags: new Set(['"a"', '"a-gzip"', '"b,c"']), lastModified: Date.UTC(2026, 10, 22, 10, 46, 59) };

test.each([
  ['nothing is asked', {}, 'proceed'],

  ['If-None-Match: the tag', { 'if-none-match': '"a"' }, 'not-modified'],
  ['of another coding', { 'if-none-match': '"a-gzip"' }, 'not-modified'],
  ['another', { 'if-none-match': '"x"' }, 'proceed'],
  ['weak', { 'if-none-match': 'W/"a"' }, 'not-modified'],
  ['weak in lower case is none', { 'if-none-match': 'w/"x"' }, 'proceed'],
  ['any', { 'if-none-match': '*' }, 'not-modified'],
  ['any, with white space', { 'if-none-match': ' * ' }, 'not-modified'],
  ['in a list', { 'if-none-match': '"x", W/"y" ,"a"' }, 'not-modified'],
  ['a list without it', { 'if-none-match': '"x","y"' }, 'proceed'],
  ['with a comma in it', { 'if-none-match': '"b,c"' }, 'not-modified'],
  ['half of one with a comma', { 'if-none-match': '"b", "c"' }, 'proceed'],
  ['without quotes', { 'if-none-match': 'a' }, 'proceed'],
  ['empty', { 'if-none-match': '' }, 'proceed'],

  ['If-Modified-Since: the date', { 'if-modified-since': LAST }, 'not-modified'],
  ['a second earlier', { 'if-modified-since': BEFORE }, 'proceed'],
  ['a second later', { 'if-modified-since': AFTER }, 'not-modified'],
  ['in asctime', { 'if-modified-since': 'Sun Nov 22 10:46:59 2026' }, 'not-modified'],
  ['no date', { 'if-modified-since': 'yesterday' }, 'proceed'],
  ['of 2000', { 'if-modified-since': 'Sat, 01 Jan 2000 00:00:00 GMT' }, 'proceed'],

  ['a tag wins over a date: other tag', { 'if-none-match': '"x"', 'if-modified-since': AFTER }, 'proceed'],
  ['a tag wins over a date: same tag', { 'if-none-match': '"a"', 'if-modified-since': BEFORE }, 'not-modified'],
  ['even one that is none', { 'if-none-match': 'x', 'if-modified-since': AFTER }, 'proceed'],

  ['If-Match: the tag', { 'if-match': '"a"' }, 'proceed'],
  ['in a list', { 'if-match': '"x", "a-gzip"' }, 'proceed'],
  ['another', { 'if-match': '"x"' }, 'failed'],
  ['weak never matches', { 'if-match': 'W/"a"' }, 'failed'],
  ['any', { 'if-match': '*' }, 'proceed'],
  ['empty', { 'if-match': '' }, 'failed'],

  ['If-Unmodified-Since: the date', { 'if-unmodified-since': LAST }, 'proceed'],
  ['a second earlier', { 'if-unmodified-since': BEFORE }, 'failed'],
  ['a second later', { 'if-unmodified-since': AFTER }, 'proceed'],
  ['no date', { 'if-unmodified-since': '0' }, 'proceed'],
  ['If-Match wins over it', { 'if-match': '"a"', 'if-unmodified-since': BEFORE }, 'proceed'],

  ['If-Match holds, then If-None-Match', { 'if-match': '"a"', 'if-none-match': '"a"' }, 'not-modified'],
  ['If-Match fails first', { 'if-match': '"x"', 'if-none-match': '"a"' }, 'failed'],
  ['If-Unmodified-Since fails first', { 'if-unmodified-since': BEFORE, 'if-none-match': '"a"' }, 'failed'],
  ['both dates hold', { 'if-unmodified-since': LAST, 'if-modified-since': LAST }, 'not-modified'],
])('%s: %o', (_, headers, decision) => {
  expect(preconditions(headers, known)).toBe(decision);
});
