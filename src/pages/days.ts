import type { Instant } from '../lib/instant.ts';
import { memo } from '../lib/memo.ts';

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;

/** The days of a chart: five weeks. */
export const CHART_DAYS = 35;

export type Day = readonly [from: Instant, to: Instant];

/**
 * The days of a chart, oldest first, as they are in a time zone: the last one is that of a moment. Days on which clocks
 * are changed are shorter or longer than others.
 */
export function daysUntil(at: Instant, timeZone: string): readonly Day[] {
  const last = localTime(at, timeZone);
  const today = last - (((last % DAY) + DAY) % DAY);
  const starts = Array.from({ length: CHART_DAYS + 1 }, (_, index) =>
    startOf(today + (index + 1 - CHART_DAYS) * DAY, timeZone),
  );
  return starts.slice(1).map((to, index) => [starts[index] ?? to, to]);
}

/** The first moment of a local day. Where clocks go forward at midnight, the day begins at the hour that they go to. */
function startOf(day: number, timeZone: string): Instant {
  const offsets = [day - DAY, day + DAY].map((moment) => localTime(moment, timeZone) - moment);
  const moments = offsets.map((offset) => day - offset).filter((moment) => localTime(moment, timeZone) >= day);
  return moments.length > 0 ? Math.min(...moments) : day - Math.min(...offsets);
}

/** What a clock on the wall shows at a moment, as milliseconds of a clock in UTC. */
function localTime(at: Instant, timeZone: string): number {
  const parts = formatOf(timeZone).formatToParts(at);
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = (
    ['year', 'month', 'day', 'hour', 'minute', 'second'] as const
  ).map((name) => Number(parts.find(({ type }) => type === name)?.value));
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

const formatOf = memo(
  (timeZone) =>
    new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    }),
  { max: 10, maxLength: 100 },
);
