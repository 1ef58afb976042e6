import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Publication } from '../config/publication.ts';
import { createArranger } from '../document/arranger.ts';
import type { CacheCounts } from '../document/byte-cache.ts';
import { createDocumentCache, type DocumentCache } from '../document/cache.ts';
import { MOST_WITH_DELTAS } from '../document/delta.ts';
import { LATEST } from '../feed/feeds.ts';
import { createClientOf, parseTrust } from '../http/client.ts';
import { serveForwarded } from '../http/forward.ts';
import type { Phase } from '../http/health.ts';
import { listen } from '../http/listen.ts';
import type { ConnectionLimits } from '../http/load/connections.ts';
import type { Rate } from '../http/load/rate-limiter.ts';
import { createObserver } from '../http/observe.ts';
import { type MetricsAddress, serveOperator } from '../http/operator.ts';
import { createHttpServer } from '../http/server.ts';
import { type Counters, countDocuments, createCounters } from '../telemetry/counters.ts';
import { type Log, type LogLevel, type OpenLog, tellError } from '../telemetry/log.ts';
import type { Metrics, MetricValues } from '../telemetry/metrics.ts';
import type { DataFolder } from './data-folder.ts';
import { giveBackHeap, keepHeapSmall } from './heap.ts';
import { createForwardingWriter, openWriter } from './writer.ts';

/** How a service serves, in plain values: what its workers are told as well. */
export interface ServeSettings {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly version: string;
  /** Milliseconds within which a record, or a line of many, must have come. */
  readonly bodyDeadline?: number;
  readonly logLevel?: LogLevel;
  /** One in how many of the answers that are given without end is a line in the log; 0 for none. */
  readonly logSample?: number | undefined;
  /** Seconds between saying that no more requests should come and taking none. */
  readonly shutdownDelay?: number;
  /** Megabytes of rendered entries and documents that are kept. */
  readonly cache?: number | undefined;
  readonly connections?: Partial<ConnectionLimits>;
  /** Proxies whose word about their clients is believed, as `parseTrust` reads them; none unless it is said. */
  readonly trustProxy?: string | undefined;
  /** How much a client may ask for; as much as it likes unless it is said. */
  readonly rate?: Rate | undefined;
  /** Whether cached documents are answered past Express and Node's response; true unless it is set. */
  readonly fastPath?: boolean;
}

export interface ServeOptions extends ServeSettings {
  readonly now?: () => number;
  readonly log: OpenLog;
  /** Where the operator asks for metrics; nowhere unless it is said. */
  readonly metrics?: MetricsAddress | undefined;
  /** How far work at start has come that takes long. */
  readonly progress?: (what: string, done: number, total: number) => void;
  /** What this process does where several share a service; everything unless it is said. */
  readonly part?: Part;
}

/** Of the processes that share a service all answer, and one writes. It takes the others' changes at a socket. */
export type Part =
  | { readonly role: 'reader'; readonly socket: string }
  | { readonly role: 'writer'; readonly socket: string; readonly readersGone: Promise<void> };

export interface Service {
  readonly port: number;
  /** Undefined where there is none. */
  readonly metricsPort: number | undefined;
  readonly articles: number;
  readonly feeds: number;
  /** Tells the log of an error that nobody expected. */
  readonly fail: (error: unknown) => void;
  /** Finishes what is under way, and ends. */
  readonly close: () => Promise<void>;
  /** Settles with the exit code where the service ends by itself, because it cannot go on. */
  readonly ended?: Promise<number>;
}

/** A service that is one process, or a worker of one. */
export interface ServiceProcess extends Service {
  /** What it counted, to be added to what others did. */
  readonly measure: () => Promise<MetricValues>;
  /** Rejects where it cannot serve, because of the store. */
  readonly check: () => Promise<unknown>;
}

/** One in how many feeds that were answered is told in the log. */
const SAMPLE = 1000;
/** Megabytes of entries and documents that are kept. */
const CACHE = 24;
/** Feeds that one line of the log names. */
const MOST_NAMED_FEEDS = 20;
/** Part of them that is for entries, which documents are arranged from. */
const FOR_ENTRIES = 1 / 4;

/**
 * Serves an installation over HTTP.
 *
 * @throws PublisherError `store_unavailable`, `address_unavailable`
 */
export async function serve(installation: DataFolder, options: ServeOptions): Promise<ServiceProcess> {
  const { dataFolder, publication, store } = installation;
  const { host, port, version, shutdownDelay = 0, part, now = Date.now } = options;
  const { log } = options.log;
  keepHeapSmall();
  const counters = createCounters();
  let phase: Phase = 'starting';
  const fail = (error: unknown) => tellError(log, error);

  const documents = openDocuments(installation, { log, counters, fail, now, cache: options.cache ?? CACHE });
  const { documentCache } = documents;
  const writer =
    part?.role === 'reader'
      ? createForwardingWriter(part.socket, { store, log })
      : await openWriter(installation, { ...options, log, counters, now, fail, announce: documentCache.forget });
  const trust = options.trustProxy === undefined ? undefined : parseTrust(options.trustProxy);
  const observer = createObserver({
    log,
    clientOf: createClientOf(trust),
    counters,
    sample: options.logSample ?? SAMPLE,
  });
  const health = { check: store.lastRevision, phase: () => phase };
  const http = createHttpServer({
    ...health,
    observer,
    publication,
    store,
    documentCache,
    now,
    changes: writer.changes,
    hasPending: writer.hasPending,
    whenIdle: writer.whenIdle,
    mediaFolder: join(dataFolder, 'media'),
    version,
    fail,
    trust,
    limits: options.connections ?? {},
    rate: options.rate,
    fastPath: options.fastPath ?? true,
    onCalm: giveBackHeap,
  });
  let metrics: Promise<Metrics> | undefined;
  // Loaded when somebody asks: it takes a fifth of a start.
  const openMetrics = () => {
    metrics ??= import('../telemetry/metrics.ts').then((module) =>
      module.openMetrics({ ...documents, counters, store, version, droppedLogLines: options.log.dropped }),
    );
    return metrics;
  };
  let operator: Awaited<ReturnType<typeof serveOperator>>;
  let takingOver: Awaited<ReturnType<typeof serveForwarded>> | undefined;
  let boundPort: number;
  try {
    operator = await serveOperator({ ...health, fail, openMetrics }, options.metrics, log);
    await writer.start();
    giveBackHeap();
    // Who hands a request over counts and logs it.
    if (part?.role === 'writer') takingOver = await serveForwarded(part.socket, http.app);
    boundPort = await listen(http.server, { host, port, shared: part !== undefined });
  } catch (error) {
    http.close();
    operator?.close();
    await takingOver?.close();
    await writer.close();
    throw error;
  }
  phase = 'serving';
  documentCache.followExternalChanges();
  const articles = await store.count();
  const feeds = (await store.feeds(now())).length;
  const started = { version, node: process.version, host, port: boundPort, metricsPort: operator?.port };
  log.info({ ...started, role: part?.role, articles, feeds }, 'started');
  if (part?.role !== 'reader') tellOfLargeFeeds(publication, log);

  async function close(): Promise<void> {
    const began = performance.now();
    log.info({}, 'stopping');
    phase = 'stopping';
    http.announceEnd();
    if (shutdownDelay > 0) await sleep(shutdownDelay * 1000);
    await http.end();
    http.close();
    if (part?.role === 'writer') await part.readersGone; // they may have changes to hand over until then
    await takingOver?.close();
    operator?.close();
    await writer.close();
    await documentCache.close();
    await store.close();
    log.info({ ms: Math.round(performance.now() - began) }, 'stopped');
  }
  let closing: Promise<void> | undefined;
  return {
    port: boundPort,
    metricsPort: operator?.port,
    articles,
    feeds,
    fail,
    measure: async () => (await openMetrics()).values(),
    check: health.check,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** Nothing else would tell that a number in publication.yaml keeps a feed's readers from its deltas. */
function tellOfLargeFeeds({ entries, feeds }: Publication, log: Log): void {
  const large = [{ id: LATEST, entries }, ...feeds].filter((feed) => (feed.entries ?? entries) > MOST_WITH_DELTAS);
  if (large.length === 0) return;
  const names = large.slice(0, MOST_NAMED_FEEDS).map(({ id }) => id);
  log.warn({ feeds: names }, `Feeds of more than ${MOST_WITH_DELTAS} entries have no deltas: ${names.join(', ')}.`);
}

interface DocumentParts {
  readonly log: Log;
  readonly counters: Counters;
  readonly fail: (error: unknown) => void;
  readonly now: () => number;
  readonly cache: number;
}

interface Documents {
  readonly documentCache: DocumentCache;
  readonly keptDocuments: () => CacheCounts;
  readonly keptEntries: () => CacheCounts;
}

/** The documents of the store, as it is now, whoever writes it. */
function openDocuments(
  { store, publication }: DataFolder,
  { log, counters, fail, now, cache }: DocumentParts,
): Documents {
  const bytes = cache * 1024 * 1024;
  const arranger = createArranger({
    store,
    publication,
    entryBytes: bytes * FOR_ENTRIES,
    report: (id, format, err) => log.error({ err, article: id }, `Article ${id} is left out of its ${format} feeds.`),
  });
  const documentCache = createDocumentCache({
    arrange: countDocuments(arranger.arrange, counters),
    bytes: bytes * (1 - FOR_ENTRIES),
    now,
    fail,
    externalChanges: store,
  });
  return { documentCache, keptDocuments: documentCache.counts, keptEntries: arranger.counts };
}
