import { LATEST } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import type { Store } from '../store/store.ts';

export interface SharedRead<Value> {
  /** What the store has, as it is at a moment that has just been. */
  readonly get: (at: Instant) => Promise<Value>;
  /** Forgets what was read, which may name articles that were erased. */
  readonly clear: () => void;
}

/** What was read: current while the store has the same revision, from one moment until another. */
interface Kept<Value> {
  readonly value: Value;
  readonly revision: number;
  readonly from: Instant;
  readonly until: Instant;
}

/**
 * Reads what an answer needs of all articles or feeds: once for a revision, however many requests wait for it. It is the same
 * value while the store has the same revision and no time has passed that changes it: one that only a change renews would
 * tell of a change to a story under embargo.
 */
export function createSharedRead<Value>(
  store: Pick<Store, 'lastRevision' | 'snapshot'>,
  read: (at: Instant) => Promise<Value>,
): SharedRead<Value> {
  let kept: Kept<Value> | undefined;
  let flight: Promise<Kept<Value>> | undefined;
  /** How often the value was forgotten: one that is being read meanwhile is not kept. */
  let erasures = 0;

  async function current(at: Instant): Promise<Kept<Value> | undefined> {
    const known = kept;
    if (known === undefined || at < known.from || at >= known.until) return undefined;
    return (await store.lastRevision()) === known.revision ? known : undefined;
  }

  async function readAt(from: Instant): Promise<Kept<Value>> {
    const before = erasures;
    const revision = await store.lastRevision();
    const latest = await store.snapshot(LATEST, from, { limit: 1, tombstonesFor: 0 });
    const value = await read(from);
    const made = { value, revision, from, until: latest?.nextChangeAt ?? Number.POSITIVE_INFINITY };
    if (before === erasures) kept = made;
    return made;
  }

  function begin(at: Instant): Promise<Kept<Value>> {
    const begun = readAt(at).finally(() => {
      flight = undefined;
    });
    flight = begun;
    return begun;
  }

  return {
    async get(at) {
      let known = await current(at);
      if (known === undefined && flight !== undefined) {
        await flight.catch(() => {}); // it may have begun before a change that this request has to show
        known = await current(at);
      }
      const { value, from } = known ?? (await (flight ?? begin(at)));
      return from <= at ? value : read(at); // another request is a moment ahead, in which an embargo may have ended
    },
    clear() {
      erasures += 1;
      kept = undefined;
    },
  };
}
