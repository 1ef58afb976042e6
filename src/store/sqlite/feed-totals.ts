import { type FeedKey, LATEST } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { createLru } from '../../lib/lru.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { FeedList, FeedListOptions, FeedTotal, ListedFeed } from '../store.ts';
import { nameAt } from './feed-names.ts';
import { countUntil, type FeedName, type FeedReader, nextAfter, until } from './feed-reader.ts';
import { type FeedRow, listOf } from './feed-rows.ts';
import type { Lists } from './lists.ts';
import type { Reading } from './reading.ts';
import { createRest } from './rest.ts';

/** Feeds whose totals are kept. */
const MAX_KEPT = 100_000;

/** A count that holds while the feed keeps its revision, from one moment until another. */
interface KeptTotal {
  readonly revision: number;
  readonly from: Instant;
  readonly until: Instant;
  readonly total: FeedTotal;
}

interface FeedTotalsParts {
  readonly lists: Lists;
  readonly feeds: FeedReader;
  /** Runs work that reads in a transaction. */
  readonly reading: Reading;
}

/** Counts what readers can see in each feed. */
export function createFeedTotals({ lists, feeds, reading }: FeedTotalsParts) {
  const kept = createLru<number, KeptTotal>(MAX_KEPT);

  function totalOf(feed: FeedRow, at: Instant): FeedTotal {
    const { number, revision } = feed;
    const known = kept.get(number);
    if (known?.revision === revision && known.from <= at && at < known.until) return known.total;
    const total = count(feed, at);
    const changes = [nextAfter(lists, listOf(feed, 'entries'), at), nextAfter(lists, listOf(feed, 'expiries'), at)];
    const moments = changes.map((row) => (row === undefined ? Number.POSITIVE_INFINITY : Number(row[0])));
    kept.set(number, { revision, from: at, until: Math.min(...moments), total });
    return total;
  }

  /** An article expires after it was published: all that have expired are among those that were published. */
  function count(feed: FeedRow, at: Instant): FeedTotal {
    const entries = listOf(feed, 'entries');
    const articles = countUntil(lists, entries, at) - countUntil(lists, listOf(feed, 'expiries'), at);
    if (articles === 0) return { articles };
    for (const [published, , , , expires] of until(lists, entries, at)) {
      if (expires === null || Number(expires) > at) return { articles, newest: Number(published) };
    }
    return { articles };
  }

  /** The totals of a feed, and its name; undefined where readers could never see it. */
  function listed(feed: FeedRow, at: Instant): ListedFeed | undefined {
    if (!feeds.isSeen(feed, at)) return undefined;
    return { key: feed.key, name: nameAt(lists, feed, at), ...totalOf(feed, at) };
  }

  return {
    /** In pieces: another request may come between two feeds. */
    async list({ after, limit, at, kind }: FeedListOptions): Promise<FeedList> {
      const rest = createRest();
      const found: ListedFeed[] = [];
      let last = after;
      const all = reading(feeds.all);
      for (const [key, number] of all.slice(startAfter(all, after))) {
        if (kind !== undefined && kindOf(key) !== kind) continue;
        if (found.length === limit) return { feeds: found, next: last };
        last = key;
        await rest();
        const feed = reading(() => listed(feeds.get(number, key), at));
        if (feed !== undefined) found.push(feed);
      }
      return { feeds: found };
    },
    total(key: FeedKey, at: Instant): FeedTotal | undefined {
      const feed = feeds.find(key);
      if (feed === undefined) return undefined;
      const found = listed(feed, at);
      return found && omitUndefined({ articles: found.articles, newest: found.newest });
    },
  };
}

/** The index of the first feed after a key, by binary search. Keys are in the order of UTF-8. */
export function startAfter(feeds: readonly FeedName[], after: FeedKey): number {
  const bytes = Buffer.from(after);
  let from = 0;
  let to = feeds.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    const [key] = feeds[middle] ?? [''];
    if (Buffer.compare(Buffer.from(key), bytes) > 0) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** `section/world` → `section`; the kind of a feed that the operator defines is `custom`. */
function kindOf(key: FeedKey): string {
  const slash = key.indexOf('/');
  if (slash >= 0) return key.slice(0, slash);
  return key === LATEST ? LATEST : 'custom';
}
