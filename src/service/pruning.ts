import { setTimeout as sleep } from 'node:timers/promises';
import type { Publication } from '../config/publication.ts';
import type { Instant } from '../lib/instant.ts';

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;
/** Milliseconds between two transactions: a change by the newsroom comes between them. */
const PAUSE = 20;

interface PruningParts {
  readonly now: () => number;
  readonly fail: (error: unknown) => void;
}

interface Pruned {
  /** Removes what is older than that moment, as much as one transaction should bear. Resolves with how much it was. */
  readonly prune: (before: Instant) => Promise<number>;
  readonly days: () => number;
}

/**
 * Days for which the store keeps which feeds a story has left: a partner's retention from when it left, the same again where the
 * story ends just before that is over, and as long as receipts look back.
 */
export function formerMemberDays({
  partners = [],
  deliveryDays,
}: Pick<Publication, 'partners' | 'deliveryDays'>): number {
  return partners.reduce((days, { retention }) => Math.max(days, (2 * retention) / DAY), deliveryDays);
}

/** Removes what is older than so many days: now and every hour. */
export function startPruning(
  { prune: pruneSome, days }: Pruned,
  { now, fail }: PruningParts,
): { readonly close: () => Promise<void> } {
  let isClosed = false;
  let running: Promise<void> | undefined;

  async function prune(): Promise<void> {
    const before = now() - days() * DAY;
    while (!isClosed && (await pruneSome(before)) > 0) await sleep(PAUSE);
  }

  function pruneOnce(): void {
    running ??= prune()
      .catch(fail)
      .finally(() => {
        running = undefined;
      });
  }

  const timer = setInterval(pruneOnce, HOUR).unref();
  pruneOnce();
  return {
    async close() {
      isClosed = true;
      clearInterval(timer);
      await running;
    },
  };
}
