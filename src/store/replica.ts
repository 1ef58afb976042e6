import type { PublisherError } from '../errors.ts';
import type { Operation } from './operations.ts';

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
  /** Seconds for which this replica has lacked operations, or has not heard of the database. */
  readonly lag: number;
  /** Milliseconds by which the clock of the database is ahead of that of this machine. Undefined before the first comparison. */
  readonly clockOffset: number | undefined;
  /** Why this replica must not serve; undefined where it may. */
  readonly problem: PublisherError | undefined;
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
   * is cut off knows by then that the database is away.
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
}
