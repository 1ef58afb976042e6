import type { DatabaseSync } from 'node:sqlite';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { Archive } from '../store.ts';
import { countDue, duePages, justBefore, MOST_DUE, OLDEST, openKey } from './archive-due.ts';
import type { Archives } from './archives.ts';
import { damaged } from './damage.ts';
import { type FeedRow, listOf } from './feed-rows.ts';
import { countOf, HIGHEST, isBefore, type Key, LOWEST } from './list-parts.ts';
import type { Lists, TableRow } from './lists.ts';

/** Where a page of an archive begins and ends, and which pages are beside it. */
export interface PageRange {
  readonly isOpen: boolean;
  readonly from: Key;
  /** The lowest key of the next newer page. */
  readonly end: Key;
  readonly changed: Instant;
  readonly older?: number;
  readonly newer?: number;
}

/** A page with the date of its last change. */
interface DatedPage {
  readonly page: number;
  readonly changed: Instant;
}

/** A page that begins at a key. */
interface Page extends DatedPage {
  readonly from: Key;
}

interface ArchiveReaderParts {
  readonly lists: Lists;
  readonly archives: Pick<Archives, 'sizeOf'>;
}

export type ArchiveReader = ReturnType<typeof createArchiveReader>;

/** Reads where the pages of archives are. Call it in a transaction. */
export function createArchiveReader(db: DatabaseSync, { lists, archives }: ArchiveReaderParts) {
  const byNumber = db.prepare('SELECT published, tie FROM archive_page WHERE feed = ? AND page = ?');

  /** The open page of the store, and after it those that follow at a moment. Undefined where they are too many. */
  function newestPages(feed: FeedRow, at: Instant): Page[] | undefined {
    const size = archives.sizeOf(feed.key);
    if (size === undefined) return undefined;
    const count = countDue(lists, feed, at, size);
    if (count > MOST_DUE) return undefined;
    const pages: Page[] = [{ page: Math.max(1, feed.openPage), from: openKey(feed), changed: feed.changed }];
    let last = Math.max(1, countOf(feed.lists.pages));
    for (const { changed, next } of duePages(lists, feed, count, size)) {
      const full = pages.pop();
      if (full !== undefined) pages.push({ ...full, changed });
      last += 1;
      pages.push({ page: last, from: next, changed: feed.changed });
    }
    return pages;
  }

  /** A page that the store has, and that is not open. */
  function storedPage(feed: FeedRow, number: number): PageRange | undefined {
    const row = byNumber.get(feed.number, number);
    if (row === undefined) {
      if (number >= 1 && number <= countOf(feed.lists.pages)) throw damaged(listOf(feed, 'pages').title);
      return undefined;
    }
    const from: Key = [Number(row.published), Number(row.tie)];
    const [older, own, newer] = lists.around(listOf(feed, 'pages'), from);
    if (own?.[2] !== number || newer === undefined) throw damaged(listOf(feed, 'pages').title);
    return omitUndefined({
      isOpen: false,
      from,
      end: keyOf(newer),
      changed: Number(own[4]),
      older: older === undefined ? undefined : Number(older[2]),
      newer: Number(newer[2]),
    });
  }

  return {
    /** The numbers of the newest pages. Undefined where the archive is not complete. */
    archiveAt(feed: FeedRow, at: Instant): Archive | undefined {
      const pages = newestPages(feed, at);
      if (pages === undefined) return undefined;
      const newest = pages.at(-2)?.page ?? (feed.newestPage || undefined);
      return omitUndefined({ newest, open: pages.at(-1)?.page ?? 1 });
    },
    /** The pages that are not open, oldest first. */
    *closedPages(feed: FeedRow, at: Instant): Generator<DatedPage> {
      for (const [, , page, , changed] of lists.up(listOf(feed, 'pages'), LOWEST))
        if (page !== feed.openPage) yield { page: Number(page), changed: Number(changed) };
      yield* (newestPages(feed, at) ?? []).slice(0, -1);
    },
    /** Undefined where the archive has no such page. */
    rangeOf(feed: FeedRow, number: number, at: Instant): PageRange | undefined {
      const newest = newestPages(feed, at) ?? [];
      const index = newest.findIndex(({ page }) => page === number);
      const page = newest[index];
      if (page === undefined) return number === feed.openPage ? undefined : storedPage(feed, number);
      const newer = newest[index + 1];
      return omitUndefined({
        isOpen: newer === undefined,
        from: page.from,
        end: newer?.from ?? HIGHEST,
        changed: page.changed,
        older: newest[index - 1]?.page ?? (feed.newestPage || undefined),
        newer: newer?.page,
      });
    },
    /** The entries of a page up to a moment, newest first, visible or not. */
    *rows(feed: FeedRow, { from, end }: PageRange, at: Instant): Generator<TableRow> {
      const last: Key = isBefore([at, Number.POSITIVE_INFINITY], end)
        ? [at, Number.POSITIVE_INFINITY]
        : justBefore(end);
      for (const row of lists.down(listOf(feed, 'entries'), last)) {
        if (isBefore(keyOf(row), from)) return;
        yield row;
      }
    },
  };
}

function keyOf([published, tie]: TableRow): Key {
  return [Number(published), Number(tie)];
}

/** The oldest page has no first date of its own. */
export function dateOf({ from, end }: PageRange): Instant | undefined {
  if (from[0] !== OLDEST[0]) return from[0];
  return Number.isFinite(end[0]) ? end[0] : undefined;
}
