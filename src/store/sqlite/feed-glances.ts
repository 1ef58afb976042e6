import type { DatabaseSync } from 'node:sqlite';
import { LRUCache } from 'lru-cache';
import { type FeedKey, LATEST, type NamedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { EntryRef, FeedGlance, GlanceOptions, UsedFeed } from '../store.ts';
import { NAME } from './feed-names.ts';
import { NEXT_CHANGE } from './feed-totals.ts';
import { NEWEST } from './snapshot.ts';

/** The entries of a feed that readers can see. */
const VISIBLE = 'entry.published <= :at AND (entry.expires IS NULL OR entry.expires > :at)';

/** The feeds that the newest articles name themselves, the most used first. */
export const USED = `
  SELECT feed.key, ${NAME} AS name, used
  FROM (
    SELECT own.value AS number, count(*) AS used
    FROM (
      SELECT article FROM entry
      WHERE feed = (SELECT number FROM feed WHERE key = '${LATEST}') AND ${VISIBLE}
      ORDER BY published DESC, tie DESC LIMIT :articles
    ) AS newest CROSS JOIN place ON place.article = newest.article CROSS JOIN json_each(place.feeds) AS own
    GROUP BY own.value
  ) AS counted CROSS JOIN feed ON feed.number = counted.number
  ORDER BY used DESC, feed.key`;

/** The feeds whose keys are in a range and that hold something to see, in the order of their keys. */
export const IN_RANGE = `
  SELECT key, ${NAME} AS name FROM feed
  WHERE key > :from AND key < :to AND EXISTS (SELECT 1 FROM entry WHERE entry.feed = feed.number AND ${VISIBLE})
  ORDER BY key LIMIT :limit`;

/** How many articles of a feed readers can see, up to a limit. */
export const COUNTED_UP_TO = `
  SELECT count(*) AS articles FROM (SELECT 1 FROM entry WHERE feed = :feed AND ${VISIBLE} LIMIT :limit)`;

/** How many articles appeared on each of some days. A range for each day is four times as fast as to group by days. */
export const BY_DAY = `
  SELECT (
    SELECT count(*) FROM entry
    WHERE feed = :feed AND published >= day.value ->> 0 AND published < day.value ->> 1 AND ${VISIBLE}
  ) AS articles FROM json_each(:days) AS day ORDER BY day.key`;

/** Feeds whose glances are kept. */
const MAX_KEPT = 2000;

/** A glance that holds while the feed keeps its revision, from one moment until another, for the same days. */
interface KeptGlance {
  readonly revision: number;
  readonly from: Instant;
  readonly until: Instant;
  readonly options: string;
  readonly glance: FeedGlance;
}

/** What a list of feeds shows of each, in bounded time: no query counts all articles, or looks at all feeds. */
export function createFeedGlances(db: DatabaseSync) {
  const used = db.prepare(USED);
  const inRange = db.prepare(IN_RANGE);
  const feedByKey = db.prepare('SELECT number, revision FROM feed WHERE key = ?');
  const counted = db.prepare(COUNTED_UP_TO);
  const newest = db.prepare(NEWEST);
  const byDay = db.prepare(BY_DAY);
  const nextChange = db.prepare(NEXT_CHANGE);
  const kept = new LRUCache<number, KeptGlance>({ max: MAX_KEPT });

  function count(feed: number, at: Instant, { countTo }: GlanceOptions, days: string): FeedGlance {
    const [first] = newest.all({ feed, at, limit: 1 }) as unknown as Record<string, number>[];
    return omitUndefined({
      articles: Number(counted.get({ feed, at, limit: countTo })?.articles),
      newest: first && entryRef(first),
      perDay: byDay.all({ feed, at, days }).map(({ articles }) => Number(articles)),
    });
  }

  function untilOf(feed: number, at: Instant): Instant {
    const { opens, expires } = nextChange.get({ feed, at }) ?? {};
    return Math.min(Number(opens ?? Number.POSITIVE_INFINITY), Number(expires ?? Number.POSITIVE_INFINITY));
  }

  return {
    used: (at: Instant, articles: number): UsedFeed[] => used.all({ at, articles }) as unknown as UsedFeed[],
    ofKind: (kind: string, at: Instant, limit: number): NamedKey[] =>
      // "0" comes behind "/" among the characters.
      inRange.all({ from: `${kind}/`, to: `${kind}0`, at, limit }) as unknown as NamedKey[],
    glance(key: FeedKey, at: Instant, options: GlanceOptions): FeedGlance {
      const feed = feedByKey.get(key);
      if (feed === undefined) return { articles: 0, perDay: options.days.map(() => 0) };
      const [number, revision] = [Number(feed.number), Number(feed.revision)];
      const days = JSON.stringify(options.days);
      const asked = `${options.countTo} ${days}`;
      const known = kept.get(number);
      if (known?.revision === revision && known.options === asked && known.from <= at && at < known.until) {
        return known.glance;
      }
      const glance = count(number, at, options, days);
      kept.set(number, { revision, from: at, until: untilOf(number, at), options: asked, glance });
      return glance;
    },
  };
}

function entryRef({ number = 0, revision = 0, published = 0, updated = 0 }: Record<string, number>): EntryRef {
  return { number, revision, publishedAt: published, updatedAt: updated };
}
