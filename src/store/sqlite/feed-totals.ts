import type { DatabaseSync } from 'node:sqlite';
import { LRUCache } from 'lru-cache';
import { type FeedKey, LATEST } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { FeedList, FeedListOptions, FeedTotal, ListedFeed } from '../store.ts';
import { NAME } from './feed-names.ts';
import { createRest } from './rest.ts';
import { SEEN } from './snapshot.ts';

/** Entries that are counted by one statement: about 2 ms. */
const COUNTED_TOGETHER = 20_000;
/** Feeds that are read by one statement. */
const READ_TOGETHER = 200;
/** Feeds whose totals are kept. */
const MAX_KEPT = 100_000;

/** The entries behind a position in a feed, newest first: one range of the primary key. */
const BEHIND = 'feed = :feed AND (published, tie, article) < (:published, :tie, :article)';

/** The last entry of those that are counted together. */
export const LAST_COUNTED = `
  SELECT published, tie, article FROM entry WHERE ${BEHIND}
  ORDER BY published DESC, tie DESC, article DESC LIMIT 1 OFFSET ${COUNTED_TOGETHER - 1}`;

/** How many of the next entries readers can see, and the date of the newest of these. */
export const COUNTED = `
  SELECT count(*) AS articles, max(published) AS newest
  FROM (
    SELECT published, expires FROM entry WHERE ${BEHIND}
    ORDER BY published DESC, tie DESC, article DESC LIMIT ${COUNTED_TOGETHER})
  WHERE expires IS NULL OR expires > :at`;

/** The next moments at which time alone changes what readers can see of a feed. */
export const NEXT_CHANGE = `
  SELECT (SELECT min(published) FROM entry WHERE feed = :feed AND published > :at) AS opens,
    (SELECT min(expires) FROM entry WHERE feed = :feed AND expires > :at) AS expires`;

interface FeedRow {
  readonly number: number;
  readonly key: string;
  readonly name: string;
  readonly revision: number;
  readonly seen: number;
}

/** The primary key of an entry in its feed. */
type Position = Readonly<Record<'published' | 'tie' | 'article', number>>;

/** A count that holds while the feed keeps its revision, from one moment until another. */
interface KeptTotal {
  readonly revision: number;
  readonly from: Instant;
  readonly until: Instant;
  readonly total: Promise<FeedTotal>;
}

/** Counts what readers can see in each feed, in pieces: the largest feed would keep every other request waiting. */
export function createFeedTotals(db: DatabaseSync) {
  const feedsAfter = db.prepare(`
    SELECT number, key, ${NAME} AS name, revision, ${SEEN} AS seen FROM feed WHERE key > :after ORDER BY key LIMIT ${READ_TOGETHER}`);
  const feedByKey = db.prepare(
    `SELECT number, key, ${NAME} AS name, revision, ${SEEN} AS seen FROM feed WHERE key = :key`,
  );
  const lastCounted = db.prepare(LAST_COUNTED);
  const counted = db.prepare(COUNTED);
  const nextChange = db.prepare(NEXT_CHANGE);
  const kept = new LRUCache<number, KeptTotal>({ max: MAX_KEPT });

  function totalOf({ number, revision }: FeedRow, at: Instant, rest: () => Promise<void>): Promise<FeedTotal> {
    const known = kept.get(number);
    if (known?.revision === revision && known.from <= at && at < known.until) return known.total;
    const { opens, expires } = nextChange.get({ feed: number, at }) ?? {};
    const until = Math.min(Number(opens ?? Number.POSITIVE_INFINITY), Number(expires ?? Number.POSITIVE_INFINITY));
    const total = count(number, at, rest);
    kept.set(number, { revision, from: at, until, total });
    total.catch(() => kept.delete(number));
    return total;
  }

  async function count(feed: number, at: Instant, rest: () => Promise<void>): Promise<FeedTotal> {
    // Before every entry that readers can see: dates are whole milliseconds, and no other number is negative.
    let position: Position | undefined = { published: at + 1, tie: -1, article: -1 };
    let articles = 0;
    let newest: Instant | undefined;
    while (position !== undefined) {
      await rest();
      const part = counted.get({ feed, at, ...position });
      articles += Number(part?.articles);
      newest ??= part?.newest == null ? undefined : Number(part.newest);
      position = lastCounted.get({ feed, ...position }) as Position | undefined;
    }
    return omitUndefined({ articles, newest });
  }

  return {
    async list({ after, limit, at, kind }: FeedListOptions): Promise<FeedList> {
      const rest = createRest();
      const feeds: ListedFeed[] = [];
      let last = after;
      for (;;) {
        const rows = feedsAfter.all({ after: last, at }) as unknown as FeedRow[];
        for (const row of rows) {
          if (feeds.length === limit) return { feeds, next: last };
          last = row.key;
          if (row.seen === 0 || (kind !== undefined && kindOf(row.key) !== kind)) continue;
          await rest();
          feeds.push({ key: row.key, name: row.name, ...(await totalOf(row, at, rest)) });
        }
        if (rows.length < READ_TOGETHER) return { feeds };
        await rest();
      }
    },
    async total(key: FeedKey, at: Instant): Promise<FeedTotal | undefined> {
      const row = feedByKey.get({ key, at }) as unknown as FeedRow | undefined;
      return row === undefined || row.seen === 0 ? undefined : totalOf(row, at, createRest());
    },
  };
}

/** `section/world` → `section`; the kind of a feed that the operator defines is `custom`. */
function kindOf(key: FeedKey): string {
  const slash = key.indexOf('/');
  if (slash >= 0) return key.slice(0, slash);
  return key === LATEST ? LATEST : 'custom';
}
