import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { createArranger } from './document.ts';
import { describeProblems, PublisherError } from './errors.ts';
import { openArticleFolder } from './folder.ts';
import { createAdmission } from './http/admission.ts';
import { createApp } from './http/app.ts';
import { createClientOf, type Trust } from './http/client.ts';
import { CONNECTION_LIMITS, type ConnectionLimits, createConnections, IDLE_BEHIND_PROXY } from './http/connections.ts';
import { openParser } from './import/pool.ts';
import type { Installation } from './installation.ts';
import { createLimiter, type Rate } from './limiter.ts';
import { createGate } from './overload.ts';
import { keepPrepared } from './prepared.ts';
import { createPublisher } from './publish.ts';
import { refreshStore } from './refresh.ts';

export interface ServeOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly now?: () => number;
  /** One line for the operator. */
  readonly log: (line: string) => void;
  /** How far work at start has come that takes long. */
  readonly progress?: (what: string, done: number, total: number) => void;
  readonly version: string;
  /** Milliseconds within which a record, or a line of many, must have come. */
  readonly bodyDeadline?: number;
  readonly connections?: Partial<ConnectionLimits>;
  /** Proxies whose word about their clients is believed; none where it is left out. */
  readonly trust?: Trust | undefined;
  /** How much a client may ask for; as much as it likes where it is left out. */
  readonly rate?: Rate | undefined;
}

export interface Service {
  readonly port: number;
  readonly articles: number;
  readonly feeds: number;
  readonly close: () => Promise<void>;
}

const BODY_DEADLINE = 30_000;
/** Milliseconds that requests have to end when the service does. */
const GRACE = 10_000;

/** Connections that may wait to be taken: of those beyond, the first packet is dropped, which costs a second at least. */
const BACKLOG = 4096;

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
  const { dataFolder, publication, newsroom, store } = installation;
  const { host, port, log, version, now = Date.now, progress = () => {} } = options;
  const parser = openParser(newsroom, join(dataFolder, 'media'));
  const { parse } = parser;
  const refuse = (error: PublisherError) => describeProblems(error).forEach(log);
  const fail = (error: unknown) => log(error instanceof Error ? (error.stack ?? error.message) : String(error));

  await refreshStore({
    store,
    publication,
    parse,
    now,
    progress: (done, total) => progress('Reading the stored articles again', done, total),
    keepAsItWas: (id, error) => log(`article ${id} stays as it was: ${describeProblems(error).join('; ')}`),
  });

  const { arrange } = createArranger({
    store,
    publication,
    entryBytes: ENTRY_BYTES,
    report: (id, format, error) => log(`article ${id} is left out of its ${format} feeds: ${String(error)}`),
  });
  let revision = await store.lastRevision();
  const prepared = keepPrepared({
    arrange,
    bytes: DOCUMENT_BYTES,
    now,
    news: {
      may: store.mayHaveNews,
      touched: async () => {
        const touched = await store.touchedSince(revision);
        revision = touched.revision;
        return touched.feeds;
      },
    },
  });
  const publisher = createPublisher({ store, parse, feeds: publication.feeds, now, announce: prepared.forget });
  const folder = openArticleFolder({
    dataFolder,
    store,
    publisher,
    refuse,
    fail,
    progress: (done, total) => progress('Publishing changed files', done, total),
  });

  const connections = createConnections(
    { ...CONNECTION_LIMITS, ...(options.trust && { idle: IDLE_BEHIND_PROXY }), ...options.connections },
    options.trust,
  );
  const gate = createGate();
  const admission = createAdmission({
    store,
    connections,
    gate,
    limiter: options.rate && createLimiter(options.rate),
    clientOf: createClientOf(options.trust),
  });
  const app = createApp({
    admission,
    publication,
    store,
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
  const server = createServer(connections.options, app);
  connections.watch(server.on('connection', gate.heard));
  try {
    await folder.start();
    await listen(server, host, port);
  } catch (error) {
    gate.close();
    await folder.close();
    await parser.close();
    throw error;
  }
  let closing: Promise<void> | undefined;
  async function close(): Promise<void> {
    await connections.drain(GRACE);
    gate.close();
    await folder.close();
    await parser.close();
    await store.close();
  }
  return {
    port: portOf(server),
    articles: await store.count(),
    feeds: (await store.feeds(now())).length,
    close() {
      closing ??= close();
      return closing;
    },
  };
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
    server.listen({ port, host, backlog: BACKLOG }, () => done());
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
