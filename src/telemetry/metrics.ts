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
import type { Store } from '../store/store.ts';
import { answersOf, BOUNDS, type Counters } from './counters.ts';

export interface MetricsParts {
  readonly counters: Counters;
  readonly store: Pick<Store, 'lastRevision' | 'count'>;
  readonly keptDocuments: () => CacheCounts;
  readonly keptEntries: () => CacheCounts;
  readonly droppedLogLines: () => number;
  readonly version: string;
}

export interface Metrics {
  readonly contentType: string;
  /** The metrics as they are now, in Prometheus' text format 0.0.4. */
  readonly text: () => Promise<string>;
  /** The same, to be added up with those of other processes. */
  readonly values: () => Promise<MetricValues>;
}

export type MetricValues = readonly MetricObjectWithValues<MetricValue<string>>[];

type Labels = Readonly<Record<string, string | number>>;
type Values = Iterable<readonly [labels: Labels, value: number]>;

/** Milliseconds for which the number of articles is not counted again: the store has to look at each. */
const COUNT_EVERY = 60_000;

/** Makes text of what was counted, and of what Node knows of the process, whenever it is asked to. */
export function openMetrics({ counters, store, version, ...parts }: MetricsParts): Metrics {
  const registry = new Registry();
  const registers = [registry];

  function counter(name: string, help: string, labelNames: readonly string[], values: () => Values): void {
    const metric = new Counter({ name: `feed_publisher_${name}`, help, labelNames, registers, collect });
    function collect(): void {
      metric.reset();
      for (const [labels, value] of values()) metric.inc(labels, value);
    }
  }

  /** Without a value where it cannot be had: metrics are needed most when the store fails. */
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

  /** prom-client's own makes a text of the labels at every observation. */
  function durations(): void {
    const name = 'feed_publisher_request_duration_seconds';
    const help = 'Time from the head of a request to the end of its answer.';
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

  counter('requests_total', 'Requests that were answered.', ['route', 'method', 'status'], function* () {
    for (const [route, counts] of counters.routes) {
      for (const { method, status, count } of answersOf(counts)) yield [{ route, method, status }, count];
    }
  });
  durations();
  counter('response_bytes_total', 'Bytes of content in answers.', ['coding'], () => labelled('coding', counters.bytes));
  counter('changes_total', 'What became of records and withdrawals.', ['result'], () =>
    labelled('result', counters.changes),
  );
  counter('refused_files_total', 'Article files that could not be published.', [], () => [[{}, counters.refusedFiles]]);
  counter('documents_made_total', 'Documents that were arranged anew.', [], () => [[{}, counters.documents]]);
  counter('document_seconds_total', 'Time it took to arrange them.', [], () => [[{}, counters.documentSeconds]]);
  for (const [what, counts] of [
    ['documents', parts.keptDocuments],
    ['entries', parts.keptEntries],
  ] as const) {
    gauge(`kept_${what}`, `Rendered ${what} in memory.`, () => counts().count);
    gauge(`kept_${what}_bytes`, `Bytes they take at most.`, () => counts().bytes);
    counter(`evicted_${what}_total`, `Rendered ${what} that had to go for others.`, [], () => [[{}, counts().evicted]]);
  }
  gauge('store_revision', 'The number of the last change in the store.', () => store.lastRevision(), 'max');
  gauge(
    'articles',
    'Articles in the store, withdrawn ones too; counted once a minute.',
    onceIn(COUNT_EVERY, () => store.count()),
    'max',
  );
  counter('dropped_log_lines_total', 'Log lines that nobody took in time.', [], () => [[{}, parts.droppedLogLines()]]);
  const help = 'The version that runs.';
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

/** What several processes counted, added up. */
export function addedUp(values: readonly MetricValues[]): Pick<Metrics, 'contentType' | 'text'> {
  const registry = AggregatorRegistry.aggregate(values.map((each) => [...each]));
  return { contentType: registry.contentType, text: () => registry.metrics() };
}

/** What processes counted that are gone, added up. Their gauges told of themselves, and go with them. */
export function countsOf(values: readonly MetricValues[]): MetricValues {
  const sums = new Map<string, MetricValues[number]>();
  for (const metric of values.flat()) {
    if (String(metric.type) === 'gauge') continue; // a word, where prom-client's types have a number
    const known = sums.get(metric.name)?.values ?? [];
    sums.set(metric.name, { ...metric, values: addedByLabels([...known, ...metric.values]) });
  }
  return [...sums.values()];
}

function addedByLabels(values: readonly MetricValue<string>[]): MetricValue<string>[] {
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

/** Asks again only when that many milliseconds are over. */
function onceIn(milliseconds: number, ask: () => Promise<number>): () => Promise<number> {
  let asked = Number.NEGATIVE_INFINITY;
  let answer: Promise<number> | undefined;
  return () => {
    const now = performance.now();
    if (answer === undefined || now - asked >= milliseconds) {
      asked = now;
      answer = ask();
    }
    return answer;
  };
}
