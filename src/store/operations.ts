import type { FeedKey } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import type { ClaimOptions, MessageOptions, OutboxMessage, OutboxTarget, Settlement } from './outbox-store.ts';
import type { Change, Configuration, DocumentSizes, FeedToBackfill, Outcome, StoredKey } from './store.ts';

/** A part of the entries that one feed gets or loses, because its rule has changed. */
export interface EntryMove {
  readonly feed: FeedKey;
  /** The rule by which the entries were chosen. If the feed has another one by now, nothing moves. */
  readonly rule: string;
  /** The store's numbers of articles. */
  readonly removed: readonly number[];
  readonly added: readonly number[];
  /** Whether the feed holds what its rule selects after this move. */
  readonly isLast: boolean;
}

/** What a part of the division of a history has done. */
export interface DividedFeed {
  /** Entries that are still to be divided. */
  readonly left: number;
  /** Whether readers see the archive of the feed only now. */
  readonly isNew: boolean;
}

/**
 * What changes a store, by name: the arguments, and the result. All arguments are plain values.
 *
 * The same operations in the same order, with the same moments, make the same store. So an operation must read nothing else: no
 * clock, no file, no random number, and nothing that another store may not have.
 */
export interface OperationTypes {
  apply(changes: readonly Change[]): readonly Outcome[];
  /** @param most `null`: all feeds are filled at once */
  backfillFeeds(feeds: readonly FeedToBackfill[], most: number | null): number;
  /**
   * Moves entries that were chosen when the store had the revision `since`: articles that have changed after it are in their
   * feeds by the new rules already. Returns the feeds that are filled now.
   */
  moveEntries(since: number, moves: readonly EntryMove[]): readonly FeedKey[];
  /** Articles need the earlier rules of feeds no more. */
  endFilling(): void;
  configure(configuration: Configuration): void;
  touchAllFeeds(): void;
  markServed(): void;
  setDocumentSizes(sizes: DocumentSizes): void;
  divideFeed(feed: number): DividedFeed;
  pruneAudit(before: Instant): number;
  pruneFormerMembers(before: Instant): number;
  saveSetting(name: string, value: string): void;
  keepSetting(name: string, value: string): string;
  setOutboxTargets(targets: readonly OutboxTarget[], program: string, machine: string): void;
  claimOutbox(target: string, options: ClaimOptions): OutboxMessage | undefined;
  renewOutbox(message: Pick<OutboxMessage, 'id' | 'owner'>, lease: number): boolean;
  settleOutbox(message: OutboxMessage, settlement: Settlement, options: MessageOptions): void;
  retryOutbox(target: string): boolean;
  dropOutbox(target: string, options: MessageOptions): boolean;
  forgetOutbox(target: string): boolean;
  createKey(key: StoredKey): void;
  revokeKey(id: string, at: Instant): boolean;
}

export type OperationName = keyof OperationTypes;
export type ArgumentsOf<Name extends OperationName> = Parameters<OperationTypes[Name]>;
export type ResultOf<Name extends OperationName> = ReturnType<OperationTypes[Name]>;

/** Each operation as a function. Call it in a transaction. */
export type Operations = {
  readonly [Name in OperationName]: (now: () => Instant, ...args: ArgumentsOf<Name>) => ResultOf<Name>;
};

/** Has an operation made, and resolves with its result when it is on disk and this store shows it. */
export type Submit = <Name extends OperationName>(
  name: Name,
  now: () => Instant,
  ...args: ArgumentsOf<Name>
) => Promise<ResultOf<Name>>;

/** An operation as a value. */
export type Operation<Names extends OperationName = OperationName> = {
  readonly [Name in Names]: {
    readonly name: Name;
    /** Its moment, for every clock that it would read. */
    readonly at: Instant;
    readonly args: ArgumentsOf<Name>;
  };
}[Names];
