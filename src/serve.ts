import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { countChanges, countDocuments, createCounters } from './counters.ts';
import { createArranger } from './document.ts';
import { PublisherError } from './errors.ts';
import { openArticleFolder } from './folder.ts';
import { createApp } from './http/app.ts';
import type { Phase } from './http/health.ts';
import { createObserver } from './http/observe.ts';
import { createOperatorApp } from './http/operator.ts';
import { stopperOf } from './http/stop.ts';
import { openParser } from './import/pool.ts';
import type { Installation } from './installation.ts';
import { type Log, type OpenLog, tellError } from './log.ts';
import { keepPrepared } from './prepared.ts';
import { createPublisher, selector } from './publish.ts';
import { refreshStore } from './refresh.ts';

export interface ServeOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly now?: () => number;
  readonly log: OpenLog;
  /** One in how many of the answers that are given without end is a line in the log; 0 for none. */
  readonly logSample?: number;
  /** Where the operator asks for metrics; nowhere unless it is said. */
  readonly metrics?: MetricsAddress | undefined;
  /** Seconds between saying that no more requests should come and taking none. */
  readonly shutdownDelay?: number;
  /** How far work at start has come that takes long. */
  readonly progress?: (what: string, done: number, total: number) => void;
  readonly version: string;
  /** Milliseconds within which a record, or a line of many, must have come. */
  readonly bodyDeadline?: number;
}

interface MetricsAddress {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Where it cannot be listened on, the service does not start. It does without, unless somebody asked for it. */
  readonly isRequired: boolean;
}

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
}

const BODY_DEADLINE = 30_000;
/** Milliseconds within which a request's head must have come. */
const HEAD_DEADLINE = 15_000;
/** One in how many feeds that were answered is told in the log. */
const SAMPLE = 100;

/** Bytes of rendered entries that are kept to arrange documents from. */
const ENTRY_BYTES = 24 * 1024 * 1024;
/** Bytes of documents that are kept, in all their codings. */
const DOCUMENT_BYTES = 40 * 1024 * 1024;

/**
 * Serves an installation over HTTP.
 *
 * @throws PublisherError `store_unavailable`, `address_unavailable`
 */
export async function serve(installation: Installation, options: ServeOptions): Promise<Service> {
  const { dataFolder, publication, store } = installation;
  const { host, port, version, shutdownDelay = 0, now = Date.now, progress = () => {} } = options;
  const { log } = options.log;
  const counters = createCounters();
  let phase: Phase = 'starting';
  const parser = openParser(installation);
  const { parse } = parser;
  const fail = (error: unknown) => tellError(log, error);
  const refuse = ({ message, code, file, problems }: PublisherError) => {
    counters.refusedFiles += 1;
    log.warn({ code, file, problems }, message);
  };

  await refreshStore({
    store,
    publication,
    parse,
    select: selector(publication.feeds),
    now,
    progress: (done, total) => progress('Reading the stored articles again', done, total),
    keepAsItWas: (id, { code, problems }) =>
      log.warn({ code, article: id, problems }, `Article ${id} stays as it was.`),
  });

  const arranger = createArranger({
    store,
    publication,
    entryBytes: ENTRY_BYTES,
    report: (id, format, err) => log.error({ err, article: id }, `Article ${id} is left out of its ${format} feeds.`),
  });
  let revision = await store.lastRevision();
  const prepared = keepPrepared({
    arrange: countDocuments(arranger.arrange, counters),
    bytes: DOCUMENT_BYTES,
    now,
    fail,
    news: {
      may: store.mayHaveNews,
      touched: async () => {
        const touched = await store.touchedSince(revision);
        revision = touched.revision;
        return touched.feeds;
      },
    },
  });
  const publisher = countChanges(createPublisher({ store, parse, now, announce: prepared.forget }), counters);
  const folder = openArticleFolder({
    dataFolder,
    store,
    publisher,
    refuse,
    fail,
    progress: (done, total) => progress('Publishing changed files', done, total),
  });

  const observer = createObserver({ log, counters, sample: options.logSample ?? SAMPLE });
  const health = { store, phase: () => phase };
  const app = createApp({
    ...health,
    observer,
    publication,
    publisher,
    prepared,
    now,
    isUnsettled: folder.isUnsettled,
    settled: folder.settled,
    mediaFolder: join(dataFolder, 'media'),
    version,
    bodyDeadline: options.bodyDeadline ?? BODY_DEADLINE,
    fail,
  });
  // A body has a deadline of its own, which lets one that streams for an hour do so.
  const server = createServer({ requestTimeout: 0, headersTimeout: HEAD_DEADLINE, optimizeEmptyRequests: true }, app);
  const stop = stopperOf(server);
  const operatorApp = createOperatorApp({
    ...health,
    fail,
    // Loaded when somebody asks: it takes a fifth of a start.
    openMetrics: async () =>
      (await import('./metrics.ts')).openMetrics({
        counters,
        store,
        version,
        keptDocuments: prepared.counts,
        keptEntries: arranger.counts,
        droppedLogLines: options.log.dropped,
      }),
  });
  let operator: Server | undefined;
  try {
    operator = await listenForOperator(operatorApp, options.metrics, log);
    await folder.start();
    await listen(server, host, port);
  } catch (error) {
    operator?.close();
    await folder.close();
    await parser.close();
    throw error;
  }
  phase = 'serving';
  const articles = await store.count();
  const feeds = (await store.feeds(now())).length;
  const metricsPort = operator && portOf(operator);
  log.info({ version, node: process.version, host, port: portOf(server), metricsPort, articles, feeds }, 'started');

  async function close(): Promise<void> {
    const began = performance.now();
    log.info({}, 'stopping');
    phase = 'stopping';
    for (const response of observer.underWay) response.shouldKeepAlive = false;
    if (shutdownDelay > 0) await sleep(shutdownDelay * 1000);
    await stop();
    operator?.close();
    operator?.closeAllConnections();
    await folder.close();
    await parser.close();
    await prepared.close();
    await store.close();
    log.info({ ms: Math.round(performance.now() - began) }, 'stopped');
  }
  let closing: Promise<void> | undefined;
  return {
    port: portOf(server),
    metricsPort,
    articles,
    feeds,
    fail,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** @throws PublisherError `address_unavailable` where metrics were asked for */
async function listenForOperator(
  app: RequestListener,
  address: MetricsAddress | undefined,
  log: Log,
): Promise<Server | undefined> {
  if (address === undefined) return undefined;
  const server = createServer({ headersTimeout: HEAD_DEADLINE }, app);
  try {
    await listen(server, address.host, address.port);
    return server;
  } catch (error) {
    if (address.isRequired || !(error instanceof PublisherError)) throw error;
    log.warn({ reason: error.hint }, `There are no metrics. ${error.message}`);
    return undefined;
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((done, refused) => {
    server.once('error', (cause) =>
      refused(
        new PublisherError('address_unavailable', `Port ${port} of ${host} cannot be listened on.`, {
          hint: cause.message,
          cause,
        }),
      ),
    );
    server.listen(port, host, () => done());
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
