import type { Instant } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type { AuditEntry } from '../store/store.ts';

/** When a story changed, by its history. Nothing is known of what was removed from the history. */
export interface LastChange {
  /** Its last change after it was first published, but for a withdrawal. */
  readonly changedAt?: Instant;
  /** The date of that change in documents: its second is later than that of every state before it. */
  readonly datedAt?: Instant;
  /** When it was published again after a withdrawal. */
  readonly republishedAt?: Instant;
}

/** @param revision that of the story; later changes are left out */
export function lastChangeIn(history: readonly AuditEntry[], revision: number): LastChange {
  const until = history.filter((entry) => entry.revision <= revision);
  return omitUndefined({
    changedAt: until.findLast(({ what, status }) => what !== 'published' && status !== 'withdrawn')?.at,
    datedAt: lastDateIn(until),
    republishedAt: until.findLast(({ what }) => what === 'republished')?.at,
  });
}

const SECOND = 1000;
/** How far a date is ahead of its change at most: a story that is saved each second, hour after hour, stays near the present. */
const MOST_AHEAD = 60 * SECOND;

/**
 * Consumers skip an item whose date is not newer, and documents have whole seconds: of several changes within a second, each
 * has a second of its own. A state may also have a mark, which is a second later: the story may have left a partner with it.
 */
function lastDateIn(history: readonly AuditEntry[]): Instant | undefined {
  let dated: Instant | undefined;
  let taken = Number.NEGATIVE_INFINITY;
  for (const { what, status, at } of history) {
    const isWithdrawn = status === 'withdrawn';
    const isFirst = what === 'published';
    const date = Math.floor(at / SECOND) * SECOND > taken ? at : Math.min(taken + SECOND, at + MOST_AHEAD);
    if (!isWithdrawn && !isFirst) dated = date;
    taken = Math.ceil((isFirst ? at : date) / SECOND) * SECOND + (isWithdrawn || isFirst ? 0 : SECOND);
  }
  return dated;
}
