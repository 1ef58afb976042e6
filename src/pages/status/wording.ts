/** Numbers in the words of the operator's page, which is in English. */

import { memo } from '../../lib/memo.ts';

const NUMBER = new Intl.NumberFormat('en');
const ONE_DECIMAL = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
/** Numbers below each other in a table have their digits below each other, too. */
const WITH_DECIMAL = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const LIST = new Intl.ListFormat('en-GB');
const SMALL = 'no one two three four five six seven eight nine ten eleven twelve'.split(' ');
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `184,210` */
export function number(n: number): string {
  return NUMBER.format(n);
}

/** `1 file`, `2,000 files` */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${number(n)} ${n === 1 ? one : many}`;
}

/** `one file`, `two files`, `13 files` */
export function countedInWords(n: number, one: string, many = `${one}s`): string {
  return `${SMALL[n] ?? number(n)} ${n === 1 ? one : many}`;
}

/** `A`, `A and B`, `A, B and C` */
export function listed(items: readonly string[]): string {
  return LIST.format(items);
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Some of several are never 0% or 100%, which would say none or all. */
export function share(part: number, whole: number): string {
  if (part <= 0 || whole <= 0) return '0%';
  if (part >= whole) return '100%';
  const percent = (part / whole) * 100;
  if (percent < 0.1) return 'under 0.1%';
  if (percent > 99.5) return 'over 99%';
  return `${percent < 9.95 ? WITH_DECIMAL.format(percent) : Math.round(percent)}%`;
}

/** `812 bytes`, `14.2 MB`, `103 GB`. Memory counts a kilobyte as 1,024 bytes, as `CACHE_MB` does. */
export function size(bytes: number, kilobyte: 1000 | 1024 = 1000): string {
  if (bytes < kilobyte) return counted(Math.round(bytes), 'byte');
  let value = bytes / kilobyte;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= kilobyte;
    unit += 1;
  }
  return `${value < 99.95 ? ONE_DECIMAL.format(value) : number(Math.round(value))} ${UNITS[unit]}`;
}

const UNITS = ['kB', 'MB', 'GB', 'TB', 'PB'];

/** `2.9 ms`, `412 ms`, `1.2 s` */
export function duration(ms: number): string {
  if (ms === 0) return '0 ms';
  if (ms < 0.1) return 'under 0.1 ms';
  if (ms < 9.95) return `${WITH_DECIMAL.format(ms)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return `${WITH_DECIMAL.format(ms / SECOND)} s`;
}

/** A step of a scale: `4 ms`, `0.5 ms`, `2 s` */
export function tick(ms: number): string {
  if (ms === 0) return '0';
  return ms < SECOND ? `${Number(ms.toPrecision(3))} ms` : `${Number((ms / SECOND).toPrecision(3))} s`;
}

/** `8 days and 4 hours`: the two largest units. */
export function span(ms: number): string {
  const parts = [
    [Math.floor(ms / DAY), 'day'],
    [Math.floor((ms % DAY) / HOUR), 'hour'],
    [Math.floor((ms % HOUR) / MINUTE), 'minute'],
  ] as const;
  const first = parts.findIndex(([n]) => n > 0);
  if (first < 0) return 'less than a minute';
  return listed(parts.slice(first, first + 2).flatMap(([n, unit]) => (n === 0 ? [] : [counted(n, unit)])));
}

/** How the page writes moments in a time zone. */
export interface Clock {
  /** `20:00` */
  readonly time: (at: number) => string;
  /** `20:00 GMT+3` */
  readonly zoned: (at: number) => string;
  /** `20:00:04 GMT+3` */
  readonly exact: (at: number) => string;
  /** `29 November 2026` */
  readonly date: (at: number) => string;
  /** `29 November` */
  readonly day: (at: number) => string;
  /** `29 Nov` */
  readonly shortDay: (at: number) => string;
  /** `2026-11-29` */
  readonly key: (at: number) => string;
}

export const clockIn = memo(
  (timeZone): Clock => {
    const format = (options: Intl.DateTimeFormatOptions, locale = 'en-GB') => {
      const made = new Intl.DateTimeFormat(locale, { ...options, timeZone });
      return (at: number) => made.format(at);
    };
    const time = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
    return {
      time: format(time),
      zoned: format({ ...time, timeZoneName: 'short' }),
      exact: format({ ...time, second: '2-digit', timeZoneName: 'short' }),
      date: format({ dateStyle: 'long' }),
      day: format({ day: 'numeric', month: 'long' }),
      shortDay: format({ day: 'numeric', month: 'short' }),
      key: format({ year: 'numeric', month: '2-digit', day: '2-digit' }, 'sv'),
    };
  },
  { max: 10, maxLength: 100 },
);
