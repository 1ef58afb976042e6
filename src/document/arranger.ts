import type { Publication } from '../config/publication.ts';
import { describeFeed, type Feed, type FeedKey, type Format } from '../feed/feeds.ts';
import type { Head } from '../format/renderer.ts';
import type { Instant } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type { ArchivePage, FeedSnapshot, Store } from '../store/store.ts';
import { termsInHeaders } from '../terms/statements.ts';
import type { CacheCounts } from './byte-cache.ts';
import { type Document, joinDocument } from './document.ts';
import { createEntryCache, type ReportUnrenderable } from './entry-cache.ts';
import { pause } from './pause.ts';

interface ArrangerParts {
  readonly store: Pick<Store, 'snapshot' | 'archivePage' | 'articles' | 'erasedAfter'>;
  readonly publication: Publication;
  readonly report: ReportUnrenderable;
  /** Bytes of entries that may be kept for other documents. */
  readonly entryBytes: number;
  /** Milliseconds of a monotonic clock. */
  readonly clock?: () => number;
}

interface Arranger {
  /**
   * Makes a feed's document as it is at a moment. Undefined if no article of that feed was ever visible.
   *
   * @param isAwaited whether somebody waits for the document by now; until then it is made in pieces, with pauses
   */
  readonly arrange: (
    key: FeedKey,
    format: Format,
    at: Instant,
    isAwaited?: () => boolean,
  ) => Promise<Document | undefined>;
  /** Makes a page of a feed's archive. Undefined if the archive has no such page, or the page is open. */
  readonly arrangePage: (key: FeedKey, page: number, format: Format, at: Instant) => Promise<Document | undefined>;
  /** Forgets the entries of articles that were erased. Returns whether there were such articles since the last call. */
  readonly forgetErased: () => Promise<boolean>;
  /** Of the entries. */
  readonly counts: () => CacheCounts;
}

const DAY = 24 * 60 * 60 * 1000;

/**
 * How often a document is begun with the event loop going round meanwhile, if articles keep changing: the last time, it is
 * made at once.
 */
const ATTEMPTS = 3;

/** Arranges entries to documents. */
export function createArranger(parts: ArrangerParts): Arranger {
  const { store, publication, report, entryBytes, clock = () => performance.now() } = parts;
  const { tombstoneDays } = publication;
  const terms = termsInHeaders(publication);
  const { entriesOf, forgetErased, counts } = createEntryCache({
    store,
    publication,
    report,
    maxBytes: entryBytes,
    clock,
  });

  async function arrange(
    key: FeedKey,
    format: Format,
    at: Instant,
    isAwaited: () => boolean = () => true,
    attempts = ATTEMPTS,
  ): Promise<Document | undefined> {
    const limit = describeFeed(key, '', publication).entries;
    const snapshot = await store.snapshot(key, at, { limit, tombstonesFor: tombstoneDays * DAY });
    if (snapshot === undefined) return undefined;
    const feed = describeFeed(key, snapshot.name, publication);
    const entries = await entriesOf(snapshot.entries, feed, format, { isAwaited, mayPause: attempts > 1 });
    if (entries === undefined) return arrange(key, format, at, () => true, attempts - 1);
    await pause(isAwaited);
    const { changedAt, removedAt = 0, nextChangeAt } = snapshot;
    return {
      feed,
      format,
      ...joinDocument(format, { head: headOf(feed, snapshot, publication), entries }),
      changedAt: Math.max(changedAt, snapshot.entries[0]?.publishedAt ?? 0, removedAt),
      ...(nextChangeAt === undefined ? {} : { nextChangeAt }),
      ...(terms === undefined ? {} : { termsInHeaders: terms }),
    };
  }

  async function arrangePage(
    key: FeedKey,
    page: number,
    format: Format,
    at: Instant,
    attempts = ATTEMPTS,
  ): Promise<Document | undefined> {
    const content = await store.archivePage(key, page, at);
    if (content === undefined || content.isOpen) return undefined;
    const feed = describeFeed(key, content.name, publication);
    const pace = { isAwaited: () => true, mayPause: attempts > 1, isPassing: true };
    const entries = await entriesOf(content.entries, feed, format, pace);
    if (entries === undefined) return arrangePage(key, page, format, at, attempts - 1);
    const { changedAt, nextChangeAt } = content;
    const { bytes } = joinDocument(format, { head: archiveHeadOf(feed, content, publication), entries });
    // It names no entries, and so has no deltas.
    return omitUndefined({ feed, format, page, bytes, entries: [], changedAt, nextChangeAt, termsInHeaders: terms });
  }

  return { arrange, arrangePage, forgetErased, counts };
}

function headOf(feed: Feed, snapshot: FeedSnapshot, publication: Publication): Head {
  const { entries, tombstones, removedAt = 0, archive } = snapshot;
  const [newest] = entries;
  return {
    ...(archive === undefined
      ? {}
      : { history: omitUndefined({ older: archive.newest, isComplete: !archive.newest }) }),
    feed,
    publication,
    tombstones,
    updatedAt: Math.max(0, removedAt, ...entries.map((entry) => entry.updatedAt)),
    ...(newest === undefined ? {} : { publishedAt: newest.publishedAt }),
  };
}

/** Withdrawals are in the current document. */
function archiveHeadOf(feed: Feed, { page, entries, older, newer, date }: ArchivePage, publication: Publication): Head {
  const [newest] = entries;
  return {
    feed,
    publication,
    tombstones: [],
    updatedAt: Math.max(date, ...entries.map((entry) => entry.updatedAt)),
    ...(newest === undefined ? {} : { publishedAt: newest.publishedAt }),
    history: omitUndefined({ page, older, newer }),
  };
}
