import type { DatabaseSync } from 'node:sqlite';
import { isPartnerFeed } from '../../feed/dialects.ts';
import type { FeedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { DOCUMENT_SIZES, type DocumentSizes } from '../store.ts';
import { countDue, duePages, justBefore, MOST_DUE, OLDEST, openKey, pageSize, startOf } from './archive-due.ts';
import { createArchiveRows, type PageRow } from './archive-rows.ts';
import { damaged } from './damage.ts';
import { changedAt } from './feed-dates.ts';
import { type ArchiveUpdates, type FeedRow, listOf, type MovedEntry } from './feed-rows.ts';
import { countOf, isBefore, type Key } from './list-parts.ts';
import type { Lists } from './lists.ts';
import type { Settings } from './settings.ts';

interface ArchivesParts {
  readonly lists: Lists;
  readonly settings: Pick<Settings, 'get' | 'wasServed'>;
}

export type Archives = ReturnType<typeof createArchives>;

/** Sizes that are known of documents. */
interface KnownSizes {
  readonly text: string;
  readonly entries: number;
  readonly feeds: ReadonlyMap<FeedKey, number>;
}

interface CurrentTransaction {
  /** The moment of the changes that follow. */
  at: Instant;
  readonly sizes: KnownSizes | undefined;
  /** The feeds whose archives were complete before the changes. */
  readonly complete: Set<FeedRow>;
}

/** Twice as many entries as a new page has: a page with more is divided, or a large import of old stories would be one page. */
const MOST_ENTRIES = 2;

/**
 * Pages that a change may add to an archive that was complete before it: an import of 2,000 articles makes as many in a feed
 * with one entry. A backfill of a large feed makes more, which are left to the division in the background.
 */
const MOST_ADDED = 2000;

/** Divides the history of feeds into pages of an archive. */
export function createArchives(db: DatabaseSync, { lists, settings }: ArchivesParts) {
  const { insertPage, replacePage, pageAt, endOf, keysIn } = createArchiveRows(db);
  let known: KnownSizes | undefined;
  let transaction: CurrentTransaction | undefined;

  /** How many entries the current document of a feed has; undefined where no start has set the sizes. Feeds of partners have no archive. */
  function sizeOf(key: FeedKey): number | undefined {
    if (isPartnerFeed(key)) return undefined;
    const sizes = transaction === undefined ? readSizes() : transaction.sizes;
    return sizes?.feeds.get(key) ?? sizes?.entries;
  }

  function readSizes(): KnownSizes | undefined {
    const text = settings.get(DOCUMENT_SIZES);
    if (text === undefined) throw damaged('how many entries documents have is missing');
    if (known?.text === text) return known;
    const sizes = JSON.parse(text) as DocumentSizes | null;
    if (sizes === null) return undefined;
    known = { text, entries: sizes.entries, feeds: new Map(sizes.feeds) };
    return known;
  }

  /** Adds the oldest pages that are due. */
  function addDue(feed: FeedRow, count: number, size: number): void {
    if (count === 0) return;
    const pages = duePages(lists, feed, count, size); // of the entries as they are before the first page is added
    if (feed.openPage === 0) {
      insertPage(feed, [OLDEST[0], OLDEST[1], 1, 0, 0]);
      feed.openPage = 1;
    }
    for (const { entries, changed, next } of pages) {
      replacePage(feed, pageAt(feed, openKey(feed)), entries, changed);
      const number = countOf(feed.lists.pages) + 1;
      insertPage(feed, [next[0], next[1], number, 0, 0]);
      feed.archived += entries;
      feed.newestPage = feed.openPage;
      feed.openPage = number;
    }
  }

  /** Adds the pages that are due, unless they are too many. Returns whether the archive is complete then. */
  function catchUp(feed: FeedRow, at: Instant, most: number): boolean {
    const size = sizeOf(feed.key);
    if (size === undefined || !settings.wasServed()) return false;
    const due = countDue(lists, feed, at, size);
    if (due <= most) addDue(feed, due, size);
    return due <= most;
  }

  /** Counts the entries that came to pages or left them, and dates these pages. */
  function count(feed: FeedRow, moved: readonly MovedEntry[], at: Instant): void {
    const most = MOST_ENTRIES * pageSize(sizeOf(feed.key) ?? Number.POSITIVE_INFINITY);
    const changes = changesOf(feed, moved);
    for (const [page, change] of changes) {
      replacePage(feed, page, page[3] + change, changedAt(page[4], at));
      feed.archived += change;
    }
    for (const [[published, tie, , entries], change] of changes) {
      if (entries + change > most) divide(feed, pageAt(feed, [published, tie]), most / MOST_ENTRIES, at);
    }
  }

  /** The pages that have these entries, and by how many more or fewer. Their rows are checked before they are changed. */
  function changesOf(feed: FeedRow, moved: readonly MovedEntry[]): readonly (readonly [PageRow, number])[] {
    const sorted = moved.toSorted((one, other) => one[0] - other[0] || one[1] - other[1]);
    const changes: (readonly [PageRow, number])[] = [];
    const [first] = sorted;
    if (first === undefined) return changes;
    const [published, tie] = pageAt(feed, [first[0], first[1]]);
    let next = 0;
    let page: PageRow | undefined;
    for (const row of lists.up(listOf(feed, 'pages'), justBefore([published, tie]))) {
      const end: Key = [Number(row[0]), Number(row[1])];
      const before = next;
      let change = 0;
      for (let one = sorted[next]; one && isBefore([one[0], one[1]], end); one = sorted[next]) {
        change += one[2];
        next += 1;
      }
      if (page !== undefined && next > before) changes.push([page, change]);
      if (next === sorted.length) return changes;
      page = row as unknown as PageRow;
    }
    throw damaged(listOf(feed, 'pages').title);
  }

  /** Divides a page. The oldest of the new ones keeps its number. The page after them has another older one now. */
  function divide(feed: FeedRow, page: PageRow, size: number, at: Instant): void {
    const [, , number, entries, changed] = page;
    const keys = keysIn(feed, page, entries);
    const pieces = Math.floor(entries / size);
    const starts = new Set(
      Array.from({ length: pieces }, (_, index) => startOf(keys, Math.round((index * entries) / pieces))),
    );
    const after = pageAt(feed, endOf(feed, page));
    const isNewest = feed.newestPage === number;
    if (!isNewest) replacePage(feed, after, after[3], changedAt(after[4], at));
    let end = entries;
    for (const start of [...starts].toReversed()) {
      const [from, second] = keys[start] ?? OLDEST;
      const next = countOf(feed.lists.pages) + 1;
      if (start === 0) replacePage(feed, page, end, changed);
      else insertPage(feed, [from, second, next, end - start, changed]);
      if (isNewest && end === entries && start > 0) feed.newestPage = next;
      end = start;
    }
  }

  const updates: ArchiveUpdates = {
    before(feed) {
      if (transaction === undefined) throw new Error('entries change before a call of setMoment');
      if (catchUp(feed, transaction.at, MOST_DUE)) transaction.complete.add(feed);
    },
    after(feed) {
      if (transaction === undefined) return;
      const at = transaction.at;
      if (feed.name !== feed.savedName && settings.wasServed()) feed.headChanged = changedAt(feed.headChanged, at);
      if (feed.moved === undefined) return;
      if (feed.moved.length > 0) count(feed, feed.moved, at);
      catchUp(feed, at, transaction.complete.has(feed) ? MOST_ADDED : MOST_DUE);
    },
  };

  return {
    updates,
    sizeOf,
    addDue,
    /** Call this before the changes of a transaction, and with its last moment before it is saved. */
    setMoment(at: Instant): void {
      transaction ??= { at, sizes: readSizes(), complete: new Set() };
      transaction.at = at;
    },
    /** Call this when a transaction is over. */
    end(): void {
      transaction = undefined;
    },
  };
}
