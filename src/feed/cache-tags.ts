import { hash } from 'node:crypto';
import { memo } from '../lib/memo.ts';
import type { FeedKey } from './feeds.ts';

/**
 * The tags by which caches find the copies of documents. There are few: one for everything, one for what lists feeds or
 * stories of many feeds, and one for each feed. A tag of a feed has a hash of its key, so that a log of the cache names no feed
 * that readers cannot see yet. Articles have no tags: the store knows the feeds that a change touches.
 */

/** The tag of every public answer that a cache may keep. */
export const ALL_TAG = 'feeds';

/** The tag of documents that every change may change: pages for people, the list of feeds, the sitemaps. */
export const LISTS_TAG = 'feed-lists';

/** Characters of the hash: two of ten thousand feeds share a tag in one of a hundred newsrooms, and are purged together then. */
const HASHED = 8;

/** The tag of the documents of a feed: `f-` and eight hexadecimal digits. */
export const feedTag: (key: FeedKey) => string = memo((key) => `f-${hash('sha256', key).slice(0, HASHED)}`, {
  max: 20_000,
  maxLength: 500,
});
