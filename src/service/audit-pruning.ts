import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '../store/store.ts';
import type { DataFolder } from './data-folder.ts';

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;
/** Milliseconds between two transactions: a change by the newsroom comes between them. */
const PAUSE = 20;

interface PruningParts {
  readonly now: () => number;
  readonly fail: (error: unknown) => void;
}

/** Removes rows of the audit that are older than `auditDays`: now and every hour. */
export function startPruning(
  { store, publication }: { readonly store: Pick<Store, 'pruneAudit'> } & Pick<DataFolder, 'publication'>,
  { now, fail }: PruningParts,
): { readonly close: () => Promise<void> } {
  let isClosed = false;
  let running: Promise<void> | undefined;

  async function prune(): Promise<void> {
    const before = now() - publication.auditDays * DAY;
    while (!isClosed && (await store.pruneAudit(before)) > 0) await sleep(PAUSE);
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
