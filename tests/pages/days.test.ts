import { expect, test } from 'vitest';
import { chart, rhythm } from '../../src/pages/chart.ts';
import { CHART_DAYS, daysUntil } from '../../src/pages/days.ts';
import { textsFor } from '../../src/pages/texts.ts';

const HOUR = 3_600_000;
const english = textsFor('en', { timeZone: 'UTC' });

/** The local dates and hours at which the days of a chart begin, by Intl. */
function startsOf(at: string, timeZone: string): string[] {
  const format = new Intl.DateTimeFormat('sv', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  return daysUntil(Date.parse(at), timeZone).map(([from]) => format.format(from));
}

test.each([
  ['2026-11-21T19:10:00Z', 'Asia/Baghdad', '2026-10-18', '2026-11-21'],
  ['2026-11-21T21:10:00Z', 'Asia/Baghdad', '2026-10-19', '2026-11-22'],
  ['2026-11-21T00:00:00Z', 'UTC', '2026-10-18', '2026-11-21'],
  ['2026-11-20T23:59:59Z', 'UTC', '2026-10-17', '2026-11-20'],
  ['2026-11-01T12:00:00Z', 'America/New_York', '2026-09-28', '2026-11-01'],
  ['2026-04-10T12:00:00Z', 'Europe/Berlin', '2026-03-07', '2026-04-10'],
  ['2026-04-10T12:00:00Z', 'Pacific/Chatham', '2026-03-08', '2026-04-11'],
  ['2026-01-01T12:00:00Z', 'Asia/Kathmandu', '2025-11-28', '2026-01-01'],
])('the days until %s in %s are those from %s to %s', (at, timeZone, first, last) => {
  const starts = startsOf(at, timeZone);
  expect([starts.length, starts[0], starts.at(-1)]).toEqual([CHART_DAYS, `${first} 00:00`, `${last} 00:00`]);
  expect(new Set(starts.map((start) => start.slice(11)))).toEqual(new Set(['00:00']));
  const days = daysUntil(Date.parse(at), timeZone);
  for (const [index, [from]] of days.entries()) if (index > 0) expect(from).toBe(days[index - 1]?.[1]);
  expect(days.at(-1)?.[0]).toBeLessThanOrEqual(Date.parse(at));
  expect(days.at(-1)?.[1]).toBeGreaterThan(Date.parse(at));
});

test('a day on which clocks are changed is shorter or longer', () => {
  const lengths = (at: string, zone: string) => daysUntil(Date.parse(at), zone).map(([from, to]) => (to - from) / HOUR);
  expect(lengths('2026-04-10T12:00:00Z', 'Europe/Berlin').filter((hours) => hours !== 24)).toEqual([23]);
  expect(lengths('2026-11-10T12:00:00Z', 'Europe/Berlin').filter((hours) => hours !== 24)).toEqual([25]);
});

test('a day whose midnight does not exist begins when its clocks begin', () => {
  // In Beirut, clocks go forward at midnight.
  const starts = startsOf('2026-04-05T12:00:00Z', 'Asia/Beirut');
  expect(starts.filter((start) => !start.endsWith('00:00'))).toEqual(['2026-03-29 01:00']);
});

const days = (...articles: readonly number[]) => [
  ...Array.from({ length: CHART_DAYS - articles.length }, () => 0),
  ...articles,
];

test('a chart has a bar for each day with stories, on a scale of three at least, and says what it shows', () => {
  const at = Date.UTC(2026, 10, 21);
  expect(String(chart(days(1, 0, 3), at, english))).toBe(
    '<svg class="spark" viewBox="0 0 160 28" role="img" aria-label="Stories per day in the five weeks to 21 November 2026: 4 in all, 3 at most"><path class="base" d="M0 27.5H160"/><path d="M148.6 27v-8.3M157.7 27v-25"/></svg>',
  );
  expect(String(chart(days(6), at, english, true))).toContain('<path d="M567.8 79v-77"/>');
  expect(String(chart(days(), at, english)).match(/<path/g)).toHaveLength(1);
});

test.each([
  [53, 'about 2 a day'],
  [52, 'about 10 a week'],
  [8, 'about 2 a week'],
  [7, '7 in five weeks'],
  [0, '0 in five weeks'],
])('%i stories in five weeks are “%s”', (articles, words) => {
  expect(rhythm(days(articles), english).words).toBe(words);
});
