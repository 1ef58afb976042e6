import type { FeedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { DividedFeed, Submit } from '../operations.ts';
import { type DividedHistory, DOCUMENT_SIZES, type DocumentSizes } from '../store.ts';
import { countDue, MOST_DUE } from './archive-due.ts';
import type { Archives } from './archives.ts';
import type { FeedDates } from './feed-dates.ts';
import type { FeedReader } from './feed-reader.ts';
import type { FeedRow, FeedRows } from './feed-rows.ts';
import { startAfter } from './feed-totals.ts';
import type { Lists } from './lists.ts';
import type { Reading } from './reading.ts';
import type { Settings } from './settings.ts';
import type { StoreRow } from './store-row.ts';

/** The most feeds that one part of the work reads to find something to divide: two milliseconds. */
const LOOKED_AT = 50;

interface HistoryDivisionParts {
  readonly lists: Lists;
  readonly feeds: FeedReader;
  readonly feedRows: FeedRows;
  readonly feedDates: FeedDates;
  readonly archives: Archives;
  readonly settings: Settings;
  readonly storeRow: StoreRow;
  readonly reading: Reading;
}

/** The store's `setDocumentSizes`, also as a part of `configure`, and `divideHistory`, which looks for feeds without a transaction that writes: most have nothing to divide. */
export function createHistoryDivision(parts: HistoryDivisionParts) {
  const { lists, feeds, feedRows, feedDates, archives, settings, storeRow, reading } = parts;

  function due(feed: FeedRow, at: Instant): { readonly count: number; readonly size: number } {
    const size = archives.sizeOf(feed.key);
    return size === undefined ? { count: 0, size: 0 } : { count: countDue(lists, feed, at, size), size };
  }

  /** Adds pages, in a transaction that the caller has begun. */
  function divide(number: number, now: () => Instant): DividedFeed {
    const at = now();
    archives.setMoment(at);
    const feed = feedRows.touch(feedRows.get(number));
    const { count, size } = due(feed, at);
    const isLast = count <= 2 * MOST_DUE; // what is left must not be so little that it counts as complete
    archives.addDue(feed, isLast ? count : MOST_DUE, size);
    const isNew = isLast && count > MOST_DUE;
    if (isNew) {
      const revision = storeRow.last() + 1;
      storeRow.setLast(revision);
      feedDates.touch(feed, now(), revision);
    }
    return { left: isLast ? 0 : count - MOST_DUE, isNew };
  }

  /** Keeps the pages that readers have worked out so far: with other sizes, they would work out other ones. */
  function keepWorkedOut(at: Instant): void {
    for (const [key, number] of feeds.all()) {
      const { count, size } = due(feeds.get(number, key), at);
      if (count > 0 && count <= MOST_DUE) archives.addDue(feedRows.touch(feedRows.get(number)), count, size);
    }
  }

  /** In a transaction that the caller has begun. */
  function changeSizes(sizes: DocumentSizes, now: () => Instant): void {
    const text = JSON.stringify(sizes);
    const before = settings.get(DOCUMENT_SIZES);
    if (before === text) return;
    const at = now();
    if (before !== undefined && settings.wasServed()) {
      archives.setMoment(at);
      keepWorkedOut(at);
    }
    settings.save(DOCUMENT_SIZES, text);
  }

  async function setDocumentSizes(submit: Submit, sizes: DocumentSizes, now: () => Instant): Promise<void> {
    if (settings.get(DOCUMENT_SIZES) === JSON.stringify(sizes)) return;
    await submit('setDocumentSizes', now, sizes);
  }

  async function divideHistory(submit: Submit, after: FeedKey, now: () => Instant): Promise<DividedHistory> {
    const all = reading(feeds.all);
    if (!settings.wasServed()) return { changed: [] };
    let last = after;
    let looked = 0;
    for (const [key, number] of all.slice(startAfter(all, after))) {
      if (archives.sizeOf(key) === undefined) continue; // without a look at its row
      if (looked === LOOKED_AT) return { next: last, changed: [] };
      looked += 1;
      const count = reading(() => due(feeds.get(number, key), now()).count);
      if (count > 0) {
        const { left, isNew } = await submit('divideFeed', now, number);
        return omitUndefined({ next: left > 0 ? last : key, changed: isNew ? [key] : [] });
      }
      last = key;
    }
    return { changed: [] };
  }

  return { changeSizes, divide, setDocumentSizes, divideHistory };
}
