import { describe, expect, test } from 'vitest';
import { httpDate, parseHttpDate, parseInstant, rfc3339, utcYear } from '../../src/lib/instant.ts';

function read(text: string): string | undefined {
  const instant = parseInstant(text);
  return instant === undefined ? undefined : rfc3339(instant);
}

describe('an RFC 3339 date-time is read', () => {
  test.each([
    ['2026-11-22T10:46:59Z', '2026-11-22T10:46:59Z'],
    ['2026-11-22T10:46:59+03:00', '2026-11-22T07:46:59Z'],
    ['2026-11-22T10:46:59-03:30', '2026-11-22T14:16:59Z'],
    ['2026-11-22T10:46:59-00:00', '2026-11-22T10:46:59Z'],
    ['2026-11-22T23:30:00-23:59', '2026-11-23T23:29:00Z'],
    ['2026-11-22t10:46:59z', '2026-11-22T10:46:59Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z'],
    ['1969-12-31T23:59:59Z', '1969-12-31T23:59:59Z'],
    ['1000-01-01T00:00:00Z', '1000-01-01T00:00:00Z'],
    ['0999-12-31T23:59:00-00:01', '1000-01-01T00:00:00Z'],
    ['2000-02-29T00:00:00Z', '2000-02-29T00:00:00Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59Z'],
  ])('%s', (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  test.each([
    ['2026-11-22T10:46:59.999Z', '2026-11-22T10:46:59Z'],
    ['2026-11-22T10:46:59.5+03:00', '2026-11-22T07:46:59Z'],
    ['1969-12-31T23:59:58.5Z', '1969-12-31T23:59:58Z'],
    ['2026-11-22T10:46:59.99999999999999999Z', '2026-11-22T10:46:59Z'],
  ])('down to the second: %s', (text, expected) => {
    expect(read(text)).toBe(expected);
  });

  test.each([
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00Z'],
    ['2016-12-31T23:59:60.5Z', '2017-01-01T00:00:00Z'],
    ['2017-01-01T02:59:60+03:00', '2017-01-01T00:00:00Z'],
  ])('with a leap second: %s', (text, expected) => {
    expect(read(text)).toBe(expected);
  });
});

test.each([
  ['no zone', '2026-11-22T10:46:59'],
  ['no time', '2026-11-22'],
  ['no seconds', '2026-11-22T10:46Z'],
  ['a space for the T', '2026-11-22 10:46:59Z'],
  ['white space around', ' 2026-11-22T10:46:59Z'],
  ['a zone without a colon', '2026-11-22T10:46:59+0300'],
  ['a zone by name', '2026-11-22T10:46:59 GMT'],
  ['a zone of 24 hours', '2026-11-22T10:46:59+24:00'],
  ['hour 24', '2026-11-22T24:00:00Z'],
  ['minute 60', '2026-11-22T10:60:00Z'],
  ['second 61', '2026-11-22T10:46:61Z'],
  ['month 13', '2026-13-01T00:00:00Z'],
  ['day 0', '2026-11-00T00:00:00Z'],
  ['30 February', '2026-02-30T00:00:00Z'],
  ['29 February of no leap year', '2026-02-29T00:00:00Z'],
  ['31 November', '2026-11-31T00:00:00Z'],
  ['a comma before the fraction', '2026-11-22T10:46:59,5Z'],
  ['an empty fraction', '2026-11-22T10:46:59.Z'],
  ['Arabic digits', '٢٠٢٦-١١-٢٢T10:46:59Z'],
  ['a year of five digits', '+12026-11-22T10:46:59Z'],
  ['month 0', '2026-00-01T00:00:00Z'],
  ['day 32', '2026-01-32T00:00:00Z'],
  ['29 February of a century', '1900-02-29T00:00:00Z'],
  ['year 99', '0099-01-01T00:00:00Z'],
  ['year 999', '0999-12-31T23:59:59Z'],
  ['year 999 in UTC', '1000-01-01T00:00:00+00:01'],
  ['year 10000 in UTC', '9999-12-31T23:59:59-00:01'],
  ['nothing', ''],
])('%s is no date: %s', (_, text) => {
  expect(parseInstant(text)).toBeUndefined();
});

describe('an HTTP date', () => {
  test.each([
    ['IMF-fixdate', 'Sun, 06 Nov 1994 08:49:37 GMT', '1994-11-06T08:49:37Z'],
    ['RFC 850', 'Sunday, 06-Nov-94 08:49:37 GMT', '1994-11-06T08:49:37Z'],
    // RFC 9110 §5.6.7: two digits mean the past only where they would lie more than 50 years ahead.
    ['RFC 850 of this century', 'Sunday, 22-Nov-26 10:46:59 GMT', '2026-11-22T10:46:59Z'],
    ['asctime', 'Sun Nov  6 08:49:37 1994', '1994-11-06T08:49:37Z'],
    ['asctime with two digits', 'Sun Nov 22 10:46:59 2026', '2026-11-22T10:46:59Z'],
    ['what Thunderbird says first', 'Sat, 01 Jan 2000 00:00:00 GMT', '2000-01-01T00:00:00Z'],
    ['white space around', '  Sun, 06 Nov 1994 08:49:37 GMT ', '1994-11-06T08:49:37Z'],
  ])('%s: %s', (_, text, expected) => {
    const instant = parseHttpDate(text);
    expect(instant === undefined ? undefined : rfc3339(instant)).toBe(expected);
  });

  test.each([
    undefined,
    '',
    '0',
    'yesterday',
    '2026-11-22T10:46:59Z',
    'Sun, 31 Nov 2026 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 +0300',
    'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
  ])('%s is invalid', (text) => {
    expect(parseHttpDate(text)).toBeUndefined();
  });

  test.each([
    [0, 'Thu, 01 Jan 1970 00:00:00 GMT'],
    [Date.UTC(2026, 10, 22, 10, 46, 59), 'Sun, 22 Nov 2026 10:46:59 GMT'],
    [Date.UTC(9999, 11, 31, 23, 59, 59), 'Fri, 31 Dec 9999 23:59:59 GMT'],
  ])('%d is written %s', (instant, expected) => {
    expect(httpDate(instant)).toBe(expected);
    expect(parseHttpDate(expected)).toBe(instant);
  });
});

test.each([
  [0, '1970-01-01T00:00:00Z', 1970],
  [Date.UTC(2026, 11, 31, 23, 59, 59), '2026-12-31T23:59:59Z', 2026],
  [Date.UTC(2027, 0, 1), '2027-01-01T00:00:00Z', 2027],
])('%d is %s in UTC, wherever the server stands', (instant, expected, year) => {
  expect(rfc3339(instant)).toBe(expected);
  expect(utcYear(instant)).toBe(year);
});
