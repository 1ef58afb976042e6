import { createServer, type Server } from 'node:http';
import { join, resolve } from 'node:path';
import { loadPublication } from './config.ts';
import { createArranger } from './document.ts';
import { describeProblems, type PublisherError } from './errors.ts';
import { openArticleFolder } from './folder.ts';
import { createApp } from './http/app.ts';
import { mediaIn } from './media.ts';
import { keepPrepared } from './prepared.ts';
import { createPublisher } from './publish.ts';
import { openSqliteStore } from './store/sqlite.ts';

export interface ServeOptions {
  readonly dataFolder: string;
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** The service's public address, where it is not the one in publication.yaml. */
  readonly feedsUrl?: string;
  readonly now?: () => number;
  /** One line for the operator. */
  readonly log: (line: string) => void;
}

export interface Service {
  readonly port: number;
  readonly title: string;
  readonly articles: number;
  readonly feeds: number;
  readonly close: () => Promise<void>;
}

/** Bytes of rendered entries that are kept to arrange documents from. */
const ENTRY_BYTES = 64 * 1024 * 1024;

/**
 * Starts the service on a data folder.
 *
 * @throws PublisherError `invalid_publication`
 */
export async function serve({ dataFolder, host, port, feedsUrl, now = Date.now, log }: ServeOptions): Promise<Service> {
  const data = resolve(dataFolder);
  const publication = loadPublication(data, feedsUrl);
  const mediaFolder = join(data, 'media');
  const store = openSqliteStore(':memory:');
  await store.declareFeeds(['latest', ...publication.feeds.map(({ id }) => id)]);

  const refuse = (error: PublisherError) => describeProblems(error).forEach(log);
  const fail = (error: unknown) => log(error instanceof Error ? (error.stack ?? error.message) : String(error));
  const { arrange } = createArranger({
    store,
    publication,
    entryBytes: ENTRY_BYTES,
    report: (id, format, error) => log(`article ${id} is left out of its ${format} feeds: ${String(error)}`),
  });
  const prepared = keepPrepared(arrange, now);
  const publisher = createPublisher({
    store,
    newsroom: { ...publication, media: mediaIn(mediaFolder) },
    feeds: publication.feeds,
    now,
    announce: prepared.forget,
  });
  const folder = openArticleFolder({ dataFolder: data, publisher, refuse, fail });
  const articles = await folder.load();
  await folder.watch();

  const app = createApp({ publication, store, prepared, now, settled: folder.settled, mediaFolder, fail });
  const server = createServer(app);
  await listen(server, host, port);
  return {
    port: portOf(server),
    title: publication.title,
    articles,
    feeds: (await store.feeds(now())).length,
    async close() {
      folder.close();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      await store.close();
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(port, host, () => done());
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
