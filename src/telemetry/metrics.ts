import {
  type Aggregator,
  AggregatorRegistry,
  Counter,
  collectDefaultMetrics,
  Gauge,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client';
import type { CacheCounts } from '../document/byte-cache.ts';
import type { FeedKey } from '../feed/feeds.ts';
import type { DeclaredSubscribers, Load } from '../pages/service-status.ts';
import type { DeliveryCounts } from '../store/delivery-store.ts';
import type { ReplicaState } from '../store/replica.ts';
import type { FeedTotal, Store } from '../store/store.ts';
import { answersOf, BOUNDS, type Counters } from './counters.ts';

export interface MetricsParts {
  readonly counters: Counters;
  readonly store: Pick<Store, 'lastRevision' | 'count' | 'damage'>;
  /** How this replica stands; missing where the store is on this machine alone. */
  readonly replica?: (() => ReplicaState) | undefined;
  readonly keptDocuments: () => CacheCounts;
  readonly keptEntries: () => CacheCounts;
  readonly droppedLogLines: () => number;
  readonly deliveries: () => DeliveryCounts;
  readonly http: () => Pick<Load, 'queues' | 'connections'>;
  /** The overviews; missing in a process that leaves them to another one. */
  readonly overviews?: Overviews | undefined;
  readonly version: string;
}

export interface Overviews {
  /** How many problems are open, by kind. */
  readonly problems: () => Promise<Readonly<Record<string, number>>>;
  /** What readers can see in the feeds of the operator. */
  readonly feeds: () => Promise<ReadonlyMap<FeedKey, FeedTotal>>;
  /** What other systems are to be told. */
  readonly outbox: () => Promise<OutboxTotals>;
  /** How many feeds are being filled. */
  readonly filling: () => Promise<number>;
  /** The services that declare the most subscribers. */
  readonly services: () => Promise<readonly DeclaredSubscribers[]>;
  /** Bytes that are free on the disk of the store. */
  readonly disk: () => Promise<number>;
}

export interface OutboxTotals {
  /** Systems that are to be told something now. */
  readonly pending: number;
  /** Systems that could not be told. */
  readonly failing: number;
  /** Seconds since the oldest change that a system was not told. */
  readonly oldest: number;
}

export interface Metrics {
  readonly contentType: string;
  /** Returns the metrics as they are now, in Prometheus' text format 0.0.4. */
  readonly text: () => Promise<string>;
  /** Returns the metrics as they are now, to be added to those of other processes. */
  readonly values: () => Promise<MetricValues>;
}

export type MetricValues = readonly MetricObjectWithValues<MetricValue<string>>[];

type Labels = Readonly<Record<string, string | number>>;
type Values = Iterable<readonly [labels: Labels, value: number]>;

/** Milliseconds for which counts are used again: those of feeds read a part of each feed. */
const COUNT_LIFETIME = 60_000;

/** Opens the metrics of this process: the counters of the service, and Node's own. */
export function openMetrics({ counters, store, version, ...parts }: MetricsParts): Metrics {
  const registry = new Registry();
  const registers = [registry];

  const { counter, gauge, gauges } = createKinds(registry);

  /** prom-client's `observe` is not used: it makes a text of the labels for every request. */
  function durations(): void {
    const name = 'feed_publisher_request_duration_seconds';
    const help = 'Seconds from the head of a request to the end of its answer.';
    const histogram = new Histogram({ name, help, registers });
    const get = async () => ({
      name,
      help,
      type: 'histogram',
      aggregator: 'sum',
      values: [...durationsOf(counters, name)],
    });
    Object.assign(histogram, { get, getForPromString: get });
  }

  counter(
    'requests_total',
    'Requests by route, method and status of the answer.',
    ['route', 'method', 'status'],
    function* () {
      for (const [route, counts] of counters.routes) {
        for (const { method, status, count } of answersOf(counts)) yield [{ route, method, status }, count];
      }
    },
  );
  durations();
  counter('response_bytes_total', 'Bytes of content in answers, by content coding.', ['coding'], () =>
    labelled('coding', counters.bytes),
  );
  counter(
    'saved_bytes_total',
    'Bytes of documents that were not sent: unchanged (304), left out of deltas (226), taken away by content codings.',
    ['by'],
    () => labelled('by', counters.saved),
  );
  counter('feed_requests_total', 'Requests for a feed in any format, and for its page.', ['feed'], function* () {
    for (const [feed, count] of counters.feedRequests) yield [{ feed }, count];
  });
  counter('changes_total', 'Records and withdrawals, by result.', ['result'], () =>
    labelled('result', counters.changes),
  );
  counter('adjusted_stories_total', 'Stories that cleaning changed, by kind of adjustment.', ['kind'], function* () {
    for (const [kind, count] of counters.adjustments) yield [{ kind }, count];
  });
  counter('refused_files_total', 'Article files that could not be published.', [], () => [[{}, counters.refusedFiles]]);
  counter('reloads_total', 'Reloads of publication.yaml, by result.', ['result'], () =>
    labelled('result', counters.reloads),
  );
  counter('outbox_attempts_total', 'Attempts to tell other systems of changes, by result.', ['result'], () =>
    labelled('result', { ...counters.outbox }),
  );
  counter('documents_made_total', 'Documents that were rendered.', [], () => [[{}, counters.documents]]);
  counter('document_seconds_total', 'Seconds spent on rendering documents.', [], () => [
    [{}, counters.documentSeconds],
  ]);
  for (const [what, counts] of [
    ['documents', parts.keptDocuments],
    ['entries', parts.keptEntries],
  ] as const) {
    gauge(`kept_${what}`, `Rendered ${what} in the cache.`, () => counts().count);
    gauge(`kept_${what}_bytes`, `Estimated bytes of rendered ${what} in the cache.`, () => counts().bytes);
    counter(`evicted_${what}_total`, `Rendered ${what} that were removed from the cache to make room.`, [], () => [
      [{}, counts().evicted],
    ]);
  }
  gauge(
    'store_damaged',
    '1 where the store is known to be damaged, else 0.',
    () => (store.damage() === undefined ? 0 : 1),
    'max',
  );
  if (parts.replica !== undefined) measureReplica(gauge, parts.replica);
  gauge('store_revision', 'Revision of the last change in the store.', () => store.lastRevision(), 'max');
  gauge(
    'articles',
    'Articles in the store, withdrawn ones included. Updated once a minute.',
    cachedFor(COUNT_LIFETIME, () => store.count()),
    'max',
  );
  gauges(
    'waiting_requests',
    'Requests that wait to be answered, by queue.',
    'queue',
    async () => parts.http().queues.map(({ lane, waiting }) => [lane, waiting]),
    'sum',
  );
  gauge('open_connections', 'Connections that are open.', () => parts.http().connections.open);
  counter(
    'dropped_log_lines_total',
    'Log lines that were dropped because the reader of the log was too slow.',
    [],
    () => [[{}, parts.droppedLogLines()]],
  );
  addDeliveries(parts.deliveries, { counter, gauge });
  if (parts.overviews !== undefined) addOverviews(parts.overviews, { gauge, gauges });
  const help = 'Always 1. The label is the version of the program.';
  new Gauge({ name: 'feed_publisher_build_info', help, labelNames: ['version'], registers, aggregator: 'first' }).set(
    { version },
    1,
  );
  collectDefaultMetrics({ register: registry });

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    values: () => registry.getMetricsAsJSON(),
  };
}

type Kinds = ReturnType<typeof createKinds>;

/** The kinds of metrics. Each metric reads its values when it is asked for. */
function createKinds(registry: Registry) {
  const registers = [registry];

  function counter(name: string, help: string, labelNames: readonly string[], values: () => Values): void {
    const metric = new Counter({ name: `feed_publisher_${name}`, help, labelNames, registers, collect });
    function collect(): void {
      metric.reset();
      for (const [labels, value] of values()) metric.inc(labels, value);
    }
  }

  /** NaN if the value cannot be read: metrics are needed most when the store fails. */
  function gauge(
    name: string,
    help: string,
    value: () => number | Promise<number>,
    aggregator: Aggregator = 'sum',
  ): void {
    const metric = new Gauge({ name: `feed_publisher_${name}`, help, registers, collect, aggregator });
    async function collect(): Promise<void> {
      metric.reset();
      try {
        metric.set(await value());
      } catch {
        metric.set(Number.NaN);
      }
    }
  }

  /** A gauge with a label. Without a value if it cannot be read. */
  function gauges(
    name: string,
    help: string,
    label: string,
    values: () => Promise<Iterable<readonly [string, number]>>,
    aggregator: Aggregator = 'max',
  ): void {
    const names = { name: `feed_publisher_${name}`, help, labelNames: [label], registers };
    const metric = new Gauge({ ...names, collect, aggregator });
    async function collect(): Promise<void> {
      metric.reset();
      for (const [value, number] of await values().catch(() => [])) metric.set({ [label]: value }, number);
    }
  }

  return { counter, gauge, gauges };
}

function addDeliveries(counts: () => DeliveryCounts, { counter, gauge }: Pick<Kinds, 'counter' | 'gauge'>): void {
  counter(
    'deliveries_total',
    'Answers to partners with a valid key, by partner and status. From 100 partners on, the others are counted as other.',
    ['partner', 'status'],
    function* () {
      for (const [partner, status, count] of counts().deliveries) yield [{ partner, status }, count];
    },
  );
  counter('lost_deliveries_total', 'Answers to partners that could not be recorded.', [], () => [[{}, counts().lost]]);
  gauge(
    'deliveries_saved_seconds',
    'Seconds since a process last recorded its answers to partners; 0 where it has no partner.',
    () => (counts().unsavedFor ?? 0) / 1000,
    'max',
  );
}

function addOverviews(
  { problems, feeds, outbox, filling, services, disk }: Overviews,
  { gauge, gauges }: Pick<Kinds, 'gauge' | 'gauges'>,
): void {
  const totals = cachedFor(COUNT_LIFETIME, feeds);
  gauge('outbox_pending', 'Systems that are to be told something now.', async () => (await outbox()).pending, 'max');
  gauge('outbox_failing', 'Systems that could not be told of changes.', async () => (await outbox()).failing, 'max');
  gauge(
    'outbox_oldest_seconds',
    'Seconds since the oldest change that a system was not told and is not being told; 0 where there is none.',
    async () => (await outbox()).oldest,
    'max',
  );
  gauge('filling_feeds', 'Feeds with new rules that are being filled with their articles.', filling, 'max');
  gauge('disk_free_bytes', 'Bytes that are free on the disk of the store.', disk, 'max');
  gauges(
    'declared_subscribers',
    'Subscribers that a service has declared in the last 24 hours, of the 20 services with the most. Updated once a minute.',
    'service',
    cachedFor(COUNT_LIFETIME, async () =>
      (await services()).map(({ service, subscribers }): [string, number] => [service, subscribers]),
    ),
  );
  gauges('problems', 'Problems that are open now, by kind.', 'kind', async () => Object.entries(await problems()));
  gauges('feed_articles', 'Articles that readers can see in a feed. Updated once a minute.', 'feed', async () =>
    [...(await totals())].map(([feed, { articles }]) => [feed, articles]),
  );
  gauges(
    'feed_newest_timestamp_seconds',
    'The date of the newest article in a feed, in seconds since 1970. Updated once a minute.',
    'feed',
    async () =>
      [...(await totals())].flatMap(([feed, { newest }]) => (newest === undefined ? [] : [[feed, newest / 1000]])),
  );
}

/** Adds up the metrics of several processes. */
export function aggregateMetrics(values: readonly MetricValues[]): Pick<Metrics, 'contentType' | 'text'> {
  const registry = AggregatorRegistry.aggregate(values.map((each) => [...each]));
  return { contentType: registry.contentType, text: () => registry.metrics() };
}

/**
 * Adds up the counters and histograms of processes that have ended. A gauge describes a running process, so it is left
 * out.
 */
export function sumCounters(values: readonly MetricValues[]): MetricValues {
  const sums = new Map<string, MetricValues[number]>();
  for (const metric of values.flat()) {
    if (String(metric.type) === 'gauge') continue; // prom-client gives the name of the type, against its own declaration
    const known = sums.get(metric.name)?.values ?? [];
    sums.set(metric.name, { ...metric, values: sumByLabels([...known, ...metric.values]) });
  }
  return [...sums.values()];
}

function sumByLabels(values: readonly MetricValue<string>[]): MetricValue<string>[] {
  const sums = new Map<string, MetricValue<string>>();
  for (const { value, ...sample } of values) {
    const key = JSON.stringify(sample);
    sums.set(key, { ...sample, value: value + (sums.get(key)?.value ?? 0) });
  }
  return [...sums.values()];
}

function labelled(name: string, values: Readonly<Record<string, number>>): Values {
  return Object.entries(values).map(([label, value]) => [{ [name]: label }, value]);
}

function* durationsOf({ routes }: Counters, name: string) {
  for (const [route, { durations, seconds }] of routes) {
    let count = 0;
    for (const [index, bound] of [...BOUNDS, '+Inf'].entries()) {
      count += durations[index] ?? 0;
      yield { metricName: `${name}_bucket`, labels: { route, le: bound }, value: count };
    }
    yield { metricName: `${name}_sum`, labels: { route }, value: seconds };
    yield { metricName: `${name}_count`, labels: { route }, value: count };
  }
}

/** Wraps `read` so that its result is used again for that many milliseconds. */
function cachedFor<Value>(milliseconds: number, read: () => Promise<Value>): () => Promise<Value> {
  let readAt = Number.NEGATIVE_INFINITY;
  let value: Promise<Value> | undefined;
  return () => {
    const now = performance.now();
    if (value === undefined || now - readAt >= milliseconds) {
      readAt = now;
      value = read();
    }
    return value;
  };
}

type Gauges = ReturnType<typeof createKinds>;

/** What a replica alone has. */
export function measureReplica(gauge: Gauges['gauge'], replica: () => ReplicaState): void {
  gauge('database_up', '1 while the database can be reached, else 0.', () => (replica().isConnected ? 1 : 0), 'max');
  gauge('replica_lag_seconds', 'Seconds for which this replica has lacked changes.', () => replica().lag, 'max');
  gauge(
    'replica_applied',
    'Position of the last operation that this replica has made.',
    () => replica().applied,
    'max',
  );
  gauge(
    'replica_owner',
    '1 where this replica watches the files for all, else 0.',
    () => (replica().isOwner ? 1 : 0),
    'max',
  );
  gauge(
    'replica_clock_offset_seconds',
    'Seconds by which the clock of the database is ahead of that of this machine.',
    () => (replica().clockOffset ?? 0) / 1000,
    'max',
  );
}
