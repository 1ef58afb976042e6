import type { Publication } from '../config/publication.ts';
import { type FeedKey, LATEST } from '../feed/feeds.ts';
import type { FeedTotal, Store } from '../store/store.ts';
import type { Metrics, MetricsParts, Overviews } from '../telemetry/metrics.ts';
import { reportTraffic } from '../telemetry/traffic-report.ts';
import type { DiskWatch } from './disk-watch.ts';
import type { ProblemReports } from './problem-reports.ts';
import type { TrafficKeeper } from './traffic-keeper.ts';

/** Feeds that have metrics. Each is a label for ever. */
const MAX_MEASURED_FEEDS = 100;

/** The feeds of `publication.yaml` that are measured, and that of all articles. */
export function measuredFeeds({ feeds }: Publication): FeedKey[] {
  return [LATEST, ...feeds.map(({ id }) => id)].slice(0, MAX_MEASURED_FEEDS);
}

interface OverviewParts {
  readonly traffic: Pick<TrafficKeeper, 'read'>;
  readonly disk: Pick<DiskWatch, 'look'>;
  readonly now: () => number;
  readonly problems: ProblemReports;
}

/** The overviews of a process that writes. The others leave them out: all processes would count the same. */
export function overviewsOf(
  store: Store,
  publication: () => Publication,
  { problems, traffic, disk, now }: OverviewParts,
): Overviews {
  return {
    async problems() {
      await problems.catchUp();
      return problems.counts();
    },
    async feeds() {
      const totals = new Map<string, FeedTotal>();
      for (const key of measuredFeeds(publication())) {
        const total = await store.feedTotal(key, now());
        if (total !== undefined) totals.set(key, total);
      }
      return totals;
    },
    async outbox() {
      const at = now();
      const waiting = (await store.outbox()).filter(({ due }) => due !== undefined && due <= at);
      // A first export of a site takes hours, and is no reason for an alarm.
      const idle = waiting.filter(({ failures, leaseUntil = 0 }) => failures > 0 || leaseUntil <= at);
      const oldest = idle.map(({ due = at }) => (at - due) / 1000);
      const failing = waiting.filter(({ failures }) => failures > 0).length;
      return { pending: waiting.length, failing, oldest: Math.max(0, ...oldest) };
    },
    filling: store.fillingFeeds,
    services: async () => reportTraffic(await traffic.read()).services,
    disk: async () => (await disk.look()).facts.freeBytes,
  };
}

/** Loads the metrics at the first request for them: loading takes a fifth of the time of a start. */
export function lazyMetrics(parts: MetricsParts): () => Promise<Metrics> {
  let metrics: Promise<Metrics> | undefined;
  return () => {
    metrics ??= import('../telemetry/metrics.ts').then(({ openMetrics }) => openMetrics(parts));
    return metrics;
  };
}
