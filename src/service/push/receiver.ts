import type { Instant } from '../../lib/instant.ts';
import type { OutboxMessage, OutboxTarget } from '../../store/outbox-store.ts';

/**
 * A system that the service tells of changes. Each kind makes its receivers in a file of its own. A message says what may have changed, not
 * how: to tell it twice does no harm.
 */
export interface Receiver {
  /** Milliseconds from a change until its message: the changes of these are one message. */
  readonly debounce: number;
  readonly target: OutboxTarget;
  /** The most feeds that a message names. With more, it is about everything. */
  readonly most: number;
  /** Milliseconds after which the receiver gets a message once more; 0 where once is enough. */
  readonly repeatAfter: number;
  /** The first moment at which it may be told something. */
  readonly readyAt: (at: Instant) => Instant;
  /**
   * Tells a message. The promise rejects where the receiver may not know it: the dispatcher then tries again.
   *
   * @param signal ends the work, when the service stops or another process does the same work
   * @throws SendError
   */
  readonly tell: (message: OutboxMessage, signal: AbortSignal) => Promise<Told>;
}

/** What a receiver says when it has been told. */
export interface Told {
  /** It wants to be told again then, even if no feed changes until then. */
  readonly againAt?: Instant;
  /** For the log, in the place of a count of feeds. */
  readonly summary?: string;
}
