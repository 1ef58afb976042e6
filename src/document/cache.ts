import { type DocumentFormat, type FeedKey, FORMATS, type Format } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type { CacheCounts } from './byte-cache.ts';
import { createCatchUp, type ExternalChanges } from './catch-up.ts';
import { type CachedDocument, createCurrentDocuments, type Edition } from './current-documents.ts';
import type { Document } from './document.ts';
import { createEditions } from './editions.ts';
import { type DocumentTags, digestOf, type Representations, represent } from './representation.ts';
import { createRewarmer, type HotDocument } from './rewarmer.ts';
import { createSingleFlight } from './single-flight.ts';
import { createTagIndex } from './tag-index.ts';
import { systemTimers, type Timers } from './timers.ts';

interface DocumentCacheParts {
  /** Makes a document: without pauses as soon as `isAwaited` returns true. Undefined if there is no such feed. */
  readonly arrange: (
    key: FeedKey,
    format: Format,
    at: Instant,
    isAwaited: () => boolean,
  ) => Promise<Document | undefined>;
  /** Makes the page of a feed for people, or that of all feeds. */
  readonly arrangePage?: (key: FeedKey, at: Instant) => Promise<Document | undefined>;
  /** Makes a page of the archive of a feed. */
  readonly arrangeArchive?: ArrangeArchive;
  readonly externalChanges: ExternalChanges;
  /** Bytes of documents, in all their codings, that the cache may hold. */
  readonly bytes: number;
  /** The same for pages of archives, apart: a walk through an archive must not evict current documents. */
  readonly archiveBytes?: number;
  /** The same for the tags of documents of both kinds, which outlive the documents in memory. */
  readonly tagBytes?: number;
  readonly now: () => Instant;
  readonly timers?: Timers;
  /** Called after other processes have changed feeds: they may have erased articles. */
  readonly onExternalChanges?: () => void;
  /** Called with the feeds that have changed, whichever process changed them. */
  readonly onForget?: (keys: readonly FeedKey[]) => void;
  /** Takes the error of a document that nobody waits for. */
  readonly fail: (error: unknown) => void;
}

/** @param page the number of the page */
type ArrangeArchive = (
  key: FeedKey,
  page: number,
  format: DocumentFormat,
  at: Instant,
) => Promise<Document | undefined> | undefined;

export interface DocumentCache {
  /** The current document of that name if it can be answered with at once; undefined if only `get` can tell. */
  readonly getIfReady: (name: string) => Representations | undefined;
  /** The tags of that document if they are known, which may no longer be in memory; undefined if only `get` can tell. */
  readonly tagsIfReady: (name: string) => DocumentTags | undefined;
  /**
   * The feed's current document, or its page for people. Undefined if there is no such feed.
   *
   * @param page the number of a page of the feed's archive, to get that page; undefined if the archive has no such page
   */
  readonly get: (key: FeedKey, format: DocumentFormat, page?: number) => Promise<Representations | undefined>;
  /**
   * Serves the documents of feeds that changed no more. Makes the hot ones again soon, in the codings in which they were
   * requested, so that no reader has to wait. Pages are made when they are requested next: any change may change each.
   */
  readonly forget: (keys: readonly FeedKey[]) => void;
  /** Removes the documents of earlier versions, which may show articles that were erased. */
  readonly removeOutdated: () => void;
  /** The documents that were requested, the most requested ones first. */
  readonly hot: () => readonly HotDocument[];
  /** Makes documents soon, before somebody requests them. */
  readonly warm: (documents: readonly HotDocument[]) => void;
  /** Resolves when the changes of other processes are known that were made before the call. */
  readonly catchUp: () => Promise<void>;
  /** From now on, looks for external changes regularly instead of waiting for a request. */
  readonly followExternalChanges: () => void;
  /** Makes no more documents that nobody waits for. */
  readonly close: () => Promise<void>;
}

/** In the place of a feed's key: the page of all feeds. */
export const INDEX: FeedKey = '';

/**
 * The name of a feed's document in a format, for `getIfReady`.
 *
 * @param page that of the feed's archive; undefined for the current document
 */
export function documentName(key: FeedKey, format: DocumentFormat, page?: number): string {
  return page === undefined ? `${key}.${format}` : `${key}${ARCHIVE}${page}.${format}`;
}

/** In the names of pages of archives, and of no other document: the key of a feed has at most one slash. */
const ARCHIVE = '/archive/';

/** Whether a name of `documentName` is that of a feed, and not of a page. */
export function isFeed(name: string): boolean {
  return !name.endsWith('.html');
}

function isSame(one: Document, other: Document): boolean {
  return one.changedAt === other.changedAt && one.bytes.equals(other.bytes);
}

/** Holds every requested document until it changes, and makes each once, however many requests wait for it. */
export function createDocumentCache(parts: DocumentCacheParts): DocumentCache & { readonly counts: () => CacheCounts } {
  const { arrange, arrangePage, externalChanges, bytes, now, timers = systemTimers, onExternalChanges, fail } = parts;
  const current = createCurrentDocuments(bytes, now);
  const archives = createCurrentDocuments(parts.archiveBytes ?? 1, now);
  const tags = createTagIndex(parts.tagBytes ?? 1, current.isCurrent);
  const editions = createEditions();
  const flights = createSingleFlight<CachedDocument | undefined, HotDocument>({
    isUsable: (document) => document === undefined || current.isCurrent(document),
    keep: (name, document) => document !== undefined && keep(name, document),
  });
  const rewarmer = createRewarmer({ rewarm, fail, timers });
  const external = createCatchUp({ externalChanges, forget: forgetExternal, timers });

  function keep(name: string, document: CachedDocument): void {
    cacheOf(name).set(name, document);
    tags.set(name, document);
  }

  /** @param hot the document if nobody waits for it */
  function makeOnce(key: FeedKey, format: DocumentFormat, hot?: HotDocument): Promise<CachedDocument | undefined> {
    return flights.run(documentName(key, format), (isAwaited) => make(key, format, isAwaited), hot);
  }

  async function make(
    key: FeedKey,
    format: DocumentFormat,
    isAwaited: () => boolean,
  ): Promise<CachedDocument | undefined> {
    const from = now();
    const edition = format === 'html' ? editions.pages() : undefined;
    const document = format === 'html' ? await arrangePage?.(key, from) : await arrange(key, format, from, isAwaited);
    return document && cached(documentName(key, format), document, { from, edition });
  }

  async function makeArchive(key: FeedKey, page: number, format: DocumentFormat): Promise<CachedDocument | undefined> {
    const from = now();
    const edition = editions.archive(key);
    const document = await parts.arrangeArchive?.(key, page, format, from);
    return document && cached(documentName(key, format, page), document, { from, edition });
  }

  async function cached(
    name: string,
    document: Document,
    { from, edition }: { readonly from: Instant; readonly edition: Edition | undefined },
  ): Promise<CachedDocument> {
    const until = document.nextChangeAt ?? Number.POSITIVE_INFINITY;
    const representations = representationsOf(name, document, await digestOf(document));
    return omitUndefined({ representations, from, until, requests: 0, edition });
  }

  /**
   * Keeps the codings of a document that was made again and is still the same. Otherwise an answer in another coding than
   * before would tell of a change that nobody can see yet, such as a story under embargo.
   */
  function representationsOf(name: string, document: Document, digest: string): Representations {
    const documents = cacheOf(name);
    const known = documents.peek(name)?.representations;
    if (known !== undefined && isSame(known.document, document)) return known;
    const made = represent(document, () => documents.measure(name, made), digest);
    return made;
  }

  async function rewarm(name: string, hot: HotDocument): Promise<void> {
    const known = current.peek(name);
    const document = known !== undefined && current.isCurrent(known) ? known : await makeOnce(hot.key, hot.format, hot);
    for (const coding of hot.codings) await document?.representations.body.bytes(coding);
  }

  function forget(keys: readonly FeedKey[]): void {
    for (const key of keys) for (const format of FORMATS) forgetDocument(key, format);
    editions.end(keys);
    rewarmer.schedule();
    parts.onForget?.(keys);
  }

  function forgetExternal(keys: readonly FeedKey[]): void {
    forget(keys);
    onExternalChanges?.();
  }

  function forgetDocument(key: FeedKey, format: Format): void {
    const name = documentName(key, format);
    const known = current.peek(name);
    const beingRewarmed = flights.abandon(name);
    if (known !== undefined && known.requests > 0) {
      const codings = known.representations.body.codings();
      rewarmer.add(name, { key, format, requests: known.requests, codings });
    } else if (beingRewarmed !== undefined) rewarmer.add(name, beingRewarmed);
    current.outdate(name);
    tags.delete(name);
  }

  function cacheOf(name: string): typeof current {
    return name.includes(ARCHIVE) ? archives : current;
  }

  return {
    forget,
    removeOutdated() {
      current.removeOutdated();
      archives.removeOutdated();
      tags.removeOutdated();
    },
    hot: () => current.hot(),
    warm(documents) {
      for (const hot of documents) rewarmer.add(documentName(hot.key, hot.format), hot);
      rewarmer.schedule();
    },
    catchUp: external.catchUp,
    followExternalChanges: external.follow,
    getIfReady: (name) => (external.isBehind() ? undefined : cacheOf(name).request(name)),
    tagsIfReady: (name) => (external.isBehind() ? undefined : tags.get(name)),
    counts: () => sumOf(current.counts(), archives.counts()),
    async get(key, format, page) {
      await external.catchUp();
      const name = documentName(key, format, page);
      const known = cacheOf(name).request(name);
      if (known !== undefined) return known;
      const made = await (page === undefined
        ? makeOnce(key, format)
        : flights.run(name, () => makeArchive(key, page, format)));
      if (made !== undefined) made.requests += 1;
      return made?.representations;
    },
    async close() {
      flights.raisePriorities();
      await Promise.all([external.close(), rewarmer.close()]);
    },
  };
}

/** The state of two caches together. */
export function sumOf(one: CacheCounts, other: CacheCounts): CacheCounts {
  return {
    count: one.count + other.count,
    bytes: one.bytes + other.bytes,
    evicted: one.evicted + other.evicted,
  };
}
