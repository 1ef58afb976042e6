import type { Instant } from '../../lib/instant.ts';
import { damaged } from './damage.ts';
import { countUntil } from './feed-reader.ts';
import { type FeedRow, listOf } from './feed-rows.ts';
import { countOf, isBefore, type Key } from './list-parts.ts';
import type { Lists } from './lists.ts';

/** Entries of a page of an archive when it is made; fewer in a feed with smaller documents. */
const PAGE_ENTRIES = 25;

/** Pages by which an archive may be behind without being incomplete: readers work out where they begin and end. */
export const MOST_DUE = 200;

/** Before every entry: the lowest key of the oldest page. */
export const OLDEST: Key = [Number.MIN_SAFE_INTEGER, 0];

/** A page that is full, and the lowest key of the next one, which is open then. */
export interface DuePage {
  readonly entries: number;
  readonly changed: Instant;
  readonly next: Key;
}

/** @param size how many entries the current document of the feed has */
export function pageSize(size: number): number {
  return Math.min(size, PAGE_ENTRIES);
}

/** The lowest key of the open page. */
export function openKey({ lists: { pages } }: FeedRow): Key {
  return pages.parts.length === 0 ? OLDEST : pages.high;
}

/**
 * How many pages of a feed are full at a moment, but not in its archive yet. A page is full when more entries than a document
 * has are in no older page, so that the current document always has every entry that the archive lacks. Entries under embargo
 * do not count. They come after all others: where pages begin and end says nothing of them.
 */
export function countDue(lists: Lists, feed: FeedRow, at: Instant, size: number): number {
  const list = listOf(feed, 'entries');
  if (countOf(list.parts) - feed.archived <= size) return 0;
  return Math.max(0, Math.ceil((countUntil(lists, list, at) - feed.archived - size) / pageSize(size)));
}

/** The oldest of these pages. Each is dated by the change that filled it, as far as the feed knows. */
export function duePages(lists: Lists, feed: FeedRow, count: number, size: number): DuePage[] {
  if (count === 0) return [];
  const needed = size + (count - 1) * pageSize(size) + 1;
  const keys = keysFrom(lists, feed, openKey(feed), needed);
  if (keys.length < needed) throw damaged(`the archive of the feed “${feed.key}” does not match its entries`);
  let start = 0;
  return Array.from({ length: count }, (_, index) => {
    const next = startOf(keys, (index + 1) * pageSize(size));
    const filled = keys[index * pageSize(size) + size]?.[0] ?? 0;
    const page = { entries: next - start, changed: Math.max(feed.changed, filled), next: keys[next] ?? OLDEST };
    start = next;
    return page;
  });
}

/** The keys of entries from one key on, up to a number of them. */
function keysFrom(lists: Lists, feed: FeedRow, from: Key, count: number): Key[] {
  const keys: Key[] = [];
  for (const [published, tie] of lists.up(listOf(feed, 'entries'), justBefore(from))) {
    keys.push([Number(published), Number(tie)]);
    if (keys.length === count) break;
  }
  return keys;
}

/** The index of the first of the entries that share a key with this one. */
export function startOf(keys: readonly Key[], index: number): number {
  const key = keys[index];
  let start = index;
  for (let before = keys[start - 1]; key && before && !isBefore(before, key); before = keys[start - 1]) start -= 1;
  return start;
}

/** Numbers in keys are whole: no key lies between. */
export function justBefore([published, tie]: Key): Key {
  return [published, tie - 1];
}
