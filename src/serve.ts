import { createServer } from 'node:http';
import { join } from 'node:path';
import { createArranger } from './document.ts';
import { describeProblems } from './errors.ts';
import { openArticleFolder } from './folder.ts';
import { createApp } from './http/app.ts';
import { type ChangeHandlers, changeHandlers } from './http/articles.ts';
import { handOver, takeOver } from './http/forward.ts';
import { openParser } from './import/pool.ts';
import type { Installation } from './installation.ts';
import { listen } from './listen.ts';
import { keepPrepared, type Prepared } from './prepared.ts';
import { createPublisher } from './publish.ts';
import { refreshStore } from './refresh.ts';

/** How a service serves, in plain values: what its workers are told as well. */
export interface ServeSettings {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly version: string;
  /** Milliseconds within which a record, or a line of many, must have come. */
  readonly bodyDeadline?: number;
}

export interface ServeOptions extends ServeSettings {
  readonly now?: () => number;
  /** One line for the operator. */
  readonly log: (line: string) => void;
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
  readonly articles: number;
  readonly feeds: number;
  readonly close: () => Promise<void>;
  /** Settles with the exit code where the service ends by itself, because it cannot go on. */
  readonly ended?: Promise<number>;
}

/** What keeps the store in step with the world, or leaves that to another process. */
interface Writing {
  readonly changes: ChangeHandlers;
  readonly isUnsettled: () => boolean;
  readonly settled: () => Promise<void>;
  readonly start: () => Promise<void>;
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
  const { host, port, version, part, log, now = Date.now } = options;
  const fail = (error: unknown) => log(error instanceof Error ? (error.stack ?? error.message) : String(error));

  const prepared = await openPrepared(installation, { log, now });
  const writing =
    part?.role === 'reader'
      ? leaveWriting(part.socket)
      : await openWriting(installation, { ...options, now, fail, announce: prepared.forget });
  const app = createApp({
    publication,
    store,
    prepared,
    now,
    changes: writing.changes,
    isUnsettled: writing.isUnsettled,
    settled: writing.settled,
    mediaFolder: join(dataFolder, 'media'),
    version,
    fail,
  });
  // A body has a deadline of its own, which lets one that streams for an hour do so.
  const server = createServer({ requestTimeout: 0, headersTimeout: 15_000, optimizeEmptyRequests: true }, app);
  let boundPort: number;
  let takingOver: Awaited<ReturnType<typeof takeOver>> | undefined;
  try {
    await writing.start();
    if (part?.role === 'writer') takingOver = await takeOver(part.socket, app);
    boundPort = await listen(server, { host, port, shared: part !== undefined });
  } catch (error) {
    await takingOver?.close();
    await writing.close();
    throw error;
  }
  let closing: Promise<void> | undefined;
  async function close(): Promise<void> {
    const impatience = setTimeout(() => server.closeAllConnections(), GRACE);
    await new Promise((done) => server.close(done));
    clearTimeout(impatience);
    if (part?.role === 'writer') await part.readersGone; // they may have changes to hand over until then
    await takingOver?.close();
    await writing.close();
    await store.close();
  }
  return {
    port: boundPort,
    articles: await store.count(),
    feeds: (await store.feeds(now())).length,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

/** The documents of the store, as it is now, whoever writes it. */
async function openPrepared(
  { store, publication }: Installation,
  { log, now }: { readonly log: ServeOptions['log']; readonly now: () => number },
): Promise<Prepared> {
  const { arrange } = createArranger({
    store,
    publication,
    entryBytes: ENTRY_BYTES,
    report: (id, format, error) => log(`article ${id} is left out of its ${format} feeds: ${String(error)}`),
  });
  let revision = await store.lastRevision();
  return keepPrepared({
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
}

interface WritingParts extends ServeOptions {
  readonly now: () => number;
  readonly announce: Prepared['forget'];
  readonly fail: (error: unknown) => void;
}

/** Brings the store up to the publication, and from its start on keeps it in step with files and takes changes. */
async function openWriting(
  { dataFolder, publication, newsroom, store }: Installation,
  { log, now, progress = () => {}, announce, fail, bodyDeadline = BODY_DEADLINE }: WritingParts,
): Promise<Writing> {
  const parser = openParser(newsroom, join(dataFolder, 'media'));
  const { parse } = parser;
  await refreshStore({
    store,
    publication,
    parse,
    now,
    progress: (done, total) => progress('Reading the stored articles again', done, total),
    keepAsItWas: (id, error) => log(`article ${id} stays as it was: ${describeProblems(error).join('; ')}`),
  });
  const publisher = createPublisher({ store, parse, feeds: publication.feeds, now, announce });
  const folder = openArticleFolder({
    dataFolder,
    store,
    publisher,
    refuse: (error) => describeProblems(error).forEach(log),
    fail,
    progress: (done, total) => progress('Publishing changed files', done, total),
  });
  return {
    changes: changeHandlers({ store, publisher, bodyDeadline }),
    isUnsettled: folder.isUnsettled,
    settled: folder.settled,
    start: folder.start,
    async close() {
      await folder.close();
      await parser.close();
    },
  };
}

/** Another process writes: this one hands it what changes, and knows of files when they are in the store. */
function leaveWriting(socket: string): Writing {
  const nothing = async () => {};
  return { changes: handOver(socket), isUnsettled: () => false, settled: nothing, start: nothing, close: nothing };
}
