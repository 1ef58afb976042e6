import type { FeedKey } from '../../feed/feeds.ts';

/** A feed of the system that a source comes from, by its addresses there. */
export interface OldFeed {
  /** Paths, some with a query, below the host of the old site. Its readers have the first one. */
  readonly addresses: readonly string[];
  /** The feed here; undefined if there is none, so that its readers may stop asking. */
  readonly feed: FeedKey | undefined;
  /** Whether a story of the source is in it. */
  readonly isUsed: boolean;
}

/** Receives the feeds of the old site, once for each source that names them. */
export type OnOldFeeds = (feeds: readonly OldFeed[]) => void;
