import { availableParallelism } from 'node:os';
import { type Instant, parseInstant } from '../lib/instant.ts';
import { meantWord, synonymsOf } from '../lib/nearest-word.ts';
import { isBaseAddress } from '../lib/url.ts';

/** A kind of value that an operator can type. */
export interface Kind<Value> {
  /** Completes “… must be”. */
  readonly rule: string;
  /** Returns undefined if the text breaks the rule. */
  readonly read: (text: string) => Value | undefined;
  /** The value that a text probably stands for, if it breaks the rule. */
  readonly meant?: (text: string) => string | undefined;
}

export const text: Kind<string> = { rule: 'text', read: (value) => value };

/** Decimal digits only: `Number` would also accept `1e3`, `0x10` and white space. */
export function integer(least: number, most: number): Kind<number> {
  return {
    rule: `a whole number from ${least} to ${most}`,
    read(value) {
      const number = Number(value);
      return /^\d+$/.test(value) && number >= least && number <= most ? number : undefined;
    },
  };
}

export function choice<const Value extends string>(values: readonly Value[]): Kind<Value> {
  return {
    rule: `one of ${values.join(', ')}`,
    read: (value) => values.find((known) => known === value),
    meant: (value) => meantWord(value, values, CHOICES),
  };
}

/** Values by the words of other programs. */
const CHOICES = synonymsOf({
  trace: 'verbose all finest',
  debug: 'fine',
  info: 'information notice normal default',
  warn: 'warning warnings',
  error: 'err errors',
  fatal: 'critical crit emergency panic',
  silent: 'off none quiet no',
  read: 'readonly r reader lesen',
  write: 'readwrite rw w writer admin all schreiben',
  on: 'true yes y 1 enabled enable ja oui',
  off: 'false no n 0 disabled disable none nein non',
});

const ON_OFF = ['on', 'off'] as const;

export const onOff: Kind<boolean> = {
  rule: 'on or off',
  read: (value) => (value === 'on' ? true : value === 'off' ? false : undefined),
  meant: (value) => meantWord(value, ON_OFF, CHOICES),
};

const anyPort = integer(0, 65_535);

export const port: Kind<number> = anyPort;

export const portOrOff: Kind<number | 'off'> = {
  rule: `off or ${anyPort.rule}`,
  read: (value) => (value === 'off' ? value : anyPort.read(value)),
};

/** Reads to the normalised address, to which paths are added. */
export const webAddress: Kind<string> = {
  rule: 'an http or https address without user name, password, query and fragment',
  read(value) {
    const url = URL.parse(value);
    return url !== null && /^https?:$/.test(url.protocol) && isBaseAddress(url.href) ? url.href : undefined;
  },
};

export const databaseAddress: Kind<string> = {
  rule: 'an address such as postgresql://user:password@host/name',
  read(value) {
    const url = URL.parse(value);
    return url !== null && /^postgres(ql)?:$/.test(url.protocol) ? value : undefined;
  },
};

/** More is a port number or a typing mistake. */
const MAX_PROCESSES = 256;
const anyCount = integer(1, MAX_PROCESSES);

export const processCount: Kind<number> = {
  rule: `auto or ${anyCount.rule}`,
  read: (value) => (value === 'auto' ? availableParallelism() : anyCount.read(value)),
};

interface RateLimit {
  readonly perMinute: number;
  readonly burst: number;
}

/** `PER_MINUTE[:BURST]`. */
export const rateLimit: Kind<RateLimit | 'off'> = {
  rule: 'PER_MINUTE, PER_MINUTE:BURST (as 300:300) or off',
  read(value) {
    if (value === 'off') return value;
    const [perMinute, burst = perMinute] = pairOfCounts(value);
    return perMinute === undefined || burst === undefined ? undefined : { perMinute, burst };
  },
};

interface ConnectionCounts {
  readonly total: number;
  /** 0 for no limit; absent for the default. */
  readonly perClient?: number;
}

/** `TOTAL[:PER_CLIENT]`. */
export const connectionCounts: Kind<ConnectionCounts> = {
  rule: 'TOTAL or TOTAL:PER_CLIENT, as 10000:256 or 10000:off',
  read(value) {
    const [total, perClient] = pairOfCounts(value.replace(/:off$/, ''));
    if (total === undefined) return undefined;
    if (value.endsWith(':off')) return perClient === undefined ? { total, perClient: 0 } : undefined;
    return perClient === undefined ? { total } : { total, perClient };
  },
};

/** `1` or `1:2`; empty for any other text. */
function pairOfCounts(value: string): number[] {
  return /^[1-9]\d{0,8}(?::[1-9]\d{0,8})?$/.test(value) ? value.split(':').map(Number) : [];
}

/** When something ends: at a moment, or after so many days. */
export type Ending = { readonly at: Instant } | { readonly days: number };

/** The most days: a hundred years. */
const MAX_DAYS = 36_500;

/** `2027-01-01` for the first moment of that day in UTC, a moment of RFC 3339, or `90d`. */
export const ending: Kind<Ending> = {
  rule: 'a day, as 2027-01-01, a moment, as 2027-01-01T09:00:00Z, or a number of days, as 90d',
  read(value) {
    const [, days] = /^([1-9]\d{0,4})d$/.exec(value) ?? [];
    if (days !== undefined) return Number(days) <= MAX_DAYS ? { days: Number(days) } : undefined;
    const at = parseInstant(/^\d{4}-\d\d-\d\d$/.test(value) ? `${value}T00:00:00Z` : value);
    return at === undefined ? undefined : { at };
  },
};

const SECONDS = { s: 1, m: 60, h: 3600 } as const;
const MAX_INTERVAL = 24 * 3600;

/** Reads to milliseconds. */
export const interval: Kind<number> = {
  rule: 'a time from 1s to 24h, as 90s, 5m or 1h',
  read(value) {
    const [, count = '', unit] = /^([1-9]\d{0,4})([smh])$/.exec(value) ?? [];
    if (unit === undefined) return undefined;
    const seconds = Number(count) * SECONDS[unit as keyof typeof SECONDS];
    return seconds <= MAX_INTERVAL ? seconds * 1000 : undefined;
  },
};

const AGO = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A moment, or a time ago. Reads to a function of the present moment, because the table of options has no clock. */
export const pastMoment: Kind<(now: Instant) => Instant> = {
  rule: 'a time ago, as 90m, 12h or 30d, a day, as 2026-11-01, or a moment, as 2026-11-01T12:00:00Z',
  read(value) {
    const [, count, unit] = /^([1-9]\d{0,5})([mhd])$/.exec(value) ?? [];
    if (unit === 'm' || unit === 'h' || unit === 'd') return (now) => now - Number(count) * AGO[unit];
    const moment = parseInstant(/^\d{4}-\d\d-\d\d$/.test(value) ? `${value}T00:00:00Z` : value);
    return moment === undefined ? undefined : () => moment;
  },
};
