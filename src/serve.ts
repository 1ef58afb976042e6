import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { createArranger } from './document.ts';
import { describeProblems, PublisherError } from './errors.ts';
import { openArticleFolder } from './folder.ts';
import { createApp } from './http/app.ts';
import { openParser } from './import/pool.ts';
import type { Installation } from './installation.ts';
import { keepPrepared } from './prepared.ts';
import { createPublisher, selector } from './publish.ts';
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
  const { host, port, log, version, now = Date.now, progress = () => {} } = options;
  const parser = openParser(installation);
  const { parse } = parser;
  const refuse = (error: PublisherError) => describeProblems(error).forEach(log);
  const fail = (error: unknown) => log(error instanceof Error ? (error.stack ?? error.message) : String(error));

  await refreshStore({
    store,
    publication,
    parse,
    select: selector(publication.feeds),
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
  const publisher = createPublisher({ store, parse, now, announce: prepared.forget });
  const folder = openArticleFolder({
    dataFolder,
    store,
    publisher,
    refuse,
    fail,
    progress: (done, total) => progress('Publishing changed files', done, total),
  });

  const app = createApp({
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
  // A body has a deadline of its own, which lets one that streams for an hour do so.
  const server = createServer({ requestTimeout: 0, headersTimeout: 15_000, optimizeEmptyRequests: true }, app);
  try {
    await folder.start();
    await listen(server, host, port);
  } catch (error) {
    await folder.close();
    await parser.close();
    throw error;
  }
  let closing: Promise<void> | undefined;
  async function close(): Promise<void> {
    const impatience = setTimeout(() => server.closeAllConnections(), GRACE);
    await new Promise((done) => server.close(done));
    clearTimeout(impatience);
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
    server.listen(port, host, () => done());
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
