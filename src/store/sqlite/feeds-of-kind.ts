import { type FeedKey, LATEST, type NamedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import type { OwnKind } from '../store.ts';
import { nameAt } from './feed-names.ts';
import { countUntil, type FeedReader, nextAfter } from './feed-reader.ts';
import { type FeedRow, listOf } from './feed-rows.ts';
import type { Lists } from './lists.ts';
import type { Reading } from './reading.ts';
import { createRest } from './rest.ts';

interface Parts {
  readonly lists: Lists;
  readonly feeds: FeedReader;
  /** Runs work that reads in a transaction. */
  readonly reading: Reading;
}

/** A list that holds while the feed of all articles keeps its revision, from one moment until another. */
interface KeptList {
  readonly revision: number;
  readonly from: Instant;
  readonly until: Instant;
  readonly limit: number;
  readonly found: readonly NamedKey[];
}

/**
 * Returns a function that lists the feeds of a kind that hold an article which readers can see. It reads in pieces, because
 * any number of feeds may hold none: their articles are withdrawn, have expired or are still under embargo.
 */
export function createFeedsOfKind({ lists, feeds, reading }: Parts) {
  const kept = new Map<OwnKind, KeptList>();

  function named(number: number, key: FeedKey, at: Instant): NamedKey | undefined {
    const feed = feeds.get(number, key);
    const [entries, expiries] = [listOf(feed, 'entries'), listOf(feed, 'expiries')];
    const holds = countUntil(lists, entries, at) - countUntil(lists, expiries, at);
    return holds > 0 ? { key, name: nameAt(lists, feed, at) } : undefined;
  }

  function untilOf(feed: FeedRow, at: Instant): Instant {
    const changes = [nextAfter(lists, listOf(feed, 'entries'), at), nextAfter(lists, listOf(feed, 'expiries'), at)];
    return Math.min(...changes.map((row) => (row === undefined ? Number.POSITIVE_INFINITY : Number(row[0]))));
  }

  async function read(kind: OwnKind, at: Instant, limit: number): Promise<readonly NamedKey[]> {
    const rest = createRest();
    const found: NamedKey[] = [];
    for (const [key, number] of reading(feeds.all)) {
      if (!key.startsWith(`${kind}/`)) continue;
      if (found.length === limit) break;
      await rest();
      const feed = reading(() => named(number, key, at));
      if (feed !== undefined) found.push(feed);
    }
    return found;
  }

  return async (kind: OwnKind, at: Instant, limit: number): Promise<readonly NamedKey[]> => {
    const known = kept.get(kind);
    const latest = reading(() => {
      const feed = feeds.find(LATEST);
      return feed && { revision: feed.revision, until: untilOf(feed, at) };
    });
    const holds = known?.revision === latest?.revision && known !== undefined && known.from <= at && at < known.until;
    if (holds && (known.limit >= limit || known.found.length < known.limit)) return known.found.slice(0, limit);
    const found = await read(kind, at, limit);
    if (latest !== undefined) kept.set(kind, { ...latest, from: at, limit, found });
    return found;
  };
}
