import type { Cancel, Timers } from '../document/timers.ts';

/** Ends waits. Thousands of them share one timer. */
export interface Deadlines<Item> {
  /** @returns what `remove` needs to forget the item: a number, because each item keeps it */
  readonly add: (item: Item, wait: number) => number;
  readonly remove: (item: Item, step: number) => void;
  readonly all: () => Item[];
}

/** Milliseconds by which a wait may be longer: waits that end in between end together. */
const STEP = 100;

/**
 * @param clock milliseconds of a monotonic clock
 * @param end takes items whose time is over
 */
export function createDeadlines<Item>(
  timers: Timers,
  clock: () => number,
  end: (items: readonly Item[]) => void,
): Deadlines<Item> {
  const bySteps = new Map<number, Set<Item>>();
  let next = Number.POSITIVE_INFINITY;
  let cancel: Cancel = () => {};

  function set(step: number): void {
    if (step >= next) return;
    cancel();
    next = step;
    cancel = timers.after(Math.max(0, Math.ceil(step * STEP - clock())), ring);
  }

  function ring(): void {
    next = Number.POSITIVE_INFINITY;
    const over = [...bySteps].filter(([step]) => step * STEP <= clock());
    for (const [step] of over) bySteps.delete(step);
    if (bySteps.size > 0) set(Math.min(...bySteps.keys()));
    end(over.flatMap(([, items]) => [...items]));
  }

  function remove(item: Item, step: number): void {
    const items = bySteps.get(step);
    items?.delete(item);
    if (items?.size === 0) bySteps.delete(step);
    if (bySteps.size > 0) return;
    cancel();
    next = Number.POSITIVE_INFINITY;
  }

  return {
    add(item, wait) {
      const step = Math.ceil((clock() + wait) / STEP);
      bySteps.set(step, (bySteps.get(step) ?? new Set()).add(item));
      set(step);
      return step;
    },
    remove,
    all: () => [...bySteps.values()].flatMap((items) => [...items]),
  };
}
