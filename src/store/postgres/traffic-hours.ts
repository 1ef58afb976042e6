import { constants as zlib, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import * as z from 'zod';
import { PublisherError } from '../../errors.ts';
import { FEED_WIDTH, HOURS_KEPT, type HourCounts, type SharedTraffic, TOTALS_WIDTH } from '../traffic-store.ts';
import type { Session } from './connection.ts';

/** Most numbers are zero. */
const COMPRESSION = { params: { [zlib.ZSTD_c_compressionLevel]: 1 } };
/** Bytes of an hour with all feeds that are counted apart. */
const MAX_BYTES = 16 * 1024 * 1024;

interface TrafficParts {
  readonly session: () => Pick<Session, 'query'>;
  /** The id of this machine's copy of the store. */
  readonly machine: string;
}

interface KnownHour {
  readonly machine: string;
  readonly hour: number;
  /** As in the database: in memory, a thousand feeds would take a hundred times as much. */
  readonly counts: Buffer;
}

/** The traffic of all replicas: each saves its own hours, and reads those of the others. */
export function trafficHours({ session, machine }: TrafficParts): SharedTraffic {
  const known = new Map<string, KnownHour>();
  /** When the newest row that is known was saved, by the clock of the database. */
  let newest = '-infinity';

  return {
    async save(hours, currentHour) {
      for (const counts of hours) await session().query(SAVE, [machine, counts.hour, encode(counts)]);
      await session().query('DELETE FROM feed_publisher.traffic_hour WHERE hour <= $1', [currentHour - HOURS_KEPT]);
    },
    async refresh(currentHour) {
      const oldest = currentHour - HOURS_KEPT;
      const { rows } = await session().query<HourRow>(CHANGED, [machine, oldest, newest]);
      for (const { machine: other, hour, counts, saved_at } of rows) {
        known.set(`${other} ${hour}`, { machine: other, hour: Number(hour), counts });
        newest = saved_at;
      }
      for (const [name, { hour }] of known) if (hour <= oldest) known.delete(name);
    },
    others: (hour) => [...known.values()].filter((each) => each.hour === hour).map(decode),
  };
}

const SAVE = `
  INSERT INTO feed_publisher.traffic_hour (machine, hour, counts) VALUES ($1, $2, $3)
  ON CONFLICT (machine, hour) DO UPDATE SET counts = excluded.counts, saved_at = clock_timestamp()`;

/** A row may become visible after another that was saved later: those of the last minute are read again. */
const CHANGED = `
  SELECT machine, hour, counts, saved_at::text FROM feed_publisher.traffic_hour
  WHERE machine <> $1 AND hour > $2 AND saved_at > $3::timestamptz - interval '1 minute'
  ORDER BY saved_at`;

interface HourRow {
  readonly machine: string;
  readonly hour: string;
  readonly counts: Buffer;
  readonly saved_at: string;
}

const numbersSchema = (width: number) => z.array(z.int().nonnegative()).length(width);
const countsSchema = z.object({
  totals: numbersSchema(TOTALS_WIDTH),
  feeds: z.array(z.tuple([z.string(), numbersSchema(FEED_WIDTH)])),
  subscribers: z.array(z.tuple([z.string(), z.array(z.tuple([z.string(), z.int().nonnegative()]))])),
});

function encode({ totals, feeds, subscribers }: HourCounts): Buffer {
  const counts: z.infer<typeof countsSchema> = {
    totals: [...totals],
    feeds: [...feeds].map(([feed, numbers]) => [feed, [...numbers]]),
    subscribers: [...subscribers].map(([feed, services]) => [feed, [...services]]),
  };
  return zstdCompressSync(JSON.stringify(counts), COMPRESSION);
}

/** @throws PublisherError `store_unavailable` where another program has written into the table */
function decode({ machine, hour, counts }: KnownHour): HourCounts {
  try {
    const text = zstdDecompressSync(counts, { maxOutputLength: MAX_BYTES }).toString();
    const { totals, feeds, subscribers } = countsSchema.parse(JSON.parse(text));
    return {
      hour,
      totals: Float64Array.from(totals),
      feeds: new Map(feeds.map(([feed, numbers]) => [feed, Float64Array.from(numbers)])),
      subscribers: new Map(subscribers.map(([feed, services]) => [feed, new Map(services)])),
    };
  } catch (cause) {
    const message = `The traffic of the replica ${machine} in the database cannot be read.`;
    throw new PublisherError('store_unavailable', message, {
      hint: 'Use the same version of the program on all replicas.',
      cause,
    });
  }
}
