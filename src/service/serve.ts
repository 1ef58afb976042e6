import { setTimeout as sleep } from 'node:timers/promises';
import { withMovedMedia } from '../article/moved-media.ts';
import { DEFAULT_CACHE_MB, DEFAULT_LOG_SAMPLE, type LogLevel } from '../config/options.ts';
import type { Publication } from '../config/publication.ts';
import { createArranger } from '../document/arranger.ts';
import type { CacheCounts } from '../document/byte-cache.ts';
import { createDocumentCache, type DocumentCache } from '../document/cache.ts';
import { MOST_WITH_DELTAS } from '../document/delta.ts';
import type { createPages, Pages } from '../document/pages.ts';
import { excerpt, isStoreDamage, PublisherError } from '../errors.ts';
import { type FeedKey, LATEST } from '../feed/feeds.ts';
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
import { openTrafficFile } from '../store/sqlite/traffic-file.ts';
import type { FeedTotal, Store } from '../store/store.ts';
import { type Counters, countDocuments, createCounters } from '../telemetry/counters.ts';
import { type Log, logError, type OpenLog } from '../telemetry/log.ts';
import { watchLoopDelay } from '../telemetry/loop-delay.ts';
import type { Metrics, MetricsParts, MetricValues, Overviews } from '../telemetry/metrics.ts';
import { createTrafficCounts, type TrafficCounts } from '../telemetry/traffic.ts';
import { reportTraffic } from '../telemetry/traffic-report.ts';
import { type DataFolder, mediaFolder, trafficFile } from './data-folder.ts';
import { type DiskWatch, watchDisk } from './disk-watch.ts';
import { releaseFreeHeap } from './heap.ts';
import type { ProblemReports, Unrenderable } from './problem-reports.ts';
import { cacheLoad, type ProcessLoad } from './process-load.ts';
import { createStatusReader } from './status.ts';
import { createTrafficKeeper, type TrafficKeeper } from './traffic-keeper.ts';
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
const MEGABYTE = 1024 * 1024;
/** Part of the cache for entries, from which documents are arranged. */
const ENTRY_SHARE = 1 / 4;

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

interface Traffic extends TrafficKeeper {
  readonly counts: TrafficCounts;
}

/** Counts what this process answers, and keeps it beside the store. */
function openTraffic(
  folder: DataFolder,
  { log, now, fail }: Pick<HttpParts, 'now' | 'fail'> & { readonly log: Log },
): Traffic {
  const file = trafficFile(folder);
  let isReported = false;
  const counts = createTrafficCounts(now);
  const store = openTrafficFile(file, (reason) => {
    if (!isReported) log.warn({ reason }, `The figures of /status begin anew, because ${file} cannot be used.`);
    isReported = true;
  });
  return { counts, ...createTrafficKeeper({ counts, store, now, fail }) };
}

interface StatusParts extends Pick<HttpParts, 'folder' | 'options' | 'writer' | 'traffic' | 'health' | 'now'> {
  readonly documents: Pick<Documents, 'keptDocuments' | 'keptEntries'>;
  readonly http: Pick<HttpServer, 'load'>;
  readonly disk: DiskWatch;
}

/** What this process can tell of itself and, if it writes, of the whole service. */
function openStatus({ folder, options, writer, documents, traffic, http, disk, health, now }: StatusParts) {
  const { version, cache = DEFAULT_CACHE_MB } = options;
  const delay = watchLoopDelay();
  const startedAt = now();

  async function load(): Promise<ProcessLoad> {
    await traffic.save();
    const caches = [documents.keptDocuments(), documents.keptEntries()];
    return { startedAt, ...http.load(), cache: cacheLoad(caches, cache * MEGABYTE), eventLoopDelay: delay.longest() };
  }

  async function refuse(): Promise<never> {
    throw new PublisherError('not_ready', 'Only the process that writes changes knows the state of the service.');
  }

  /** The supervisor knows no process yet when a request comes at once. */
  async function loads(): Promise<readonly ProcessLoad[]> {
    const all = (await options.loads?.()) ?? [];
    return all.length > 0 ? all : [await load()];
  }

  const { problems } = writer;
  const read = problems
    ? createStatusReader({ ...health, ...folder, version, problems, disk, traffic, loads, now })
    : refuse;
  return { load, read, served: delay.restart, close: delay.close };
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

/** Feeds that have metrics. Each is a label for ever. */
const MAX_MEASURED_FEEDS = 100;

function measuredFeeds({ feeds }: Publication): FeedKey[] {
  return [LATEST, ...feeds.map(({ id }) => id)].slice(0, MAX_MEASURED_FEEDS);
}

interface OverviewParts extends Pick<StatusParts, 'traffic' | 'disk' | 'now'> {
  readonly problems: ProblemReports;
}

/** The overviews of a process that writes. The others leave them out: all processes would count the same. */
function overviewsOf({ store, publication }: DataFolder, { problems, traffic, disk, now }: OverviewParts): Overviews {
  const keys = measuredFeeds(publication);
  return {
    async problems() {
      await problems.catchUp();
      return problems.counts();
    },
    async feeds() {
      const totals = new Map<string, FeedTotal>();
      for (const key of keys) {
        const total = await store.feedTotal(key, now());
        if (total !== undefined) totals.set(key, total);
      }
      return totals;
    },
    services: async () => reportTraffic(await traffic.read()).services,
    disk: async () => (await disk.look()).facts.freeBytes,
  };
}

/** Reported once. */
function warnOfUnknownClient(element: string, log: Log): void {
  const named = excerpt(element);
  const effect = 'All clients without an address share the limit of one client.';
  const hint = 'Configure the proxy to send the address of each client.';
  log.warn({ forwarded: named }, `A trusted proxy names its client “${named}”, which is no address. ${effect} ${hint}`);
}

/** Loads the metrics at the first request for them: loading takes a fifth of the time of a start. */
function lazyMetrics(parts: MetricsParts): () => Promise<Metrics> {
  let metrics: Promise<Metrics> | undefined;
  return () => {
    metrics ??= import('../telemetry/metrics.ts').then(({ openMetrics }) => openMetrics(parts));
    return metrics;
  };
}

interface LazyPages extends Pages {
  /** Loads and compiles what the first page of all feeds needs. */
  readonly warmUp: (at: Instant) => Promise<void>;
}

/** Loads the pages after the start, or at the first request for one: a start does not need their templates. */
function lazyPages(parts: Parameters<typeof createPages>[0]): LazyPages {
  let pages: Promise<Pages> | undefined;
  const load = () => {
    pages ??= import('../document/pages.ts').then((module) => module.createPages(parts));
    return pages;
  };
  return {
    arrange: async (key, at) => (await load()).arrange(key, at),
    search: async (text, at) => (await load()).search(text, at),
    warmUp: async (at) => {
      await load();
      const { warmUpPages } = await import('../document/pages.ts');
      await warmUpPages(parts, at);
    },
  };
}

/** Without this warning, no one would notice that a number in publication.yaml switches deltas off. */
function warnOfFeedsWithoutDeltas({ entries, feeds }: Publication, log: Log): void {
  const large = [{ id: LATEST, entries }, ...feeds].filter((feed) => (feed.entries ?? entries) > MOST_WITH_DELTAS);
  if (large.length === 0) return;
  const names = large.slice(0, MAX_NAMED_FEEDS).map(({ id }) => id);
  log.warn({ feeds: names }, `Feeds of more than ${MOST_WITH_DELTAS} entries have no deltas: ${names.join(', ')}.`);
}

/** The store, with the addresses of files in articles as the publication has them. */
function asPublished({ store, publication: { feedsUrl, reservedUrl } }: DataFolder): Store {
  if (reservedUrl === undefined) return store;
  const moved = { from: reservedUrl, to: feedsUrl };
  return {
    ...store,
    articles: async (numbers) =>
      (await store.articles(numbers)).map((stored) => ({ ...stored, article: withMovedMedia(stored.article, moved) })),
  };
}

interface DocumentParts {
  readonly log: Log;
  readonly counters: Counters;
  readonly fail: (error: unknown) => void;
  readonly now: () => number;
  /** Megabytes. */
  readonly cache: number;
  /** Called after other processes have changed the store. */
  readonly onExternalChanges: () => void;
  readonly onUnrenderable: (article: Unrenderable) => void;
}

interface Documents {
  readonly documentCache: DocumentCache;
  /** Undefined where the publication has none. */
  readonly pages: LazyPages | undefined;
  /** Forgets what was rendered of articles that were erased. */
  readonly forgetErased: () => void;
  readonly keptDocuments: () => CacheCounts;
  readonly keptEntries: () => CacheCounts;
}

/** Opens the documents of a store, which this process or another one writes. */
function openDocuments(
  folder: DataFolder,
  { log, counters, fail, now, cache, onExternalChanges, onUnrenderable }: DocumentParts,
): Documents {
  const { publication } = folder;
  const store = asPublished(folder);
  const bytes = cache * MEGABYTE;
  const arranger = createArranger({
    store,
    publication,
    entryBytes: bytes * ENTRY_SHARE,
    report(id, format, err, revision) {
      log.error({ err, article: id }, `The ${format} feeds omit article ${id}: it cannot be rendered.`);
      onUnrenderable({ article: id, revision, format, reason: err instanceof Error ? err.message : String(err) });
    },
  });
  const pages =
    publication.pages &&
    lazyPages({
      store,
      publication,
      report: ({ article: { id } }, err) =>
        log.error({ err, article: id }, `The pages omit article ${id}: it cannot be rendered.`),
    });
  async function removeErased(): Promise<void> {
    if (await arranger.forgetErased()) documentCache.removeOutdated();
  }
  const forgetErased = () => void removeErased().catch(fail);
  const documentCache = createDocumentCache({
    arrange: countDocuments(arranger.arrange, counters),
    ...(pages === undefined ? {} : { arrangePage: pages.arrange }),
    bytes: bytes * (1 - ENTRY_SHARE),
    now,
    fail,
    externalChanges: store,
    onExternalChanges() {
      forgetErased();
      onExternalChanges();
    },
  });
  return { documentCache, pages, forgetErased, keptDocuments: documentCache.counts, keptEntries: arranger.counts };
}
