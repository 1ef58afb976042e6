import { UTCDateMini } from '@date-fns/utc/date/mini'; // loads without the formats, which take 20 ms
// Single functions, because all of date-fns takes a second to load in every thread. As few as possible, because Node reads
// its package.json of 200 kB again for each.
import { formatRFC3339 } from 'date-fns/formatRFC3339';
import { formatRFC7231 } from 'date-fns/formatRFC7231';
import { parseJSON } from 'date-fns/parseJSON';
import { memo } from './memo.ts';

/**
 * A moment in time: milliseconds since 1970-01-01T00:00:00Z. Article dates are whole seconds, because RSS and HTTP
 * dates are, and the same article must carry the same date in every format.
 */
export type Instant = number;

const RFC_3339 =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** The years that have four digits in UTC. */
const FIRST = new UTCDateMini(1000, 0, 1).getTime();
const END = new UTCDateMini(10_000, 0, 1).getTime();

/**
 * Parses a date-time of RFC 3339 §5.6 and drops fractions of a second. A leap second becomes the first second of the next
 * minute, as on POSIX clocks. Returns undefined for any other text, for a day that does not exist, and for a year that
 * does not have four digits in UTC, which the RFC 822 dates of RSS cannot express.
 */
export function parseInstant(text: string): Instant | undefined {
  // Dates have whole seconds, and date-fns does not read fractions of every length.
  const upper = text.toUpperCase().replace(/\.\d+/, '');
  const match = RFC_3339.exec(upper);
  if (match === null) return undefined;
  const leap = match[5] === '60';
  if (!dayExists(Number(match[1]), Number(match[2]), Number(match[3]))) return undefined;
  // Three times as fast as parseISO, but it accepts days that do not exist.
  const date = parseJSON(leap ? upper.replace(/:60/, ':59') : upper);
  const instant = date.getTime() + (leap ? 1000 : 0);
  return instant >= FIRST && instant < END ? instant : undefined;
}

function dayExists(year: number, month: number, day: number): boolean {
  // `Date` reads the years 0 to 99 as 1900 to 1999.
  return year >= 100 && (day <= 28 || new UTCDateMini(year, month - 1, day).getDate() === day);
}

/** `Sun, 22 Nov 2026 10:46:59 GMT`: the IMF-fixdate of RFC 9110 §5.6.7, which RSS's RFC 822 dates allow as well. */
export function httpDate(instant: Instant): string {
  return formatRFC7231(instant);
}

const TIME = '(?<time>\\d{2}:\\d{2}:\\d{2})';
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MONTH = `(?<month>${MONTHS.join('|')})`;
/** The three forms of an HTTP date (RFC 9110 §5.6.7): IMF-fixdate and two obsolete ones that must still be read. */
const HTTP_DATES = [
  new RegExp(`^[A-Z][a-z]{2}, (?<day>\\d{2}) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  new RegExp(`^[A-Z][a-z]+day, (?<day>\\d{2})-${MONTH}-(?<year>\\d{2}) ${TIME} GMT$`),
  new RegExp(`^[A-Z][a-z]{2} ${MONTH} (?<day>\\d{1,2}) ${TIME} (?<year>\\d{4})$`),
];

/** The date of a request's header. Undefined for a missing or invalid date, which RFC 9110 §13.1.3 says to ignore. */
export function parseHttpDate(text: string | undefined): Instant | undefined {
  return text === undefined ? undefined : knownHttpDate(text);
}

/** Kept, because readers send back the few dates that the service gave them, each many times. */
const knownHttpDate = memo(readHttpDate, { max: 1000, maxLength: 50 });

function readHttpDate(text: string): Instant | undefined {
  const single = text.trim().replace(/ +/g, ' ');
  const parts = HTTP_DATES.map((form) => form.exec(single)?.groups).find((groups) => groups !== undefined);
  if (parts === undefined) return undefined;
  const { day = '', month = '', year = '', time } = parts;
  const number = String(MONTHS.indexOf(month) + 1).padStart(2, '0');
  return parseInstant(`${fullYear(year)}-${number}-${day.padStart(2, '0')}T${time}Z`);
}

/** A year of two digits is not more than fifty years ahead (RFC 9110 §5.6.7). */
function fullYear(year: string): string {
  if (year.length === 4) return year;
  const thisYear = new UTCDateMini().getFullYear();
  const century = Math.floor(thisYear / 100) * 100;
  const full = century + Number(year);
  return String(full > thisYear + 50 ? full - 100 : full);
}

/** `2026-11-22T10:46:59Z`, RFC 3339 in UTC. */
export function rfc3339(instant: Instant): string {
  return formatRFC3339(new UTCDateMini(instant));
}

/** `2026-11`: the month in UTC. */
export function utcMonth(instant: Instant): string {
  return rfc3339(instant).slice(0, 7);
}

/** The first moment of a month of `utcMonth`, and the first one after it. */
export function utcMonthRange(month: string): readonly [Instant, Instant] {
  const [year = 0, number = 1] = month.split('-').map(Number);
  return [new UTCDateMini(year, number - 1, 1).getTime(), new UTCDateMini(year, number, 1).getTime()];
}

/** The calendar year in UTC. */
export function utcYear(instant: Instant): number {
  return new UTCDateMini(instant).getFullYear();
}
