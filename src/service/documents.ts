import { withMovedMedia } from '../article/moved-media.ts';
import { createArranger } from '../document/arranger.ts';
import type { CacheCounts } from '../document/byte-cache.ts';
import { createDocumentCache, type DocumentCache } from '../document/cache.ts';
import type { createPages, Pages } from '../document/pages.ts';
import type { Instant } from '../lib/instant.ts';
import type { Store } from '../store/store.ts';
import { type Counters, countDocuments } from '../telemetry/counters.ts';
import type { Log } from '../telemetry/log.ts';
import type { DataFolder } from './data-folder.ts';
import type { Unrenderable } from './problem-reports.ts';

export const MEGABYTE = 1024 * 1024;
/** Part of the cache for entries, from which documents are arranged. */
const ENTRY_SHARE = 1 / 4;

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

export interface Documents {
  readonly documentCache: DocumentCache;
  /** Undefined where the publication has none. */
  readonly pages: LazyPages | undefined;
  /** Forgets what was rendered of articles that were erased. */
  readonly forgetErased: () => void;
  readonly keptDocuments: () => CacheCounts;
  readonly keptEntries: () => CacheCounts;
}

/** Opens the documents of a store, which this process or another one writes. */
export function openDocuments(
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
