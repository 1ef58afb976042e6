import { type Instant, parseInstant, rfc3339 } from '../../lib/instant.ts';

/** The text of a date in a source, and its instant if the text is a date. */
export interface SourceDate {
  readonly text: string;
  readonly instant: Instant | undefined;
}

export function sourceDate(text: string): SourceDate {
  return { text, instant: readDate(text) };
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

/** The date of publication of a new story that has only the date of its update. */
export function assumedDate({ publishedAt, updatedAt }: Readonly<Record<string, unknown>>): string | undefined {
  return publishedAt === undefined && typeof updatedAt === 'string' ? updatedAt : undefined;
}

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');

/** The zones of RFC 822 §5.1 and RFC 5322 §4.3, and further abbreviations with one common meaning. */
const ZONES: Readonly<Record<string, string>> = {
  UT: 'Z',
  UTC: 'Z',
  GMT: 'Z',
  Z: 'Z',
  EST: '-05:00',
  EDT: '-04:00',
  CST: '-06:00',
  CDT: '-05:00',
  MST: '-07:00',
  MDT: '-06:00',
  PST: '-08:00',
  PDT: '-07:00',
  WET: '+00:00',
  WEST: '+01:00',
  CET: '+01:00',
  CEST: '+02:00',
  EET: '+02:00',
  EEST: '+03:00',
  MSK: '+03:00',
  JST: '+09:00',
};

const TIME = String.raw`(\d{1,2}):(\d{2})(?::(\d{2}))?(?:[.,]\d+)?\s*(am|pm)?`;
/** `Wed, 02 Oct 2002 13:00:00 GMT`, without weekday, seconds or time as well. */
const RFC_822 = new RegExp(
  String.raw`^[^\d+-]*(\d{1,2})[\s-]+([a-z]{3})[a-z]*\.?,?[\s-]+(\d{2,4})(?:[,\s]+${TIME}\s*(.*))?$`,
  'i',
);
/** `Wed Oct  2 13:00:00 2002`, with a zone before the year as well. */
const ASCTIME = new RegExp(
  String.raw`^(?:[a-z]+,?\s+)?([a-z]{3})[a-z]*\s+(\d{1,2}),?\s+${TIME}\s*([a-z]+\s+)?(\d{4})$`,
  'i',
);
/** RFC 3339 and W3C's profile of ISO 8601, which allows less precise dates. */
const W3C = new RegExp(String.raw`^(\d{4})(?:-?(\d{2})(?:-?(\d{2})(?:[T\s]+${TIME}\s*(.*))?)?)?$`, 'i');

/** Reads a date of a feed; undefined if it is none. Without a zone it is in UTC (RFC 5322 §4.3). */
export function readDate(source: string): Instant | undefined {
  if (source.length > 100) return undefined;
  const text = source.replace(/\([^)]*\)/g, '').trim();
  const w3c = W3C.exec(text);
  if (w3c !== null) {
    const [, year, month = '01', day = '01', ...time] = w3c;
    return instantOf(year, month, day, time);
  }
  const asctime = ASCTIME.exec(text);
  if (asctime !== null) {
    const [, name, day, hours, minutes, seconds, half, zone, year] = asctime;
    return instantOf(year, monthNumber(name), day, [hours, minutes, seconds, half, zone?.trim()]);
  }
  const [, day, name, year = '', ...time] = RFC_822.exec(text) ?? [];
  return instantOf(fullYear(year), monthNumber(name), day, time);
}

function monthNumber(name = ''): string {
  return String(MONTHS.indexOf(name.toLowerCase()) + 1);
}

/** RFC 5322 §4.3. */
function fullYear(year: string): string {
  if (year.length === 4) return year;
  return String(Number(year) + (year.length === 2 && Number(year) < 50 ? 2000 : 1900));
}

function instantOf(year = '', month = '', day = '', time: readonly (string | undefined)[]): Instant | undefined {
  const [hours = '00', minutes = '00', seconds = '00', half, zone = ''] = time;
  const offset = zoneOffset(zone);
  if (offset === undefined) return undefined;
  const hour = half === undefined ? Number(hours) : (Number(hours) % 12) + (half.toLowerCase() === 'pm' ? 12 : 0);
  const two = (number: string | number) => String(number).padStart(2, '0');
  return parseInstant(`${year}-${two(month)}-${two(day)}T${two(hour)}:${minutes}:${seconds}${offset}`);
}

function zoneOffset(zone: string): string | undefined {
  const name = zone.trim().toUpperCase();
  if (name === '') return 'Z';
  const [, sign, hours = '', minutes = '00'] = /^(?:GMT|UTC?)?\s*([+-])(\d{1,2}):?(\d{2})?$/.exec(name) ?? [];
  return sign === undefined ? ZONES[name] : `${sign}${hours.padStart(2, '0')}:${minutes}`;
}
