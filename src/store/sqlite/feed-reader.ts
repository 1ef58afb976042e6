import type { DatabaseSync } from 'node:sqlite';
import { PublisherError } from '../../errors.ts';
import { isPartnerFeed } from '../../feed/dialects.ts';
import type { FeedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { textChecksum } from './checksums.ts';
import { damaged } from './damage.ts';
import { FEED_COLUMNS, type FeedRow, feedRow, listOf } from './feed-rows.ts';
import { addRow, countOf, emptyParts, type Parts, partOf } from './list-parts.ts';
import type { List, Lists, TableRow } from './lists.ts';
import type { StoreRow } from './store-row.ts';
import { isFilling } from './stored-rule.ts';

/** Seconds after which a reader may come again for a feed that is being filled. */
const RETRY_AFTER = 5;

/** After every row of a moment, and before those of the next millisecond. */
const LAST = Number.POSITIVE_INFINITY;

/** The key of a feed, and its number. */
export type FeedName = readonly [FeedKey, number];

/** All feeds, in the order of their keys. */
interface Directory {
  readonly parts: Parts;
  readonly feeds: readonly FeedName[];
  readonly keys: ReadonlySet<FeedKey>;
}

interface FeedReaderParts {
  readonly lists: Lists;
  readonly storeRow: StoreRow;
}

export type FeedReader = ReturnType<typeof createFeedReader>;

/** Reads feeds as they are in the store. Call it in a transaction. */
export function createFeedReader(db: DatabaseSync, { lists, storeRow }: FeedReaderParts) {
  const byKey = db.prepare(`SELECT ${FEED_COLUMNS} FROM feed WHERE key = ?`);
  const byNumber = db.prepare(`SELECT ${FEED_COLUMNS} FROM feed WHERE number = ?`);
  const directory = db.prepare('SELECT key, number FROM feed INDEXED BY sqlite_autoindex_feed_1 ORDER BY key');
  for (const statement of [byKey, byNumber, directory]) statement.setReturnArrays(true);

  function find(key: FeedKey): FeedRow | undefined {
    const columns = byKey.get(key) as unknown as readonly unknown[] | undefined;
    if (columns !== undefined) return ofKey(feedRow(columns), key);
    if (names().has(key)) throw damaged(`the feed “${key}” is missing`);
    return undefined;
  }

  function names(): ReadonlySet<FeedKey> {
    all();
    return known.keys;
  }

  function get(number: number, key: FeedKey): FeedRow {
    const columns = byNumber.get(number) as unknown as readonly unknown[] | undefined;
    if (columns === undefined) throw damaged(`the feed “${key}” is missing`);
    return ofKey(feedRow(columns), key);
  }

  /** The key of the feed with this number. @throws PublisherError `store_damaged` */
  function keyOf(number: number): FeedKey {
    const columns = byNumber.get(number) as unknown as readonly unknown[] | undefined;
    if (columns === undefined) throw damaged(`the feed number ${number} is missing`);
    return feedRow(columns).key;
  }

  /** The feeds as they were when they were checked last. */
  let known: Directory = { parts: emptyParts(), feeds: [], keys: new Set() };

  /** The keys and numbers of all feeds, in the order of their keys. */
  function all(): readonly FeedName[] {
    const parts = storeRow.feeds();
    if (isSame(known.parts, parts)) return known.feeds;
    const feeds = directory.all() as unknown as FeedName[];
    const found = emptyParts();
    for (const [key, number] of feeds) addRow(found, [0, 0, number, textChecksum(key)]);
    if (!isSame(found, parts)) throw damaged('the list of feeds does not match its checksums');
    known = { parts: found, feeds, keys: new Set(feeds.map(([key]) => key)) };
    return feeds;
  }

  /** Whether readers could ever see a feed that is not being filled and not a partner's own: it is declared, or holds a visible article or a tombstone, or an article left it that was visible. */
  function isSeen(feed: FeedRow, at: Instant): boolean {
    if (isFilling(feed) || isPartnerFeed(feed.key)) return false;
    if (feed.declared !== 0 || feed.lists.tombstones.parts.length > 0) return true;
    if (feed.visibleFrom !== null && feed.visibleFrom <= at) return true;
    const { parts, high } = feed.lists.entries;
    if (parts.length > 0 && high[0] <= at) return true;
    return first(lists.down(listOf(feed, 'entries'), [at, LAST])) !== undefined;
  }

  /** @throws PublisherError `feed_filling` */
  function requireFilled(feed: FeedRow): void {
    if (!isFilling(feed) || feed.declared === 0) return;
    throw new PublisherError(
      'feed_filling',
      `The feed ${feed.key} has a new rule, and is being filled with its articles.`,
      {
        hint: `Try again in ${RETRY_AFTER} seconds. All other feeds are served.`,
        retryAfter: RETRY_AFTER,
      },
    );
  }

  /** A feed that readers could ever see. @throws PublisherError `feed_filling` */
  function findSeen(key: FeedKey, at: Instant): FeedRow | undefined {
    const feed = isPartnerFeed(key) ? undefined : find(key);
    if (feed === undefined) return undefined;
    requireFilled(feed);
    return isSeen(feed, at) ? feed : undefined;
  }

  return { find, get, keyOf, all, isSeen, findSeen, requireFilled };
}

function ofKey(feed: FeedRow, key: FeedKey): FeedRow {
  if (feed.key !== key) throw damaged(`the index of feeds has “${feed.key}” for “${key}”`);
  return feed;
}

function isSame(one: Parts, other: Parts): boolean {
  const [{ count, sum } = { count: 0, sum: 0 }] = one.parts;
  const [expected = { count: 0, sum: 0 }] = other.parts;
  return count === expected.count && sum === expected.sum;
}

export function first(rows: Iterable<TableRow>): TableRow | undefined {
  for (const row of rows) return row;
  return undefined;
}

/** The rows up to a moment, newest first. */
export function until(lists: Lists, list: List, at: Instant): Iterable<TableRow> {
  return lists.down(list, [at, LAST]);
}

/** The first row after a moment. */
export function nextAfter(lists: Lists, list: List, at: Instant): TableRow | undefined {
  if (list.parts.high[0] <= at) return undefined;
  return first(lists.up(list, [at, LAST]));
}

/** How many rows a list has up to a moment. It reads the part that has the moment, and only counts those before it. */
export function countUntil(lists: Lists, list: List, at: Instant): number {
  const { parts } = list.parts;
  if (list.parts.high[0] <= at) return countOf(list.parts);
  const index = partOf(list.parts, [at, LAST]);
  const before = parts.slice(0, index).reduce((count, part) => count + part.count, 0);
  return before + lists.readPart(list, index).filter(([moment]) => Number(moment) <= at).length;
}
