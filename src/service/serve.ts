import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_CACHE_MB, DEFAULT_LOG_SAMPLE, type LogLevel } from '../config/options.ts';
import type { Publication } from '../config/publication.ts';
import type { DocumentCache } from '../document/cache.ts';
import { MOST_WITH_DELTAS } from '../document/delta.ts';
import type { Pages } from '../document/pages.ts';
import { excerpt, isStoreDamage } from '../errors.ts';
import { LATEST } from '../feed/feeds.ts';
import { createClientOf, parseTrust } from '../http/client.ts';
import { serveForwarded } from '../http/forward.ts';
import type { HealthParts, Phase } from '../http/health.ts';
import { listen } from '../http/listen.ts';
import type { ConnectionLimits } from '../http/load/connections.ts';
import type { Rate } from '../http/load/rate-limiter.ts';
import { createObserver } from '../http/observe.ts';
import { type MetricsAddress, serveOperator } from '../http/operator.ts';
import { statusHandler } from '../http/overviews.ts';
import { createHttpServer, type HttpServer } from '../http/server.ts';
import type { Instant } from '../lib/instant.ts';
import type { ServiceStatus } from '../pages/service-status.ts';
import type { Store } from '../store/store.ts';
import { type Counters, createCounters } from '../telemetry/counters.ts';
import { type Log, logError, type OpenLog } from '../telemetry/log.ts';
import type { MetricValues } from '../telemetry/metrics.ts';
import { type DataFolder, mediaFolder } from './data-folder.ts';
import { watchDisk } from './disk-watch.ts';
import { openDocuments } from './documents.ts';
import { releaseFreeHeap } from './heap.ts';
import type { Unrenderable } from './problem-reports.ts';
import type { ProcessLoad } from './process-load.ts';
import { lazyMetrics, measuredFeeds, overviewsOf } from './process-metrics.ts';
import { openStatus, openTraffic, type Traffic } from './process-status.ts';
import { unlessDamaged } from './unless-damaged.ts';
import { warmUpLater } from './warm-up.ts';
import { createForwardingWriter, openWriter, type Writer } from './writer.ts';

/** Settings that also reach the workers of a service, so plain values alone. */
export interface ServeSettings {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly version: string;
  /** Milliseconds in which a record, or one record of a bulk request, must arrive. */
  readonly bodyDeadline?: number;
  readonly logLevel?: LogLevel;
  /** One in so many answers to feed readers is logged; 0 for none. */
  readonly logSample?: number;
  /** Seconds from the moment when `/readyz` answers 503 until the service takes no more requests. */
  readonly shutdownDelay?: number;
  /** Megabytes of rendered entries and documents that are kept. */
  readonly cache?: number;
  readonly connections?: Partial<ConnectionLimits>;
  /** Proxies whose X-Forwarded-For or Forwarded is trusted, in the syntax of `parseTrust`; none by default. */
  readonly trustProxy?: string | undefined;
  /** Tokens of each client; no limit by default. */
  readonly rate?: Rate | undefined;
  /** Milliseconds from the start until the service prepares for the first page; it never does by default. */
  readonly warmUpAfter?: number;
  /** Whether cached answers bypass Express and Node's response; true by default. */
  readonly fastPath?: boolean;
  /** Whether ordinary HTML is cleaned without the parser of sanitize-html; true by default. */
  readonly sanitizeFastPath?: boolean;
}

export interface ServeOptions extends ServeSettings {
  readonly now?: () => number;
  readonly log: OpenLog;
  /** Address of the operator's port; there is none by default. */
  readonly metrics?: MetricsAddress | undefined;
  /** Called during long work at the start. */
  readonly progress?: (work: string, done: number, total: number) => void;
  /** Called before the first request can be answered. */
  readonly beforeListen?: () => void;
  /** Takes an article that the feeds of this process omit; in a process that writes, the list of problems has it anyway. */
  readonly onUnrenderable?: (article: Unrenderable) => void;
  /** The role of this process if several share a service; by default one process does everything. */
  readonly part?: Part;
  /** Asks all processes of the service how busy they are; by default there is this one alone. */
  readonly loads?: (() => Promise<readonly ProcessLoad[]>) | undefined;
}

/** Readers forward changes to the writer at the socket. */
export type Part =
  | { readonly role: 'reader'; readonly socket: string }
  | { readonly role: 'writer'; readonly socket: string; readonly readersEnded: Promise<void> };

export interface Service {
  readonly port: number;
  /** Undefined if there is none. */
  readonly metricsPort: number | undefined;
  readonly articles: number;
  readonly feeds: number;
  /** Logs an unexpected error. */
  readonly fail: (error: unknown) => void;
  /** Finishes the requests that have begun, then releases everything. */
  readonly close: () => Promise<void>;
  /** Resolves with an exit code if the service stops because it cannot go on. */
  readonly ended?: Promise<number>;
}

/** A service of one process, or one worker of a service. */
export interface ServiceProcess extends Service {
  /** Returns the metrics of this process, to be added to those of others. */
  readonly measure: () => Promise<MetricValues>;
  /** Returns how busy this process is, after it has saved what it has counted. */
  readonly load: () => Promise<ProcessLoad>;
  /** Returns the state of the whole service. Rejects with `not_ready` in a reader. */
  readonly readStatus: () => Promise<ServiceStatus>;
  /** Rejects if the store cannot be read. */
  readonly check: () => Promise<unknown>;
  /** Lists an article that the feeds of another process omit. */
  readonly addUnrenderable: (article: Unrenderable) => void;
}

/** Feed ids that one log line names. */
const MAX_NAMED_FEEDS = 20;

/**
 * Serves a data folder over HTTP. From the call on, the store belongs to the service: it is closed with the service, or
 * when the start fails.
 *
 * @throws PublisherError `store_unavailable`, `address_unavailable`
 */
export async function serve(folder: DataFolder, options: ServeOptions): Promise<ServiceProcess> {
  const opened = new AsyncDisposableStack();
  try {
    return await start(folder, options, opened);
  } catch (error) {
    await opened.disposeAsync().catch((more: unknown) => logError(options.log.log, more));
    throw error;
  }
}

/**
 * Opens the parts of a service. Each part is on `opened` as soon as it is open, so that a stop, or a start that fails,
 * closes them in reverse: requests end first, the store closes last.
 */
async function start(given: DataFolder, options: ServeOptions, opened: AsyncDisposableStack): Promise<ServiceProcess> {
  const disk = watchDisk(given);
  const folder = { ...given, store: disk.store };
  const { publication, store } = folder;
  const { host, port, version, part, now = Date.now } = options;
  const { log } = options.log;
  const counters = createCounters(measuredFeeds(publication));
  const fail = (error: unknown) => {
    if (!isStoreDamage(error)) logError(log, error); // damage is logged once
  };
  let phase: Phase = 'starting';
  const health = { check: store.check, phase: () => phase };
  opened.defer(store.close);
  const traffic = openTraffic(folder, { log, now, fail });
  opened.defer(traffic.close);
  logDamage(store, part, log);

  let writer: Writer | undefined;
  let reportUnrenderable = options.onUnrenderable ?? (() => {});
  const documents = openDocuments(folder, {
    log,
    counters,
    fail,
    now,
    cache: options.cache ?? DEFAULT_CACHE_MB,
    onExternalChanges: () => writer?.onExternalChanges(),
    onUnrenderable: (article) => reportUnrenderable(article),
  });
  const { documentCache, pages, forgetErased } = documents;
  opened.defer(documentCache.close);

  writer =
    part?.role === 'reader'
      ? createForwardingWriter(part.socket, { store, log })
      : await openWriter(folder, {
          ...options,
          log,
          counters,
          now,
          fail,
          announce: documentCache.forget,
          onErased: forgetErased,
        });
  opened.defer(writer.close);
  if (writer.problems !== undefined) reportUnrenderable = writer.problems.unrenderable;

  const readStatus = () => status.read();
  const http = createHttp({
    folder,
    options,
    writer,
    documentCache,
    pages,
    counters,
    traffic,
    readStatus,
    health,
    now,
    fail,
  });
  opened.defer(http.close);
  const status = openStatus({ folder, options, writer, documents, traffic, http, disk, health, now });
  opened.defer(status.close);

  const openMetrics = lazyMetrics({
    ...documents,
    counters,
    store,
    version,
    droppedLogLines: options.log.dropped,
    http: http.load,
    overviews: writer.problems && overviewsOf(folder, { problems: writer.problems, traffic, disk, now }),
  });
  const operator = await serveOperator(
    { ...health, fail, openMetrics, status: { publication, mediaFolder: mediaFolder(folder), readStatus } },
    options.metrics,
    log,
  );
  opened.defer(() => operator?.close());

  await writer.start();
  releaseFreeHeap();

  if (part?.role === 'writer') {
    // The reader that forwards a request counts and logs it.
    const forwarded = await serveForwarded(part.socket, http.app);
    opened.defer(forwarded.close);
  }

  const { articles, feeds } = await countsOf(store, now());
  options.beforeListen?.();
  // Nothing may fail after this: a writer whose requests end waits for its readers, which a failed start never has.
  const boundPort = await listen(http.server, { host, port, shared: part !== undefined });
  opened.defer(() => endRequests(http, options));
  if (pages !== undefined && options.warmUpAfter !== undefined)
    opened.defer(warmUpLater({ warmUp: () => pages.warmUp(now()), delay: options.warmUpAfter, fail }));
  phase = 'serving';
  status.served();
  documentCache.followExternalChanges();
  const address = { host, port: boundPort, metricsPort: operator?.port };
  log.info({ version, node: process.version, ...address, role: part?.role, articles, feeds }, 'started');
  if (part?.role !== 'reader') warnOfFeedsWithoutDeltas(publication, log);

  async function stop(): Promise<void> {
    const began = performance.now();
    log.info({}, 'stopping');
    phase = 'stopping';
    await opened.disposeAsync();
    log.info({ ms: Math.round(performance.now() - began) }, 'stopped');
  }
  let stopping: Promise<void> | undefined;
  return {
    port: boundPort,
    metricsPort: operator?.port,
    articles,
    feeds,
    fail,
    measure: async () => (await openMetrics()).values(),
    load: status.load,
    readStatus,
    check: health.check,
    addUnrenderable: (article) => writer.problems?.unrenderable(article),
    close() {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** Logs damage of the store once: at the start, or in the process that finds it. */
function logDamage(store: Store, part: Part | undefined, log: Log): void {
  const message = (problem: string) =>
    `${problem} The service refuses changes, answers 503 where it would have to show what is damaged, and serves the rest. ` +
    'Stop it and run the command verify. Then run the command repair, or restore a backup: docs/back-up-and-upgrade.md has the steps.';
  const report = (problem: string) => log.error({ code: 'store_damaged' }, message(problem));
  const known = store.damage();
  if (known === undefined) void store.whenDamaged().then(report);
  else if (part?.role !== 'reader') report(known);
}

/** How many articles and feeds there are; 0 where the store is damaged so that nobody can say. */
async function countsOf(store: Store, at: Instant): Promise<{ articles: number; feeds: number }> {
  const articles = await unlessDamaged(store.count());
  const feeds = await unlessDamaged(store.feeds(at));
  return { articles: articles ?? 0, feeds: feeds?.length ?? 0 };
}

/** Lets requests end that have begun, and takes no more. */
async function endRequests(http: HttpServer, { shutdownDelay = 0, part }: ServeOptions): Promise<void> {
  http.announceEnd();
  if (shutdownDelay > 0) await sleep(shutdownDelay * 1000);
  await http.end();
  // Readers may forward changes until they end.
  if (part?.role === 'writer') await part.readersEnded;
}

interface HttpParts {
  readonly folder: DataFolder;
  readonly options: ServeOptions;
  readonly writer: Writer;
  readonly documentCache: DocumentCache;
  readonly pages: Pages | undefined;
  readonly counters: Counters;
  readonly traffic: Traffic;
  readonly readStatus: () => Promise<ServiceStatus>;
  readonly health: HealthParts;
  readonly now: () => number;
  readonly fail: (error: unknown) => void;
}

/** Wires everything between a connection and the documents. */
function createHttp(parts: HttpParts): HttpServer {
  const { folder, options, writer, documentCache, pages, counters, traffic, readStatus, health, now, fail } = parts;
  const { publication, store } = folder;
  const { version, rate, fastPath = true, connections: limits = {}, logSample: sample = DEFAULT_LOG_SAMPLE } = options;
  const trust = options.trustProxy === undefined ? undefined : parseTrust(options.trustProxy);
  const { log } = options.log;
  const clientOf = createClientOf(trust, (element) => warnOfUnknownClient(element, log));
  return createHttpServer({
    ...health,
    observer: createObserver({ log, clientOf, counters, traffic: traffic.counts, sample }),
    publication,
    store,
    documentCache,
    ...(pages === undefined ? {} : { pages }),
    now,
    changes: writer.changes,
    listProblems: writer.listProblems,
    showStatus: writer.showStatus ?? statusHandler({ store, readStatus }),
    hasPending: writer.hasPending,
    whenIdle: writer.whenIdle,
    mediaFolder: mediaFolder(folder),
    version,
    fail,
    trust,
    clientOf,
    limits,
    rate,
    fastPath,
    onCalm: releaseFreeHeap,
  });
}

/** Reported once. */
function warnOfUnknownClient(element: string, log: Log): void {
  const named = excerpt(element);
  const effect = 'All clients without an address share the limit of one client.';
  const hint = 'Configure the proxy to send the address of each client.';
  log.warn({ forwarded: named }, `A trusted proxy names its client “${named}”, which is no address. ${effect} ${hint}`);
}

/** Without this warning, no one would notice that a number in publication.yaml switches deltas off. */
function warnOfFeedsWithoutDeltas({ entries, feeds }: Publication, log: Log): void {
  const large = [{ id: LATEST, entries }, ...feeds].filter((feed) => (feed.entries ?? entries) > MOST_WITH_DELTAS);
  if (large.length === 0) return;
  const names = large.slice(0, MAX_NAMED_FEEDS).map(({ id }) => id);
  log.warn({ feeds: names }, `Feeds of more than ${MOST_WITH_DELTAS} entries have no deltas: ${names.join(', ')}.`);
}
