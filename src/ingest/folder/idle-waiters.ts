import { PATIENCE } from './pending-changes.ts';

interface IdleWaitersParts {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Whether changes that happened already may still be added. */
  readonly isBusy: () => boolean;
  readonly isClosed: () => boolean;
  /** The position of the latest change. */
  readonly lastSequence: () => number;
  /** The position of the first change that is waited for; infinite if there is none. */
  readonly firstAwaited: () => number;
}

interface Waiter {
  /** The position of the last change to wait for. Unknown while busy: a scan adds its files at its end. */
  last: number | undefined;
  /** When the waiter goes on in any case, in milliseconds since 1970. */
  readonly deadline: number;
  readonly resolve: () => void;
}

/** Milliseconds between two looks at the changes. */
const POLL = 5;

/**
 * Returns a function whose promise resolves when every change before its call is done, or after `PATIENCE`. It never
 * waits for later changes: they may never end.
 */
export function createIdleWaiters(parts: IdleWaitersParts): () => Promise<void> {
  const { now, isBusy, isClosed, lastSequence, firstAwaited } = parts;
  /** In the order of the calls. They resolve in the same order. */
  const waiters: Waiter[] = [];

  /** One look serves all waiters: there may be thousands of them, and of dirty paths. */
  function poll(): void {
    if (!isBusy()) for (const waiter of waiters) waiter.last ??= lastSequence();
    const first = firstAwaited();
    const at = now();
    const mustWait = ({ last, deadline }: Waiter) =>
      !isClosed() && at < deadline && (last === undefined || last >= first);
    const firstWaiting = waiters.findIndex(mustWait);
    const done = waiters.splice(0, firstWaiting < 0 ? waiters.length : firstWaiting);
    for (const { resolve } of done) resolve();
    if (waiters.length > 0) setTimeout(poll, POLL);
  }

  return () =>
    new Promise((resolve) => {
      waiters.push({ last: isBusy() ? undefined : lastSequence(), deadline: now() + PATIENCE, resolve });
      if (waiters.length === 1) poll();
    });
}
