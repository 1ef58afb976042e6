import { LATEST, type NamedKey } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import type { Store } from '../store/store.ts';

interface KnownFeeds {
  readonly revision: number;
  readonly from: Instant;
  readonly until: Instant;
  readonly feeds: readonly NamedKey[];
}

/**
 * All feeds that readers can see, for as long as neither a change nor the end of an embargo adds one. The list is exact: one
 * that is only renewed by a change would tell of a change to a story under embargo. It is the same list while the feeds are
 * the same.
 */
export function createKnownFeeds(
  store: Pick<Store, 'lastRevision' | 'snapshot' | 'feeds'>,
): (at: Instant) => Promise<readonly NamedKey[]> {
  let known: KnownFeeds | undefined;
  return async (at) => {
    const revision = await store.lastRevision();
    if (known?.revision !== revision || at < known.from || at >= known.until) {
      const latest = await store.snapshot(LATEST, at, { limit: 1, tombstonesFor: 0 });
      const until = latest?.nextChangeAt ?? Number.POSITIVE_INFINITY;
      known = { revision, from: at, until, feeds: await store.feeds(at) };
    }
    return known.feeds;
  };
}
