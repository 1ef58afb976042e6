import { readFile } from 'node:fs/promises';

/**
 * Returns a function to call at each event of a watch. While the system's queue of events is full, the system drops
 * further ones without an error. All queued events arrive in one iteration of the event loop: many in one iteration mean
 * that the queue was full. Half the queue is enough to suspect it, because events of removed folders reach nobody.
 *
 * @param limit the system's limit of queued events
 * @param onOverflow is called once for an iteration in which events may have been dropped
 */
export function createOverflowDetector(limit: number, onOverflow: () => void): () => void {
  let events = 0;

  function endIteration(): void {
    const isSuspect = events >= limit / 2;
    events = 0;
    if (isSuspect) onOverflow();
  }

  return () => {
    if (events === 0) setImmediate(endIteration);
    events += 1;
  };
}

/** How many events Linux queues for a process that does not read them. The limits of other systems are unknown. */
export async function maxQueuedEvents(): Promise<number> {
  try {
    return Number(await readFile('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
