import type { DocumentCache } from '../document/cache.ts';
import type { PublisherError } from '../errors.ts';
import { type ChangeHandlers, changeHandlers, guard } from '../http/articles.ts';
import { forward } from '../http/forward.ts';
import { openArticleFolder } from '../ingest/folder/articles-folder.ts';
import { openParser } from '../publish/parse-pool.ts';
import { createPublisher } from '../publish/publish.ts';
import { refreshStore } from '../publish/refresh.ts';
import type { Store } from '../store/store.ts';
import { type Counters, countChanges } from '../telemetry/counters.ts';
import type { Log } from '../telemetry/log.ts';
import type { DataFolder } from './data-folder.ts';

/** What keeps the store in step with the world, or leaves that to another process. */
export interface Writer {
  readonly changes: ChangeHandlers;
  readonly hasPending: () => boolean;
  readonly whenIdle: () => Promise<void>;
  readonly start: () => Promise<void>;
  readonly close: () => Promise<void>;
}

interface WriterParts {
  readonly log: Log;
  readonly counters: Counters;
  readonly now: () => number;
  readonly announce: DocumentCache['forget'];
  readonly fail: (error: unknown) => void;
  readonly progress?: (what: string, done: number, total: number) => void;
  readonly bodyDeadline?: number;
}

/** Milliseconds within which a record, or a line of many, must have come. */
const BODY_DEADLINE = 30_000;

/** Brings the store up to the publication, and from its start on keeps it in step with files and takes changes. */
export async function openWriter(installation: DataFolder, parts: WriterParts): Promise<Writer> {
  const { dataFolder, publication, newsroom, store } = installation;
  const { log, counters, now, announce, fail, progress = () => {}, bodyDeadline = BODY_DEADLINE } = parts;
  const parser = openParser(newsroom);
  const { parse } = parser;
  await refreshStore({
    store,
    publication,
    parse,
    now,
    progress,
    onInvalid: (id, { code, problems }) => log.warn({ code, article: id, problems }, `Article ${id} stays as it was.`),
  });
  const publisher = countChanges(createPublisher({ store, parse, now, announce }), counters);
  const folder = openArticleFolder({
    dataFolder,
    store,
    publisher,
    refuse: ({ message, code, file, problems }: PublisherError) => {
      counters.refusedFiles += 1;
      log.warn({ code, file, problems }, message);
    },
    fail,
    progress: (done, total) => progress('Publishing changed files', done, total),
  });
  return {
    changes: changeHandlers({ store, publisher, bodyDeadline }),
    hasPending: folder.hasPending,
    whenIdle: folder.whenIdle,
    async start() {
      await folder.start();
      await store.markServed(); // before this process or another answers from it
    },
    async close() {
      await folder.close();
      await parser.close();
    },
  };
}

/**
 * Another process writes: this one hands it what changes, and knows of files when they are in the store. What comes without
 * a key is refused here, so that only the newsroom can keep the writer busy.
 */
export function createForwardingWriter(
  socket: string,
  { store, log }: { readonly store: Store; readonly log: Log },
): Writer {
  const nothing = async () => {};
  const tellAway = ({ message }: Error) => {
    log.warn({ reason: message }, 'The process that keeps changes does not answer: they are refused until it does.');
  };
  const change = guard(store)('write', forward(socket, tellAway));
  return {
    changes: { put: change, withdraw: change, bulk: change },
    hasPending: () => false,
    whenIdle: nothing,
    start: nothing,
    close: nothing,
  };
}
