import type { Operation, Submit } from './operations.ts';

/** What became of an operation of the log. */
export type Performed =
  | { readonly kind: 'performed'; readonly result: unknown }
  /** It failed in the way in which it fails in every store: it has changed nothing anywhere. */
  | { readonly kind: 'failed'; readonly error: unknown }
  /** Another process of this machine has applied it before. */
  | { readonly kind: 'known' };

/** Which operations a store has. */
export interface LogPosition {
  /** The id of the log. Missing where the store has never followed one. */
  readonly log?: string | undefined;
  /** The position of the last operation that the store has; 0 before the first. */
  readonly position: number;
  /** The token of that operation. Another token at this position means that the log has been replaced. */
  readonly token: string;
}

/** An operation with its place in the log. */
export interface LoggedOperation {
  readonly position: number;
  /** Names this operation and no other. */
  readonly token: string;
  readonly operation: Operation;
}

/** Who has asked for an operation. */
export type AskedBy =
  | 'this-process'
  /** Another process of this machine, which may wait for the result: the store keeps it for `takeReply`. */
  | 'sibling'
  | 'other-machine';

/** A store that follows a log of operations: it has the result of every operation up to a position. */
export interface Projection {
  readonly at: () => LogPosition;
  /** Makes the store follow a log from a position on. */
  readonly follow: (position: LogPosition) => Promise<void>;
  /**
   * Makes the next operation of the log, and remembers its position in the same transaction. Unless this process has asked for
   * it, its changes count as external ones.
   *
   * @throws PublisherError `insufficient_storage`, `store_unavailable`, `store_damaged`: try again later
   */
  readonly perform: (logged: LoggedOperation, askedBy: AskedBy) => Promise<Performed>;
  /** The result of an operation that a sibling has made for this process. Forgets it. */
  readonly takeReply: (token: string) => Promise<unknown>;
  /** Makes an operation in this store alone: it is about files of this machine. */
  readonly performHere: Submit;
  /** A sum of all that the store has. Stores with the same operations have the same one. */
  readonly checksum: () => number;
}
