import { withMovedMedia } from '../article/moved-media.ts';
import { createArranger } from '../document/arranger.ts';
import type { CacheCounts } from '../document/byte-cache.ts';
import { createDocumentCache, type DocumentCache, INDEX, sumOf } from '../document/cache.ts';
import type { ExternalChanges } from '../document/catch-up.ts';
import type { createPages, Pages } from '../document/pages.ts';
import type { HotDocument } from '../document/rewarmer.ts';
import type { createSiteFiles, SiteFiles } from '../document/site-files.ts';
import { type FeedKey, LATEST } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import type { ChangeAnswers } from '../partner/change-answers.ts';
import type { PartnerDocuments } from '../partner/documents.ts';
import { MOST_TAKEN_BACK } from '../store/partner-store.ts';
import type { Store } from '../store/store.ts';
import { type Counters, countDocuments } from '../telemetry/counters.ts';
import type { Log } from '../telemetry/log.ts';
import type { DataFolder } from './data-folder.ts';
import { lazyPartnerDocuments } from './partner-documents.ts';
import type { Unrenderable } from './problem-reports.ts';

export const MEGABYTE = 1024 * 1024;
/** Part of the cache for entries, from which documents are arranged. */
const ENTRY_SHARE = 1 / 3;
/** Part of the cache for the list of feeds and the sitemaps. */
const SITE_FILE_SHARE = 1 / 16;
/** Part of the cache for pages of archives. */
const ARCHIVE_SHARE = 1 / 16;
/** Of the bytes that are left for current documents, the part for their tags, which outlive them. */
const TAG_SHARE = 2 / 5;
/** Bytes of the tags of about 80,000 documents. */
const MOST_TAG_BYTES = 32 * MEGABYTE;
/** Part of the cache for documents of partners, where there are any. */
const PARTNER_SHARE = 1 / 4;

export interface DocumentParts {
  readonly log: Log;
  readonly counters: Counters;
  readonly fail: (error: unknown) => void;
  readonly now: () => number;
  /** Megabytes. */
  readonly cache: number;
  /** Called after other processes have changed the store. */
  readonly onExternalChanges: () => void;
  readonly onUnrenderable: (article: Unrenderable) => void;
  /** Called with the feeds that have changed. */
  readonly onChanged?: (keys: readonly FeedKey[]) => void;
  /** The changes of other processes; by default, those of the store. */
  readonly externalChanges?: ExternalChanges;
  /** Whether another publication is in force: the documents of this one can mix no more with what the store has. */
  readonly hasEnded?: () => Promise<boolean>;
}

export interface Documents {
  readonly documentCache: DocumentCache;
  /** Undefined where the publication has none. */
  readonly pages: LazyPages | undefined;
  /** Renders the entries of documents, without making these: then they are made at once. */
  readonly renderEntries: (documents: readonly HotDocument[]) => Promise<void>;
  readonly siteFiles: Pick<SiteFiles, 'get'>;
  /** The change feed of partners. */
  readonly partnerChanges: ChangeAnswers;
  readonly partnerDocuments: PartnerDocuments;
  /** Forgets what was rendered of articles that were erased. */
  readonly forgetErased: () => void;
  readonly keptDocuments: () => CacheCounts;
  readonly keptEntries: () => CacheCounts;
}

/** Opens the documents of a store, which this process or another one writes. */
export function openDocuments(
  folder: DataFolder,
  {
    log,
    counters,
    now,
    cache,
    onExternalChanges,
    onUnrenderable,
    onChanged = () => {},
    hasEnded = async () => false,
    ...parts
  }: DocumentParts,
): Documents {
  const { publication } = folder;
  const ids = new Set(publication.feeds.map(({ id }) => id));
  const fail = (error: unknown) => {
    if (!(error instanceof EndedError)) parts.fail(error);
  };
  const store = asPublished(folder);
  const bytes = cache * MEGABYTE;
  const partnerBytes = publication.partners === undefined ? 0 : bytes * PARTNER_SHARE;
  const arranger = createArranger({
    store,
    publication,
    entryBytes: bytes * ENTRY_SHARE,
    report(id, format, err, revision) {
      log.error({ err, article: id }, `The ${format} feeds omit article ${id}: it cannot be rendered.`);
      onUnrenderable({ article: id, revision, format, reason: err instanceof Error ? err.message : String(err) });
    },
  });
  const arrangePage = countDocuments(arranger.arrangePage, counters);
  const pages =
    publication.pages &&
    lazyPages({
      store,
      publication,
      report: ({ article: { id } }, err) =>
        log.error({ err, article: id }, `The pages omit article ${id}: it cannot be rendered.`),
    });
  async function removeErased(): Promise<void> {
    await partnerDocuments.forgetErased();
    if (!(await arranger.forgetErased())) return;
    documentCache.removeOutdated();
    siteFiles.clear();
  }
  const forgetErased = () => void removeErased().catch(fail);

  /** A feed of the operator's exists as long as the publication has it, whatever the store has by now. */
  async function ofOnePublication<Made>(
    key: FeedKey,
    make: () => Promise<Made> | undefined,
  ): Promise<Made | undefined> {
    if (key !== INDEX && key !== LATEST && !key.includes('/') && !ids.has(key)) return undefined;
    return unlessEnded(async () => make());
  }

  async function unlessEnded<Made>(make: () => Promise<Made>): Promise<Made> {
    if (await hasEnded()) throw new EndedError();
    const made = await make();
    if (await hasEnded()) throw new EndedError();
    return made;
  }

  const arrange = countDocuments(arranger.arrange, counters);
  const documentCache = createDocumentCache({
    arrange: (key, ...rest) => ofOnePublication(key, () => arrange(key, ...rest)),
    ...(pages === undefined
      ? {}
      : { arrangePage: (key: FeedKey, at: Instant) => ofOnePublication(key, () => pages.arrange(key, at)) }),
    arrangeArchive: (key, page, format, at) =>
      ofOnePublication(key, () =>
        format === 'html' ? pages?.archive(key, page, at) : arrangePage(key, page, format, at),
      ),
    ...sharesOf(bytes * (1 - ENTRY_SHARE - ARCHIVE_SHARE - SITE_FILE_SHARE) - partnerBytes),
    archiveBytes: bytes * ARCHIVE_SHARE,
    now,
    fail,
    externalChanges: parts.externalChanges ?? store,
    onForget(keys) {
      partnerDocuments.forget(keys);
      onChanged(keys);
    },
    onExternalChanges() {
      forgetErased();
      onExternalChanges();
    },
  });
  const partnerDocuments = lazyPartnerDocuments({
    store,
    publication,
    bytes: Math.max(MEGABYTE, partnerBytes), // without partners, nothing takes them
    now,
    catchUp: documentCache.catchUp,
    report(id, { dialect, format }, err, revision) {
      const message = `The ${dialect.name} feeds of partners omit article ${id}: it cannot be rendered.`;
      log.error({ err, article: id }, message);
      onUnrenderable({ article: id, revision, format, reason: err instanceof Error ? err.message : String(err) });
    },
    onSkipped({ id: partner, dialect }, feed, { article, rule, reason, revision }, stories) {
      const which = stories === 1 ? `article ${article}` : `${stories} stories, such as article ${article}`;
      log.info(
        { partner, dialect, feed, article, rule, revision, ...(stories === 1 ? {} : { stories }) },
        `The partner ${partner} does not get ${which} (${dialect}/${rule}): ${reason}`,
      );
    },
    onFull: ({ id: partner }, feed) =>
      log.warn(
        { partner, feed },
        `The feed ${feed} of the partner ${partner} lists ${MOST_TAKEN_BACK} withdrawals, and can list no older one. Run withdrawals --partner ${partner}: stories that are “not seen” or “not listed” may still be there.`,
      ),
  });
  const siteFiles = lazySiteFiles({ store, publication, now, bytes: bytes * SITE_FILE_SHARE });
  return {
    documentCache,
    partnerDocuments: {
      ...partnerDocuments,
      get: (partner, name, format) => unlessEnded(() => partnerDocuments.get(partner, name, format)),
      skipped: (partner, name) => unlessEnded(() => partnerDocuments.skipped(partner, name)),
      memberships: (stored, members) => unlessEnded(() => partnerDocuments.memberships(stored, members)),
    },
    pages: pages && {
      ...pages,
      search: async (text, at) => {
        const found = await pages.search(text, at);
        if (await hasEnded()) throw new EndedError();
        return found;
      },
    },
    siteFiles: {
      ...siteFiles,
      async get(...args) {
        const file = await siteFiles.get(...args);
        if (await hasEnded()) throw new EndedError();
        return file;
      },
    },
    async renderEntries(documents) {
      for (const { key, format } of documents) {
        if (key === LATEST || key.includes('/') || ids.has(key))
          await arranger.arrange(key, format, now(), () => false).catch(() => {}); // whoever requests it meets the error
      }
    },
    partnerChanges: lazyChanges(async () => {
      const { openChanges } = await import('./partner-changes.ts');
      return openChanges({
        ...{ store, publication, now },
        report({ article: { id }, revision }, err) {
          log.error({ err, article: id }, `The change feeds of partners omit article ${id}: it cannot be rendered.`);
          const reason = err instanceof Error ? err.message : String(err);
          onUnrenderable({ article: id, revision, format: 'json', reason });
        },
      });
    }),
    forgetErased,
    keptDocuments: () => sumOf(documentCache.counts(), partnerDocuments.counts()),
    keptEntries: arranger.counts,
  };
}

/** How the bytes for current documents are divided. */
function sharesOf(bytes: number) {
  const tagBytes = Math.min(MOST_TAG_BYTES, bytes * TAG_SHARE);
  return { bytes: bytes - tagBytes, tagBytes };
}

/** The work on a document ends, because another publication is in force. */
class EndedError extends Error {}

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
    archive: async (key, page, at) => (await load()).archive(key, page, at),
    search: async (text, at) => (await load()).search(text, at),
    warmUp: async (at) => {
      await load();
      const { warmUpPages } = await import('../document/pages.ts');
      await warmUpPages(parts, at);
    },
  };
}

/** Loads the change feed with its dialects at the first request for it. */
function lazyChanges(load: () => Promise<ChangeAnswers>): ChangeAnswers {
  let loaded: Promise<ChangeAnswers> | undefined;
  const changes = () => {
    loaded ??= load();
    return loaded;
  };
  return {
    positionOf: async (...args) => (await changes()).positionOf(...args),
    page: async (...args) => (await changes()).page(...args),
    write: async (...args) => (await changes()).write(...args),
  };
}

/** Loads the list of feeds and the sitemaps at the first request for one: a start does not need them. */
function lazySiteFiles(parts: Parameters<typeof createSiteFiles>[0]): Pick<SiteFiles, 'get' | 'clear'> {
  let files: Promise<SiteFiles> | undefined;
  return {
    clear: () =>
      void files?.then(
        (made) => made.clear(),
        () => {},
      ),
    async get(name) {
      files ??= import('../document/site-files.ts').then((module) => module.createSiteFiles(parts));
      return (await files).get(name);
    },
  };
}
