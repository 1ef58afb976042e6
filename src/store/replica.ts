import type { PublisherError } from '../errors.ts';
import type { Operation } from './operations.ts';
import type { SharedDeliveries } from './shared-deliveries.ts';
import type { SharedTraffic } from './traffic-store.ts';

/** How a replica stands. */
export interface ReplicaState {
  /** Whether the database can be reached. */
  readonly isConnected: boolean;
  /** Whether this replica watches files and removes what is old. */
  readonly isOwner: boolean;
  /** The position of the last operation that this replica has. */
  readonly applied: number;
  /** The position of the last operation of the log, as far as this replica knows. */
  readonly last: number;
  /** Seconds for which this replica has lacked an operation, or has not heard of the database. */
  readonly lag: number;
  /** Seconds since the database has answered. */
  readonly silence: number;
  /** Milliseconds by which the clock of the database is ahead of that of this machine. Undefined before the first comparison. */
  readonly clockOffset: number | undefined;
  /** Why this replica must not serve; undefined where it may. */
  readonly problem: PublisherError | undefined;
}

/**
 * Whether a replica shows what the others show: `behind` where it knows of newer operations, `unknown` where it has not heard of the
 * database for so long that there may be some.
 */
export const FRESHNESS = ['current', 'behind', 'unknown'] as const;
export type Freshness = (typeof FRESHNESS)[number];

/** Seconds for which a replica may be behind, or hear nothing, and still count as current. */
const CURRENT_FOR = 2;

export function freshnessOf({ isConnected, lag, silence, problem }: ReplicaState): Freshness {
  if (!isConnected || silence >= CURRENT_FOR) return 'unknown';
  return lag >= CURRENT_FOR || problem !== undefined ? 'behind' : 'current';
}

/** What a service has to know of the log that its store follows. */
export interface Replica {
  /** Names the copy of the store on this machine. */
  readonly id: string;
  readonly state: () => ReplicaState;
  /** Makes all operations that are in the log by now. While the database is away, there is nothing to wait for. */
  readonly catchUp: () => Promise<void>;
  /**
   * Resolves when every replica that was heard of lately shows a revision of the store, or after a few seconds: a replica that
   * is cut off, or that is still behind, knows it by then, and lets no cache keep its documents for long.
   */
  readonly appliedEverywhere: (revision: number) => Promise<void>;
  /** Takes each operation of another process, after it was made here. */
  readonly onForeign: (take: (operation: Operation) => void) => void;
  /** Takes whether this replica is the owner, now and whenever that changes. */
  readonly onOwner: (take: (isOwner: boolean) => void) => void;
  /** Takes each error that keeps this replica from making an operation, or from its work as the owner. It tries again. */
  readonly onFailure: (take: (error: unknown) => void) => void;
  /** Takes each change of the connection: the reason why it was lost, or undefined when it is back. */
  readonly onConnection: (take: (lost: { readonly reason: string } | undefined) => void) => void;
  /** Runs work that only one replica at a time may do. While the database is away, it runs at once. */
  readonly alone: <Result>(work: () => Promise<Result>) => Promise<Result>;
  /** What all replicas have delivered to partners. */
  readonly deliveries: SharedDeliveries;
  /** What all replicas have answered. */
  readonly traffic: SharedTraffic;
}
