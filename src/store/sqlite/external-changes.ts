import type { FeedKey } from '../../feed/feeds.ts';
import { lastRevision, type Statements } from './statements.ts';

/**
 * A turn of the event loop. The loop may ask the system several times in one round, and counts the events of each time
 * once it is done with them: where both counts are the same, it has not asked again.
 */
interface Turn {
  readonly loopCount: number;
  readonly events: number;
}

/** Tells what other processes have changed since it told of that last. */
export function createExternalChanges(sql: Statements) {
  /** `data_version` moves when another connection commits. */
  let seenVersion = dataVersion();
  /** The last change that is no external change, whoever made it. */
  let seenRevision = lastRevision(sql);
  /** The turn of the event loop in which it was looked at last. */
  let lookedIn: Turn | undefined;
  let hasNews = false;

  function dataVersion(): number {
    const [version] = sql.dataVersion.get() as unknown as [number];
    return version;
  }

  /** Whether another process has committed something since `takeExternallyChangedFeeds` was asked last. */
  function look(): boolean {
    return dataVersion() !== seenVersion;
  }

  /**
   * Looks once for all that the system tells the event loop of at a time: those requests had come before it was asked, so
   * that no change which was acknowledged before one of them is missed. To look costs as much as a third of an answer.
   */
  function mayHaveExternalChanges(): boolean {
    const turn = performance.nodeTiming.uvMetricsInfo;
    if (turn.loopCount === lookedIn?.loopCount && turn.events === lookedIn.events) return hasNews;
    hasNews = look();
    lookedIn = turn;
    return hasNews;
  }

  /** Changes up to this revision are no external changes. */
  function skipTo(revision: number): void {
    seenRevision = revision;
  }

  function takeExternallyChangedFeeds(): FeedKey[] {
    const [version, revision] = [dataVersion(), lastRevision(sql)]; // before the rest: what is committed between is externalChanges again
    const touched = sql.touchedSince.all(seenRevision).map((row) => String(row.key));
    [seenVersion, seenRevision] = [version, revision]; // after it: where it fails, there is still externalChanges
    lookedIn = undefined;
    return touched;
  }

  return { look, mayHaveExternalChanges, skipTo, takeExternallyChangedFeeds };
}
