import type { FeedKey } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';

/** A system that the service tells of changes. */
export interface OutboxTarget {
  /** Unique, and without a secret: `varnish:http://10.0.0.7:6081/`. */
  readonly id: string;
  readonly kind: string;
}

/** How the messages to a target are made. */
export interface MessageOptions {
  /** The most feeds that one message names. With more, it is about everything. */
  readonly most: number;
  /** Milliseconds for which a feed lists a withdrawal. */
  readonly tombstonesFor: number;
}

export interface ClaimOptions extends MessageOptions {
  /** The process that claims: see `outboxOwner`. */
  readonly owner: string;
  /** Milliseconds in which no other process may claim the message. */
  readonly lease: number;
}

/** What a target is to be told: all that it does not know at that moment. */
export interface OutboxMessage extends OutboxTarget {
  readonly owner: string;
  readonly epoch: number;
  /** The last revision that the message tells of, and the moment of the store that it tells. */
  readonly revision: number;
  readonly at: Instant;
  /** The feeds that have changed for readers; undefined where everything may have. */
  readonly feeds: readonly FeedKey[] | undefined;
  /** Whether a story was withdrawn or erased, or has expired: a copy that has it must not be served again. */
  readonly hasRemovals: boolean;
  /** Whether the target was told all of it before. */
  readonly isRepeat: boolean;
  /** Attempts in a row that have failed before this one. */
  readonly failures: number;
}

/** How an attempt ended. */
export type Settlement =
  | {
      readonly result: 'told';
      /** Milliseconds after which the target gets the message once more; 0 where once is enough. */
      readonly repeatAfter: number;
      /** The target is to be told again then, even if no feed changes until then. */
      readonly againAt?: Instant;
    }
  | {
      readonly result: 'failed';
      readonly reason: string;
      /** No attempt before this moment. */
      readonly retryAt: Instant;
    };

/** A target as the store knows it. */
export interface OutboxRow extends OutboxTarget {
  /** When there is, or was, something to tell; undefined where nothing is known to come. */
  readonly due?: Instant;
  /** No attempt before. */
  readonly notBefore: Instant;
  /** Whether all documents are to be told, and not those of some feeds. */
  readonly isEverything: boolean;
  /** A process tells the target now, at most until then. */
  readonly leaseUntil?: Instant;
  readonly failures: number;
  readonly failingSince?: Instant;
  readonly lastError?: string;
}

/**
 * Messages to other systems. The store keeps one row for each target: what the target knows, and when there is something to
 * tell. The transaction of a change writes the time into the row: now, or the moment at which the change becomes true, as the end
 * of an embargo. What is to be told is computed when the row is claimed, so that many changes are one message, and a story whose
 * embargo has changed has its message at the right moment. The time and the message follow from the changes, the rows and the moment alone.
 */
export interface OutboxStore {
  /**
   * Keeps rows for these targets, and for those that another machine names. A new target, and one that another program told, is to
   * be told everything. A target that asked to be told again later is told now. The leases of earlier processes end: call it
   * before any process claims.
   *
   * @param program another text stands for other documents: the version of the program and what it was started with
   * @param machine names the machine whose targets they are: leases of other machines go on. Leave it out where the store is on one
   * machine alone
   */
  setOutboxTargets(
    targets: readonly OutboxTarget[],
    program: string,
    now: () => Instant,
    machine?: string,
  ): Promise<void>;
  /** All rows, in the order of their targets. */
  outbox(): Promise<readonly OutboxRow[]>;
  /** The message that is due for a target, which nobody else may tell for the time of the lease. Undefined if there is none. */
  claimOutbox(target: string, options: ClaimOptions, now: () => Instant): Promise<OutboxMessage | undefined>;
  /**
   * Prolongs the lease of a message that is still being told. Returns false where another process has claimed it, or nobody is to
   * tell it any more: then stop.
   *
   * @param lease milliseconds from now
   */
  renewOutbox(message: Pick<OutboxMessage, 'id' | 'owner'>, lease: number, now: () => Instant): Promise<boolean>;
  /** Saves how a message was told. Does nothing where another process has claimed it since. */
  settleOutbox(
    message: OutboxMessage,
    settlement: Settlement,
    options: MessageOptions,
    now: () => Instant,
  ): Promise<void>;
  /** Has what is due told at once, whatever failed before, and what was asked for later. Returns whether there is such a target. */
  retryOutbox(target: string, now: () => Instant): Promise<boolean>;
  /** Forgets what was to be told by now. Returns whether there is such a target. */
  dropOutbox(target: string, options: MessageOptions, now: () => Instant): Promise<boolean>;
  /** Removes the row of a target that no service names any more. Returns whether there was one. */
  forgetOutbox(target: string): Promise<boolean>;
}

/**
 * Names a process that claims.
 *
 * @param machine see `setOutboxTargets`
 */
export function outboxOwner(process: string, machine = ''): string {
  return machine === '' ? process : `${machine}/${process}`;
}

/** Whether a process of another machine has claimed: a start of this one says nothing of it. */
export function isOwnerElsewhere(owner: string, machine: string): boolean {
  return owner.includes('/') && !owner.startsWith(`${machine}/`);
}
