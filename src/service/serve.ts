import { setTimeout as sleep } from 'node:timers/promises';
import type { Publication } from '../config/publication.ts';
import { DEFAULT_CACHE_MB } from '../config/serve-options.ts';
import { MOST_WITH_DELTAS } from '../document/delta.ts';
import { isStoreDamage } from '../errors.ts';
import { type FeedKey, LATEST } from '../feed/feeds.ts';
import { serveForwarded } from '../http/forward.ts';
import type { HealthParts, Phase } from '../http/health.ts';
import { listen } from '../http/listen.ts';
import { serveOperator } from '../http/operator.ts';
import type { HttpServer } from '../http/server.ts';
import type { Instant } from '../lib/instant.ts';
import { createLongPolls, type LongPolls } from '../partner/long-polls.ts';
import type { Store } from '../store/store.ts';
import { createCounters } from '../telemetry/counters.ts';
import { type Log, logError } from '../telemetry/log.ts';
import { type DataFolder, mediaFolder } from './data-folder.ts';
import { openDeliveries } from './deliveries.ts';
import { watchDisk } from './disk-watch.ts';
import { openDocuments } from './documents.ts';
import { type Generation, type Generations, openGenerations } from './generations.ts';
import { createHeapGrowth, releaseFreeHeap } from './heap.ts';
import { createHttp, siteOf } from './http.ts';
import { openOutbox } from './outbox.ts';
import { createPartnerStatus, type PartnerStatusParts } from './partner-status.ts';
import type { Unrenderable } from './problem-reports.ts';
import { lazyMetrics, measuredFeeds, overviewsOf } from './process-metrics.ts';
import { openStatus, openTraffic } from './process-status.ts';
import { createReloading } from './reloading.ts';
import { watchReplica } from './replica-watch.ts';
import type { Part, ServeOptions, ServiceProcess } from './service-process.ts';
import { openClock } from './shared-clock.ts';
import { openFreshness } from './shared-freshness.ts';
import { isDatabaseAway, unlessDamaged } from './unless-damaged.ts';
import { warmUpLater } from './warm-up.ts';
import { createForwardingWriter, openWriter, type Writer } from './writer.ts';

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
  const { store } = disk;
  const folder = { ...given, store };
  const { host, port, version, part } = options;
  const { log } = options.log;
  const counters = createCounters(measuredFeeds(folder.publication));
  const fail = failureLog(log);
  let phase: Phase = 'starting';
  const health = healthOf(folder, () => phase);
  opened.defer(store.close);
  const now = await openClock(folder, options, opened);
  const freshness = await openFreshness(folder, options, opened);
  const isWriter = part?.role !== 'reader';
  const traffic = openTraffic(folder, { log, now, fail, isWriter });
  opened.defer(traffic.close);
  logDamage(store, part, log);

  const longPolls = createLongPolls({ store, now, fail, onWaiting: createHeapGrowth() });
  const outbox = openOutbox({
    ...{ folder, settings: options, counts: counters.outbox, log, now, fail, isWriter },
    publication: () => publication(),
  });
  opened.defer(outbox.close);
  let writer: Writer | undefined;
  let reportUnrenderable = options.onUnrenderable ?? (() => {});
  const common = {
    ...{ log, counters, fail, now },
    cache: options.cache ?? DEFAULT_CACHE_MB,
    onExternalChanges() {
      writer?.onExternalChanges();
      outbox.wake();
    },
    onUnrenderable: (article: Unrenderable) => reportUnrenderable(article),
    onChanged(keys: readonly FeedKey[]) {
      longPolls.changed(keys);
      outbox.wake();
    },
  };
  const generations = openGenerations({
    store,
    publication: folder.publication,
    fail,
    open: (own, parts) => openDocuments({ ...folder, publication: own }, { ...common, ...parts }),
  });
  const publication = () => generations.current().publication;
  const { documents } = generations;
  opened.defer(generations.close);
  const deliveries = await openDeliveries(folder, { publication, now, log, fail, isWriter });
  opened.defer(deliveries.close);

  writer = await writerOf(part, folder, {
    ...{ ...options, log, counters, now, fail, publication },
    announce: documents.forget,
    onErased: documents.forgetErased,
  });
  opened.defer(writer.close);
  if (writer.problems !== undefined) reportUnrenderable = writer.problems.unrenderable;

  const readStatus = () => status.read();
  const shared = { folder, options, writer, traffic, deliveries, health, freshness, longPolls, now };
  const http = createHttp({ ...shared, generation: generations.current(), counters, readStatus, fail });
  opened.defer(http.close);
  const reloading = createReloading({ generations, writer, counters, log });
  generations.onReplace((generation) => {
    http.replace(siteOf(generation, { folder, log, longPolls }));
    longPolls.restart();
    outbox.wake();
    reloading.replaced();
    void deliveries.replaced();
  });
  opened.defer(watchReplica(folder, { log, fail, reloading, onFollowed: options.onFollowed ?? (() => {}) }));
  const status = openStatus({ ...shared, publication, documents, http, disk, outbox });
  opened.defer(status.close);

  const openMetrics = lazyMetrics({
    ...documents,
    counters,
    store,
    replica: folder.replica?.state,
    version,
    droppedLogLines: options.log.dropped,
    deliveries: deliveries.recorder.counts,
    http: http.load,
    overviews: writer.problems && overviewsOf(store, publication, { problems: writer.problems, traffic, disk, now }),
  });
  const readPartners = readPartnersOf(generations, { ...deliveries, store, publication, now });
  const shown = { publication, mediaFolder: mediaFolder(folder), readStatus, readPartners };
  const operator = await serveOperator({ ...health, fail, openMetrics, status: shown }, options.metrics, log);
  opened.defer(() => operator?.close());

  await writer.start();
  releaseFreeHeap();

  opened.defer(await takeForwarded(part, http));

  const { articles, feeds } = await countsOf(store, now());
  options.beforeListen?.();
  // Nothing may fail after this: a writer whose requests end waits for its readers, which a failed start never has.
  const boundPort = await listen(http.server, { host, port, shared: part !== undefined });
  opened.defer(() => endRequests(http, longPolls, options));
  opened.defer(prepareFirstPage(generations.current(), { delay: options.warmUpAfter, now, fail }));
  phase = 'serving';
  status.served();
  generations.followExternalChanges();
  outbox.start();
  const address = { host, port: boundPort, metricsPort: operator?.port };
  log.info({ version, node: process.version, ...address, role: part?.role, articles, feeds }, 'started');
  if (isWriter) warnOfFeedsWithoutDeltas(publication(), log);

  return {
    port: boundPort,
    metricsPort: operator?.port,
    articles,
    feeds,
    fail,
    measure: async () => (await openMetrics()).values(),
    load: status.load,
    readStatus,
    readPartners,
    check: health.check,
    reload: reloading.reload,
    refusePublication: reloading.refusePublication,
    acceptPublication: reloading.acceptPublication,
    addUnrenderable: (article) => writer.problems?.unrenderable(article),
    close: once(() => {
      phase = 'stopping';
      return stop(opened, log);
    }),
  };
}

/** Damage of the store, and a database that is away, are logged once. */
function failureLog(log: Log): (error: unknown) => void {
  return (error) => {
    if (!isStoreDamage(error) && !isDatabaseAway(error)) logError(log, error);
  };
}

function healthOf({ store, replica }: DataFolder, phase: () => Phase): HealthParts {
  return { check: store.check, phase, isDegraded: () => replica?.state().isConnected === false };
}

/** The result of the first call, for every call. */
function once<Result>(work: () => Result): () => Result {
  let result: { readonly of: Result } | undefined;
  return () => {
    result ??= { of: work() };
    return result.of;
  };
}

/** A reader leaves changes to the writer. */
async function writerOf(
  part: Part | undefined,
  folder: DataFolder,
  parts: Parameters<typeof openWriter>[1],
): Promise<Writer> {
  if (part?.role !== 'reader') return await openWriter(folder, parts);
  return createForwardingWriter(part.socket, { ...parts, store: folder.store });
}

/** Takes the changes of readers, in a writer. The reader that forwards a request counts and logs it. */
async function takeForwarded(part: Part | undefined, { app }: HttpServer): Promise<() => Promise<void> | void> {
  return part?.role === 'writer' ? (await serveForwarded(part.socket, app)).close : () => {};
}

/** Reads what the operator's pages of partners show. Skipped stories are those of the documents in force. */
function readPartnersOf(generations: Generations, parts: Omit<PartnerStatusParts, 'skipped'>) {
  return createPartnerStatus({
    ...parts,
    skipped: (partner, feed) => generations.current().documents.partnerDocuments.skipped(partner, feed),
  });
}

async function stop(opened: AsyncDisposableStack, log: Log): Promise<void> {
  const began = performance.now();
  log.info({}, 'stopping');
  await opened.disposeAsync();
  log.info({ ms: Math.round(performance.now() - began) }, 'stopped');
}

interface FirstPageParts {
  readonly delay: number | undefined;
  readonly now: () => number;
  readonly fail: (error: unknown) => void;
}

/** Prepares for the first page, if there are pages. Returns the function that ends the wait. */
function prepareFirstPage({ documents: { pages } }: Generation, { delay, now, fail }: FirstPageParts) {
  if (pages === undefined || delay === undefined) return () => {};
  return warmUpLater({ warmUp: () => pages.warmUp(now()), delay, fail });
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
async function endRequests(
  http: HttpServer,
  longPolls: LongPolls,
  { shutdownDelay = 0, part }: ServeOptions,
): Promise<void> {
  http.announceEnd();
  if (shutdownDelay > 0) await sleep(shutdownDelay * 1000);
  longPolls.end();
  await http.end();
  // Readers may forward changes until they end.
  if (part?.role === 'writer') await part.readersEnded;
}

/** Without this warning, no one would notice that a number in publication.yaml switches deltas off. */
function warnOfFeedsWithoutDeltas({ entries, feeds }: Publication, log: Log): void {
  const large = [{ id: LATEST, entries }, ...feeds].filter((feed) => (feed.entries ?? entries) > MOST_WITH_DELTAS);
  if (large.length === 0) return;
  const names = large.slice(0, MAX_NAMED_FEEDS).map(({ id }) => id);
  log.warn({ feeds: names }, `Feeds of more than ${MOST_WITH_DELTAS} entries have no deltas: ${names.join(', ')}.`);
}
