import type { DatabaseSync } from 'node:sqlite';
import type { FeedKey, NamedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { FeedSnapshot, SnapshotOptions } from '../store.ts';
import { NAME } from './feed-names.ts';

/**
 * Whether readers could ever see a feed: it is declared, or holds a visible article or a tombstone, or an article left it
 * that was visible.
 */
export const SEEN = `(
  feed.declared
  OR coalesce(feed.visible_from <= :at, 0)
  OR EXISTS (SELECT 1 FROM entry WHERE entry.feed = feed.number AND entry.published <= :at)
  OR EXISTS (SELECT 1 FROM tombstone WHERE tombstone.feed = feed.number)
)`;

/** The newest visible entries of a feed: a range of the primary key, read backwards. */
export const NEWEST = `
  SELECT article.number, article.revision, entry.published, article.updated
  FROM entry JOIN article ON article.number = entry.article
  WHERE entry.feed = :feed AND entry.published <= :at AND (entry.expires IS NULL OR entry.expires > :at)
  ORDER BY entry.published DESC, entry.tie DESC
  LIMIT :limit`;

/** The most tombstones in a document: a folder that is emptied must not fill it. */
const MAX_TOMBSTONES = 500;

interface FeedRow {
  readonly number: number;
  readonly name: string;
  readonly changed: number;
  readonly seen: number;
  readonly opens: number | null;
  readonly expires: number | null;
  readonly withdraws: number | null;
  readonly withdrawn: number | null;
  readonly expired: number | null;
  readonly forgotten: number | null;
}

interface EntryRow {
  readonly number: number;
  readonly revision: number;
  readonly published: number;
  readonly updated: number;
}

interface TombstoneRow {
  readonly public_id: string;
  readonly at: number;
  readonly reason: string | null;
}

/** Reads the feeds as they are at one moment. */
export function createSnapshots(db: DatabaseSync) {
  const feeds = db.prepare(`SELECT key, ${NAME} AS name FROM feed WHERE ${SEEN} ORDER BY key`);
  const feedByKey = db.prepare(`
    SELECT number, ${NAME} AS name, changed, ${SEEN} AS seen,
      (SELECT min(published) FROM entry WHERE feed = feed.number AND published > :at) AS opens,
      (SELECT min(expires) FROM entry WHERE feed = feed.number AND expires > :at) AS expires,
      (SELECT min(at) FROM tombstone WHERE feed = feed.number AND at > :at) AS withdraws,
      (SELECT max(at) FROM tombstone WHERE feed = feed.number AND at <= :at) AS withdrawn,
      (SELECT max(expires) FROM entry WHERE feed = feed.number AND expires <= :at) AS expired,
      (SELECT max(at) FROM tombstone WHERE feed = feed.number AND at <= :since) AS forgotten
    FROM feed WHERE key = :key`);
  const newest = db.prepare(NEWEST);
  const tombstones = db.prepare(`
    SELECT article.public_id, tombstone.at, article.article ->> '$.withdrawn.reason' AS reason
    FROM tombstone JOIN article ON article.number = tombstone.article
    WHERE tombstone.feed = :feed AND tombstone.at <= :at AND tombstone.at > :since
    ORDER BY tombstone.at DESC, tombstone.article DESC LIMIT :limit`);
  const newerThan = db.prepare(`
    SELECT count(*) AS newer FROM (
      SELECT 1 FROM entry JOIN feed ON feed.number = entry.feed
      WHERE feed.key = :key AND published <= :at AND (expires IS NULL OR expires > :at)
        AND (published, tie) > (SELECT published, tie FROM place WHERE place.article = :number)
      LIMIT :limit)`);
  return {
    feeds: (at: Instant): NamedKey[] => feeds.all({ at }) as unknown as NamedKey[],
    newerThan: (key: FeedKey, number: number, at: Instant, limit: number): number =>
      Number(newerThan.get({ key, number, at, limit })?.newer),
    snapshot(key: FeedKey, at: Instant, { limit, tombstonesFor }: SnapshotOptions): FeedSnapshot | undefined {
      const since = at - tombstonesFor;
      const feed = feedByKey.get({ key, at, since }) as FeedRow | undefined;
      if (feed === undefined || feed.seen === 0) return undefined;
      const entries = newest.all({ feed: feed.number, at, limit }) as unknown as EntryRow[];
      const withdrawals = tombstones.all({ feed: feed.number, at, since, limit: MAX_TOMBSTONES });
      return feedSnapshot(feed, entries, withdrawals as unknown as TombstoneRow[], tombstonesFor);
    },
  };
}

function feedSnapshot(
  feed: FeedRow,
  entries: readonly EntryRow[],
  tombstones: readonly TombstoneRow[],
  tombstonesFor: number,
): FeedSnapshot {
  const oldest = tombstones.at(-1);
  return omitUndefined({
    name: feed.name,
    entries: entries.map(({ number, revision, published, updated }) => ({
      number,
      revision,
      publishedAt: published,
      updatedAt: updated,
    })),
    tombstones: tombstones.map(({ public_id: publicId, at, reason }) =>
      omitUndefined({ publicId, at, reason: reason ?? undefined }),
    ),
    changedAt: latest(feed.changed, feed.forgotten === null ? null : feed.forgotten + tombstonesFor) ?? 0,
    removedAt: latest(feed.withdrawn, feed.expired),
    nextChangeAt: earliest(
      feed.opens,
      feed.expires,
      feed.withdraws,
      oldest === undefined ? null : oldest.at + tombstonesFor,
    ),
  });
}

function latest(...moments: readonly (Instant | null)[]): Instant | undefined {
  const known = moments.filter((moment) => moment !== null);
  return known.length === 0 ? undefined : Math.max(...known);
}

function earliest(...moments: readonly (Instant | null)[]): Instant | undefined {
  const known = moments.filter((moment) => moment !== null);
  return known.length === 0 ? undefined : Math.min(...known);
}
