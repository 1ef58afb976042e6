import type { Instant } from '../lib/instant.ts';
import type { Delivery } from '../store/delivery-store.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Requests that follow each other within this time are one visit: a partner fetches all its feeds one after the other. */
const VISIT = MINUTE;
/** A pause is long if it is so many times as long as the usual one, and at least an hour. */
const LONG = 4;
const SHORTEST_LONG = HOUR;
/** Visits without which nobody can say what is usual. */
const FEW_VISITS = 5;
/** A key that is used from more networks within an hour may have leaked. */
const MOST_NETWORKS = 3;

/** How regularly a partner comes. */
export interface Rhythm {
  /** Milliseconds between two visits, in the median. */
  readonly usual: number;
  /** Milliseconds after which a pause is long. */
  readonly limit: number;
  /** Long pauses, newest first. The one that is not over ends now. */
  readonly pauses: readonly { readonly from: Instant; readonly to: Instant; readonly isOver: boolean }[];
}

/**
 * The pauses of a partner that are longer than usual. Undefined where it has come too seldom to say.
 *
 * @param deliveries newest first
 */
export function rhythmOf(deliveries: readonly Pick<Delivery, 'at'>[], now: Instant): Rhythm | undefined {
  const visits = visitsOf(deliveries);
  if (visits.length < FEW_VISITS) return undefined;
  const pauses = visits
    .slice(1)
    .map(({ last: from }, index) => ({ from, to: visits[index]?.first ?? from, isOver: true }));
  const lengths = pauses.map(({ from, to }) => to - from).sort((one, other) => one - other);
  const usual = lengths[Math.floor(lengths.length / 2)] ?? 0;
  const limit = Math.max(LONG * usual, SHORTEST_LONG);
  const since = visits[0]?.last ?? now;
  const all = [{ from: since, to: now, isOver: false }, ...pauses];
  return { usual, limit, pauses: all.filter(({ from, to }) => to - from > limit) };
}

/** Newest first. */
function visitsOf(deliveries: readonly Pick<Delivery, 'at'>[]): { first: Instant; last: Instant }[] {
  const visits: { first: Instant; last: Instant }[] = [];
  for (const { at } of deliveries) {
    const visit = visits.at(-1);
    if (visit === undefined || visit.first - at > VISIT) visits.push({ first: at, last: at });
    else visit.first = Math.min(visit.first, at);
  }
  return visits;
}

/** A key that was used from many networks within an hour. */
export interface SpreadKey {
  readonly key: string;
  readonly networks: readonly string[];
  /** The last request in that hour. */
  readonly at: Instant;
}

/**
 * The keys that were used from more than three networks within an hour, each with its last such hour.
 *
 * @param deliveries newest first
 */
export function spreadKeys(deliveries: readonly Pick<Delivery, 'at' | 'key' | 'network'>[]): readonly SpreadKey[] {
  return [...Map.groupBy(deliveries, ({ key }) => key)].flatMap(([key, own]) => {
    const hour = spreadHour(own);
    return hour === undefined ? [] : [{ key, ...hour }];
  });
}

/** @param own newest first, from the last request of the hour on */
function networksInHour(own: readonly Pick<Delivery, 'at' | 'network'>[]): Omit<SpreadKey, 'key'> {
  const last = own[0]?.at ?? 0;
  const within = own.filter(({ at }) => last - at < HOUR);
  return { networks: [...new Set(within.map(({ network }) => network))], at: last };
}

/** The last hour with too many networks. */
function spreadHour(own: readonly Pick<Delivery, 'at' | 'network'>[]): Omit<SpreadKey, 'key'> | undefined {
  const counts = new Map<string, number>();
  let newest = 0;
  for (const { at, network } of own) {
    counts.set(network, (counts.get(network) ?? 0) + 1);
    for (let left = own[newest]; left !== undefined && left.at - at >= HOUR; left = own[newest]) {
      const count = (counts.get(left.network) ?? 0) - 1;
      if (count > 0) counts.set(left.network, count);
      else counts.delete(left.network);
      newest += 1;
    }
    if (counts.size > MOST_NETWORKS) return networksInHour(own.slice(newest));
  }
  return undefined;
}
