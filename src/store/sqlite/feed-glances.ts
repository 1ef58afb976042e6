import type { DatabaseSync } from 'node:sqlite';
import { isPartnerFeed } from '../../feed/dialects.ts';
import { type FeedKey, LATEST, type NamedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { createLru } from '../../lib/lru.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { FeedGlance, GlanceOptions, OwnKind, UsedFeed, UseOptions } from '../store.ts';
import { nameAt } from './feed-names.ts';
import { countUntil, type FeedName, type FeedReader, nextAfter, until } from './feed-reader.ts';
import { type FeedRow, listOf } from './feed-rows.ts';
import { partOf } from './list-parts.ts';
import type { List, Lists, TableRow } from './lists.ts';
import { createPlaces, type Member } from './places.ts';
import type { Snapshots } from './snapshot.ts';

/** Glances, parts of feeds and articles that are kept. */
const MAX_KEPT = 2000;

/** A glance that holds while the feed keeps its revision, from one moment until another, for the same days. */
interface KeptGlance {
  readonly revision: number;
  readonly from: Instant;
  readonly until: Instant;
  readonly days: string;
  readonly glance: FeedGlance;
}

interface EntryDates {
  readonly published: Instant;
  readonly expires: Instant;
}

interface KeptUses {
  readonly revision: number;
  readonly at: Instant;
  readonly articles: number;
  readonly byKind: ReadonlyMap<string, readonly Use[]>;
}

interface Use {
  readonly number: number;
  readonly key: FeedKey;
  readonly used: number;
}

interface GlanceParts {
  readonly lists: Lists;
  readonly feeds: FeedReader;
  readonly snapshots: Pick<Snapshots, 'newest'>;
}

/** What a list of feeds shows of each. No query reads all articles of a feed. Call it in a transaction. */
export function createFeedGlances(db: DatabaseSync, { lists, feeds, snapshots }: GlanceParts) {
  const places = createPlaces(db);
  const kept = createLru<number, KeptGlance>(MAX_KEPT);
  const dates = createLru<string, readonly EntryDates[]>(MAX_KEPT);
  /** The numbers of the feeds that an article names itself, by its number and revision. */
  const ownFeeds = createLru<string, readonly number[]>(MAX_KEPT);
  const keysByList = new WeakMap<readonly FeedName[], ReadonlyMap<number, FeedKey>>();

  let last: KeptUses | undefined;

  function keysOf(names: readonly FeedName[]): ReadonlyMap<number, FeedKey> {
    const keys = keysByList.get(names) ?? new Map(names.map(([key, number]) => [number, key]));
    keysByList.set(names, keys);
    return keys;
  }

  /** The entries that readers can see, newest first. */
  function* visible(feed: FeedRow, at: Instant): Generator<TableRow> {
    for (const row of until(lists, listOf(feed, 'entries'), at)) {
      if (row[4] === null || Number(row[4]) > at) yield row;
    }
  }

  function countOf(feed: FeedRow, at: Instant): number {
    return countUntil(lists, listOf(feed, 'entries'), at) - countUntil(lists, listOf(feed, 'expiries'), at);
  }

  /** The dates in a part of a feed. A part is named by its checksum: after a change, only the changed part is read again. */
  function datesIn(list: List, index: number): readonly EntryDates[] {
    const { count = 0, sum = 0 } = list.parts.parts[index] ?? {};
    const name = `${list.owner} ${count} ${sum}`;
    const known = dates.get(name);
    if (known !== undefined) return known;
    const read = lists.readPart(list, index).map(([published, , , , expires]) => ({
      published: Number(published),
      expires: expires === null ? Number.POSITIVE_INFINITY : Number(expires),
    }));
    dates.set(name, read);
    return read;
  }

  function perDay(feed: FeedRow, at: Instant, days: GlanceOptions['days']): number[] {
    const counts = days.map(() => 0);
    const list = listOf(feed, 'entries');
    let day = days.length - 1;
    for (let index = partOf(list.parts, [at, Number.POSITIVE_INFINITY]); index >= 0; index -= 1) {
      for (const { published, expires } of datesIn(list, index).toReversed()) {
        if (published > at || expires <= at) continue;
        while (day >= 0 && published < (days[day]?.[0] ?? 0)) day -= 1;
        if (day < 0) return counts;
        if (published < (days[day]?.[1] ?? 0)) counts[day] = (counts[day] ?? 0) + 1;
      }
    }
    return counts;
  }

  function untilOf(feed: FeedRow, at: Instant): Instant {
    const changes = [nextAfter(lists, listOf(feed, 'entries'), at), nextAfter(lists, listOf(feed, 'expiries'), at)];
    return Math.min(...changes.map((row) => (row === undefined ? Number.POSITIVE_INFINITY : Number(row[0]))));
  }

  function ownFeedsOf(member: Omit<Member, 'withdrawn'>): readonly number[] {
    const name = `${member.number} ${member.revision}`;
    const known = ownFeeds.get(name);
    if (known !== undefined) return known;
    const numbers: number[] = JSON.parse(places.find({ ...member, withdrawn: null })?.feeds ?? '[]');
    ownFeeds.set(name, numbers);
    return numbers;
  }

  /** How many of the newest articles each feed holds that they name themselves, by kinds of feeds. Kept for the other kinds. */
  function usesIn(latest: FeedRow, at: Instant, articles: number): ReadonlyMap<string, readonly Use[]> {
    const { revision } = latest;
    if (last?.revision === revision && last.at === at && last.articles === articles) return last.byKind;
    const uses = new Map<number, number>();
    for (const [published, , number, revision] of visible(latest, at).take(articles)) {
      const member = { number: Number(number), revision: Number(revision), published: Number(published) };
      for (const feed of ownFeedsOf(member)) uses.set(feed, (uses.get(feed) ?? 0) + 1);
    }
    const byKind = new Map<string, Use[]>();
    const keys = keysOf(feeds.all());
    for (const [number, used] of uses) {
      const key = keys.get(number) ?? '';
      const kind = key.slice(0, key.indexOf('/'));
      const known = byKind.get(kind);
      if (known === undefined) byKind.set(kind, [{ number, key, used }]);
      else known.push({ number, key, used });
    }
    last = { revision, at, articles, byKind };
    return byKind;
  }

  /** The keys of a list, made once. */
  const keyLists = new WeakMap<readonly FeedName[], readonly FeedKey[]>();

  return {
    keys(): readonly FeedKey[] {
      const all = feeds.all();
      const keys = keyLists.get(all) ?? all.map(([key]) => key).filter((key) => !isPartnerFeed(key));
      keyLists.set(all, keys);
      return keys;
    },
    seen(keys: readonly FeedKey[], at: Instant): NamedKey[] {
      return keys.flatMap((key) => {
        const feed = feeds.find(key);
        return feed === undefined || !feeds.isSeen(feed, at) ? [] : [{ key, name: nameAt(lists, feed, at) }];
      });
    },
    used(kind: OwnKind, at: Instant, { articles, limit }: UseOptions): UsedFeed[] {
      const latest = feeds.find(LATEST);
      if (latest === undefined) return [];
      return (usesIn(latest, at, articles).get(kind) ?? [])
        .toSorted((one, other) => other.used - one.used || (one.key < other.key ? -1 : 1))
        .slice(0, limit)
        .map(({ number, key, used }) => ({ key, name: nameAt(lists, feeds.get(number, key), at), used }));
    },
    glance(key: FeedKey, at: Instant, options: GlanceOptions): FeedGlance {
      const feed = isPartnerFeed(key) ? undefined : feeds.find(key);
      if (feed === undefined) return { articles: 0, perDay: options.days.map(() => 0) };
      const { number, revision } = feed;
      const days = JSON.stringify(options.days);
      const known = kept.get(number);
      if (known?.revision === revision && known.days === days && known.from <= at && at < known.until) {
        return known.glance;
      }
      const [newest] = snapshots.newest(feed, at, 1);
      const counts = { articles: countOf(feed, at), perDay: perDay(feed, at, options.days) };
      const glance = omitUndefined({ ...counts, newest });
      kept.set(number, { revision, from: at, until: untilOf(feed, at), days, glance });
      return glance;
    },
  };
}
