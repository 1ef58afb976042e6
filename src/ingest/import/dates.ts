import { type Instant, parseInstant, rfc3339 } from '../../lib/instant.ts';
import { monthNumber } from './months.ts';
import { readZone } from './zones.ts';

/** The text of a date in a source, and its instant if the text is a date. */
export interface SourceDate {
  readonly text: string;
  readonly instant: Instant | undefined;
  /** The name of its zone, if the name has no known meaning: the date is read as UTC. */
  readonly unknownZone: string | undefined;
  /** The element that holds it: `<pubDate>`. */
  readonly element: string;
}

export function sourceDate(text: string, element = ''): SourceDate {
  const date = parseDate(text);
  return { text, element, instant: date?.instant, unknownZone: date?.unknownZone };
}

/**
 * The dates of a record. An update before the publication is omitted. A story that has only the date of its update gets no
 * date of publication here: the store knows it if the story is not new (see `assumedDate`).
 */
export function dates(
  published: SourceDate | undefined,
  updated: SourceDate | undefined,
): { publishedAt?: string | undefined; updatedAt?: string | undefined } {
  const first = published?.instant ?? updated?.instant;
  const last = updated?.instant;
  const onlyChanged = published?.instant === undefined && last !== undefined;
  return {
    // Text that is no date stays, so that the refusal shows it.
    publishedAt: first === undefined ? (published ?? updated)?.text : onlyChanged ? undefined : rfc3339(first),
    updatedAt: first !== undefined && last !== undefined && (onlyChanged || last > first) ? rfc3339(last) : undefined,
  };
}

/** The date of publication of a new story that has only the date of its update, or no date but that of its feed. */
export function assumedDate(
  { publishedAt, updatedAt }: ReturnType<typeof dates>,
  feedDate: () => SourceDate | undefined,
): string | undefined {
  if (publishedAt !== undefined) return undefined;
  if (updatedAt !== undefined) return updatedAt;
  const instant = feedDate()?.instant;
  return instant === undefined ? undefined : rfc3339(instant);
}

const TIME = String.raw`(?:at\s+)?(\d{1,2}):(\d{2})(?::(\d{1,2}))?(?:[.,]\d+)?\s*([ap]\.?m\b\.?)?`;
const MONTH = String.raw`(\p{L}+)\.?,?`;
/** `Wed, 02 Oct 2002 13:00:00 GMT`, without weekday, seconds or time as well. */
const RFC_822 = new RegExp(
  String.raw`^[^\d+-]*(\d{1,2})(?:\.|st|nd|rd|th)?[\s-]+(?:of\s+)?(?:de\s+)?${MONTH}[\s-]+(?:de\s+)?(\d{2,4})(?:[,\s]+${TIME}\s*(.*))?$`,
  'iu',
);
/** `Wed Oct  2 13:00:00 2002`, with a zone before the year as well. */
const ASCTIME = new RegExp(
  String.raw`^(?:\p{L}+\.?,?\s+)?${MONTH}\s+(\d{1,2}),?\s+${TIME}\s*((?:[a-z]+|[+-]\d{4})\s+)?(\d{4})$`,
  'iu',
);
/** `Wednesday, October 2, 2002 1:00 PM`, without weekday or time as well. */
const AMERICAN = new RegExp(
  String.raw`^(?:\p{L}+\.?,?\s+)?${MONTH}\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?:[,\s]+${TIME}\s*(.*))?$`,
  'iu',
);
/** RFC 3339 and W3C's profile of ISO 8601, which allows less precise dates. */
const W3C = new RegExp(String.raw`^(\d{4})(?:-?(\d{2})(?:-?(\d{2})(?:[T\s]+${TIME}\s*(.*))?)?)?$`, 'i');
/** `2002/10/2 13:00`: a date that begins with its year has its month next. */
const YEAR_FIRST = new RegExp(String.raw`^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T\s]+${TIME}\s*(.*))?$`, 'i');

/** `20021002T130000Z`, the basic format of ISO 8601. */
const BASIC = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})?\s*(.*)$/i;

/** `2002年10月2日 13:00` and `2002년 10월 2일`. */
const EAST_ASIAN = /^(\d{4})\s?[年년]\s?(\d{1,2})\s?[月월]\s?(\d{1,2})\s?[日일]/;

/** `28/11/2026 10:00`. The order of day and month is clear where one of them is above twelve. */
const SLASHED = new RegExp(String.raw`^(?:\p{L}+\.?,?\s+)?(\d{1,2})/(\d{1,2})/(\d{4})(?:[,\s]+${TIME}\s*(.*))?$`, 'iu');

/** `2.10.2002 13:00`: dates with full stops have the day first in every language that writes them. */
const DOTTED = new RegExp(
  String.raw`^(?:\p{L}+\.?,?\s+)?(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?:[,\s]+${TIME}\s*(.*))?$`,
  'iu',
);

interface ParsedDate {
  readonly instant: Instant;
  readonly unknownZone: string | undefined;
}

/** Reads a date of a feed; undefined if it is none. Without a zone it is in UTC (RFC 5322 §4.3). */
export function readDate(source: string): Instant | undefined {
  return parseDate(source)?.instant;
}

function parseDate(source: string): ParsedDate | undefined {
  if (source.length > 100) return undefined;
  const text = source
    .replace(/\([^)]*\)/g, '')
    .trim()
    .replace(EAST_ASIAN, '$1-$2-$3');
  const w3c = W3C.exec(text);
  if (w3c !== null) {
    const [, year, month = '01', day = '01', ...time] = w3c;
    return dateOf(year, Number(month), day, time);
  }
  const yearFirst = YEAR_FIRST.exec(text);
  if (yearFirst !== null) {
    const [, year, , month, day, ...time] = yearFirst;
    return dateOf(year, Number(month), day, time);
  }
  const basic = BASIC.exec(text);
  if (basic !== null) {
    const [, year, month, day, hours, minutes, seconds, zone] = basic;
    return dateOf(year, Number(month), day, [hours, minutes, seconds, undefined, zone]);
  }
  const slashed = SLASHED.exec(text);
  if (slashed !== null) {
    const [, one = '', other = '', year, ...time] = slashed;
    return dateWithSlashes(year, [one, other], time);
  }
  const dotted = DOTTED.exec(text);
  if (dotted !== null) {
    const [, day, month, year, ...time] = dotted;
    return dateOf(year, Number(month), day, time);
  }
  const asctime = ASCTIME.exec(text);
  if (asctime !== null) {
    const [, name = '', day, hours, minutes, seconds, half, zone, year] = asctime;
    return dateOf(year, monthNumber(name), day, [hours, minutes, seconds, half, zone?.trim()]);
  }
  const american = AMERICAN.exec(text);
  if (american !== null) {
    const [, name = '', day, year, ...time] = american;
    return dateOf(year, monthNumber(name), day, time);
  }
  const [, day, name = '', year = '', ...time] = RFC_822.exec(text) ?? [];
  return dateOf(fullYear(year), monthNumber(name), day, time);
}

/** RFC 5322 §4.3. */
function fullYear(year: string): string {
  if (year.length === 4) return year;
  return String(Number(year) + (year.length === 2 && Number(year) < 50 ? 2000 : 1900));
}

/** Undefined where either number may be the month: `05/03/2026` is in March or in May. */
function dateWithSlashes(
  year: string | undefined,
  [one, other]: readonly [string, string],
  time: readonly (string | undefined)[],
): ParsedDate | undefined {
  if (Number(one) <= 12 && Number(other) <= 12 && Number(one) !== Number(other)) return undefined;
  return Number(one) > 12 ? dateOf(year, Number(other), one, time) : dateOf(year, Number(one), other, time);
}

const DAY = 86_400_000;

function dateOf(year = '', month = 0, day = '', time: readonly (string | undefined)[] = []): ParsedDate | undefined {
  const [hours = '00', minutes = '00', seconds = '00', half, zoneText = ''] = time;
  const zone = readZone(zoneText);
  if (zone === undefined) return undefined;
  const hour = half === undefined ? Number(hours) : (Number(hours) % 12) + (/^p/i.test(half) ? 12 : 0);
  const isMidnight = hour === 24 && Number(minutes) === 0 && Number(seconds) === 0;
  const two = (number: string | number) => String(number).padStart(2, '0');
  const clock = `${two(isMidnight ? 0 : hour)}:${minutes}:${two(seconds)}`;
  const instant = parseInstant(`${year}-${two(month)}-${two(day)}T${clock}${zone.offset}`);
  return instant === undefined
    ? undefined
    : { instant: isMidnight ? instant + DAY : instant, unknownZone: zone.unknown };
}
