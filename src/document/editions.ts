import { LRUCache } from 'lru-cache';
import type { FeedKey } from '../feed/feeds.ts';
import type { Edition } from './current-documents.ts';

/** Feeds whose archives have an edition at a time. */
const MAX_FEEDS = 1000;

/** The editions of what belongs to feeds. */
export interface FeedEditions {
  /** The edition that belongs to the feed now. */
  readonly of: (key: FeedKey) => Edition;
  readonly end: (keys: readonly FeedKey[]) => void;
}

/** @param max feeds that have an edition at a time */
export function createFeedEditions(max: number): FeedEditions {
  const editions = new LRUCache<FeedKey, Edition>({
    maxSize: max,
    sizeCalculation: () => 1,
    dispose(edition) {
      edition.isOver = true; // nobody could end it later
    },
  });
  return {
    of(key) {
      const known = editions.get(key);
      if (known !== undefined) return known;
      const edition = { isOver: false };
      editions.set(key, edition);
      return edition;
    },
    end(keys) {
      for (const key of keys) editions.delete(key);
    },
  };
}

export interface Editions {
  /** The edition of the pages for people that are made now. */
  readonly pages: () => Edition;
  /** The edition of the archive of a feed. */
  readonly archive: (key: FeedKey) => Edition;
  /** Ends the edition of the pages, and those of the archives of these feeds. */
  readonly end: (keys: readonly FeedKey[]) => void;
}

/**
 * The editions of documents that a change may alter without naming them: all pages for people, because the newest story is
 * the end of their charts; and the pages of a feed's archive.
 */
export function createEditions(): Editions {
  let pages: Edition = { isOver: false };
  const archives = createFeedEditions(MAX_FEEDS);
  return {
    pages: () => pages,
    archive: archives.of,
    end(keys) {
      if (keys.length === 0) return;
      pages.isOver = true;
      pages = { isOver: false };
      archives.end(keys);
    },
  };
}
