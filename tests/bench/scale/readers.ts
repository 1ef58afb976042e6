/**
 * How subscribers ask for a feed. Intervals and validators are those of the readers' own sources and pages (November 2026); the shares are
 * an assumption, and the first thing to change for a newsroom that knows its readers.
 */
export interface Reader {
  readonly name: string;
  /** Part of the subscribers. */
  readonly share: number;
  /** Seconds from one poll to the next. */
  readonly interval: number;
  /** What the reader sends of its last copy. */
  readonly validator: 'etag' | 'date' | 'none';
  /** Its Accept-Encoding. */
  readonly coding: 'br' | 'gzip' | 'identity';
  /** Whether it asks for deltas (`A-IM: feed`). */
  readonly wantsDelta: boolean;
  /** Subscribers for whom one program polls. */
  readonly subscribers: number;
}

const HOUR = 3600;
const ALONE = { wantsDelta: false, subscribers: 1 } as const;

export const READERS: readonly Reader[] = [
  reader('services: Feedly, Inoreader, BazQux', 0.35, HOUR, { subscribers: 50_000 }),
  reader('services: Feedbin, Slack', 0.1, HOUR / 4, { subscribers: 10_000 }),
  reader('NetNewsWire and other apps', 0.15, 2 * HOUR, { coding: 'br' }),
  reader('FreshRSS, Miniflux, CommaFeed', 0.15, HOUR),
  reader('Thunderbird', 0.1, (100 / 60) * HOUR, { validator: 'date' }),
  reader('Liferea, newsboat, NewsBlur', 0.05, HOUR, { wantsDelta: true }),
  reader('programs without validators', 0.1, HOUR / 2, { validator: 'none' }),
];

function reader(name: string, share: number, interval: number, more: Partial<Reader> = {}): Reader {
  return { name, share, interval, validator: 'etag', coding: 'gzip', ...ALONE, ...more };
}

/** One program that polls. */
export interface Client {
  readonly reader: Reader;
  /** Seconds of its first poll after the start. */
  readonly phase: number;
}

/** The programs that poll for so many subscribers, at moments without pattern. */
export function clientsOf(subscribers: number, chance: () => number, readers = READERS): Client[] {
  return readers.flatMap((reader) => {
    const count = Math.max(1, Math.round((subscribers * reader.share) / reader.subscribers));
    return Array.from({ length: count }, () => ({ reader, phase: chance() * reader.interval }));
  });
}
