import type { FeedKey } from '../feed/feeds.ts';
import { rfc3339 } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type { AnswerCounts, DeclaredSubscribers, FeedTraffic, Traffic } from '../pages/service-status.ts';
import { FEED_NUMBERS, HOUR, type HourCounts, OTHER_FEEDS, TOTALS } from '../store/traffic-store.ts';
import { percentile } from './traffic.ts';

/** Feeds, and services, that a report names. */
const MAX_NAMED = 20;

/** Half of all answers, and ninety-nine of a hundred. */
const [MEDIAN, P99] = [0.5, 0.99];

/** A feed in a report: its name is still missing. */
export type CountedFeed = Omit<FeedTraffic, 'name' | 'language'>;

/** What was counted in some hours. */
export interface CountedHours {
  /** Oldest first. An hour without answers has zeros. */
  readonly hours: readonly Pick<HourCounts, 'hour' | 'totals'>[];
  readonly sum: HourCounts;
}

interface TrafficReport extends Omit<Traffic, 'feeds'> {
  readonly feeds: readonly CountedFeed[];
}

/** Puts what was counted into the form of the status, without the names of the feeds. */
export function reportTraffic({ hours, sum }: CountedHours): TrafficReport {
  const feeds = [...sum.feeds]
    .filter(([feed]) => feed !== OTHER_FEEDS)
    .map(([feed, numbers]) => feedOf(feed, numbers, sum));
  const ordered = feeds.toSorted((one, other) => other.requests - one.requests || (one.feed < other.feed ? -1 : 1));
  const others = ordered.slice(MAX_NAMED);
  const beyond = sum.feeds.get(OTHER_FEEDS)?.[0] ?? 0;
  const services = servicesIn(sum);
  return {
    hours: hours.map((counts) => ({
      from: rfc3339(counts.hour * HOUR),
      ...timesOf(counts.totals),
      answers: answersIn(counts),
    })),
    answers: answersIn(sum),
    ...timesOf(sum.totals),
    bytes: {
      sent: numberOf(sum, 'bytesSent'),
      unchanged: numberOf(sum, 'bytesUnchanged'),
      delta: numberOf(sum, 'bytesDelta'),
      coding: numberOf(sum, 'bytesCoding'),
    },
    feeds: ordered.slice(0, MAX_NAMED),
    otherFeeds: { feeds: others.length, requests: others.reduce((total, { requests }) => total + requests, beyond) },
    services: services.slice(0, MAX_NAMED),
    subscribers: {
      subscribers: services.reduce((total, { subscribers }) => total + subscribers, 0),
      services: services.length,
    },
  };
}

type Totals = Pick<HourCounts, 'totals'>;

function numberOf({ totals }: Totals, name: (typeof TOTALS)[number]): number {
  return totals[TOTALS.indexOf(name)] ?? 0;
}

function answersIn(counts: Totals): AnswerCounts {
  return {
    whole: numberOf(counts, 'whole'),
    delta: numberOf(counts, 'delta'),
    unchanged: numberOf(counts, 'unchanged'),
    other: numberOf(counts, 'other'),
    clientErrors: numberOf(counts, 'clientErrors'),
    serverErrors: numberOf(counts, 'serverErrors'),
  };
}

function timesOf(totals: Float64Array): { readonly median?: number; readonly p99?: number } {
  const durations = totals.subarray(TOTALS.length);
  return omitUndefined({ median: percentile(durations, MEDIAN), p99: percentile(durations, P99) });
}

function feedOf(feed: FeedKey, numbers: Float64Array, { subscribers }: HourCounts): CountedFeed {
  const [requests = 0, unchanged = 0, delta = 0] = numbers;
  const declared = subscribers.get(feed)?.values() ?? [];
  return omitUndefined({
    feed,
    requests,
    unchanged,
    delta,
    p99: percentile(numbers.subarray(FEED_NUMBERS.length), P99),
    subscribers: [...declared].reduce((total, number) => total + number, 0),
  });
}

/** Of all feeds, those with the most subscribers first. */
function servicesIn({ subscribers }: HourCounts): DeclaredSubscribers[] {
  const services = new Map<string, { subscribers: number; feeds: number }>();
  for (const ofFeed of subscribers.values()) {
    for (const [service, number] of ofFeed) {
      const known = services.get(service) ?? { subscribers: 0, feeds: 0 };
      services.set(service, { subscribers: known.subscribers + number, feeds: known.feeds + 1 });
    }
  }
  return [...services]
    .map(([service, numbers]) => ({ service, ...numbers }))
    .sort((one, other) => other.subscribers - one.subscribers || (one.service < other.service ? -1 : 1));
}
