import type { DatabaseSync } from 'node:sqlite';
import { isStoreDamage } from '../../errors.ts';
import { isPartnerFeed } from '../../feed/dialects.ts';
import type { FeedKey } from '../../feed/feeds.ts';
import { storeError } from './database.ts';
import type { FeedDates } from './feed-dates.ts';
import type { StoreRow } from './store-row.ts';

/**
 * Identifies a poll of the event loop. The loop may poll the system several times in one round, and counts the events of
 * each poll once they are handled. While both counts stay the same, it has not polled again.
 */
interface LoopPoll {
  readonly loopCount: number;
  readonly events: number;
}

/** Notices the changes that other processes make to the store. */
export function createExternalChanges(
  db: DatabaseSync,
  { storeRow, feedDates }: { readonly storeRow: StoreRow; readonly feedDates: FeedDates },
) {
  const selectVersion = db.prepare('PRAGMA data_version');
  selectVersion.setReturnArrays(true); // it runs once for each poll, and an object costs as much as the query
  /** `data_version` moves when another connection commits. */
  let seenVersion = dataVersion();
  /** The last revision that is no external change, whoever made it. */
  let seenRevision = lastRevision();
  let lastPoll: LoopPoll | undefined;
  let mayHave = false;
  /** Whether this process has made changes that another one asked for. */
  let hasForeign = false;

  /** A store whose revision is damaged is opened, and serves what is whole: nobody else can change it either. */
  function lastRevision(): number {
    try {
      return storeRow.last();
    } catch (error) {
      if (isStoreDamage(storeError(error))) return 0;
      throw error;
    }
  }

  function dataVersion(): number {
    const [version] = selectVersion.get() as unknown as [number];
    return version;
  }

  /** Whether another process has committed since the last `takeExternallyChangedFeeds`. */
  function hasForeignCommit(): boolean {
    return hasForeign || dataVersion() !== seenVersion;
  }

  /**
   * Looks once for all requests that one poll brings: they had arrived before the poll, so that no change is missed that
   * was acknowledged before one of them. A look costs as much as a third of a response.
   */
  function mayHaveExternalChanges(): boolean {
    const poll = performance.nodeTiming.uvMetricsInfo;
    if (poll.loopCount === lastPoll?.loopCount && poll.events === lastPoll.events) return mayHave;
    mayHave = hasForeignCommit();
    lastPoll = poll;
    return mayHave;
  }

  /** Notes a change by this process that another one asked for: nobody here knows of it. */
  function noteForeign(): void {
    hasForeign = true;
    lastPoll = undefined;
  }

  /** Marks the changes up to this revision as made by this process. */
  function skipTo(revision: number): void {
    seenRevision = revision;
  }

  function takeExternallyChangedFeeds(): FeedKey[] {
    // Read before the query: a commit in between then counts as an external change again.
    const [version, revision] = [dataVersion(), storeRow.last()];
    const touched = feedDates.changedSince(seenRevision);
    // Saved after it: if the query fails, the changes are still external changes.
    [seenVersion, seenRevision, hasForeign] = [version, revision, false];
    lastPoll = undefined;
    return touched;
  }

  const feedsChangedAfter = (revision: number): FeedKey[] =>
    feedDates.changedSince(revision).filter((key) => !isPartnerFeed(key));

  return {
    dataVersion,
    feedsChangedAfter,
    hasForeignCommit,
    mayHaveExternalChanges,
    noteForeign,
    skipTo,
    takeExternallyChangedFeeds,
  };
}
