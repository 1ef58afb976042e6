import type { FeedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { FeedSnapshot, SnapshotOptions, Tombstone } from '../store.ts';
import type { Statements } from './statements.ts';

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

/** Tombstones a document holds at most, so that a folder that was emptied does not fill it. */
const MOST_TOMBSTONES = 500;

/** What a feed holds at a moment; undefined where it was never visible. */
export function snapshotOf(
  sql: Statements,
  key: FeedKey,
  at: Instant,
  { limit, tombstonesFor }: SnapshotOptions,
): FeedSnapshot | undefined {
  const since = at - tombstonesFor;
  const feed = sql.feed.get({ key, at, since }) as FeedRow | undefined;
  if (feed === undefined || feed.seen === 0) return undefined;
  const rows = sql.newest.all({ feed: feed.number, at, limit }) as unknown as EntryRow[];
  const tombstones = sql.tombstones.all({ feed: feed.number, at, since, limit: MOST_TOMBSTONES }) as unknown as {
    public_id: string;
    at: number;
    reason: string | null;
  }[];
  return omitUndefined({
    name: feed.name,
    entries: rows.map(({ number, revision, published, updated }) => ({
      number,
      revision,
      publishedAt: published,
      updatedAt: updated,
    })),
    tombstones: tombstones.map(
      (row): Tombstone => omitUndefined({ publicId: row.public_id, at: row.at, reason: row.reason ?? undefined }),
    ),
    changedAt: latest(feed.changed, feed.forgotten === null ? null : feed.forgotten + tombstonesFor) ?? 0,
    removedAt: latest(feed.withdrawn, feed.expired),
    nextChangeAt: earliest(
      feed.opens,
      feed.expires,
      feed.withdraws,
      ...tombstones.slice(-1).map((oldest) => oldest.at + tombstonesFor),
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
