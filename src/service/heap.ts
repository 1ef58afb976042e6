import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of heap beyond which there is more to give back than the collection costs. A plain start has 45 MB. */
const LARGE = 64 * 1024 * 1024;

/**
 * Lets the heap grow by that many per cent of what is alive before it is collected, where V8 would let it grow to several
 * times as much. Documents that are made and go leave their garbage outside of the heap, where every megabyte that is not
 * collected in time stays with the allocator: with 10,000 feeds a fifth of all memory, for a tenth more time to make them.
 */
const GROWTH = 60;

/** Keeps the memory of a service small, which has few things that live long. */
export function keepHeapSmall(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH}`);
}

/**
 * Gives back what the work of starting, or an overload, has left in memory. V8 keeps a heap at the size it once had, and
 * reading a publication of ten thousand feeds takes 150 MB for a moment. Takes tens of milliseconds, and nothing where the
 * heap is small.
 */
export function giveBackHeap(): void {
  if (getHeapStatistics().total_heap_size < LARGE) return;
  setFlagsFromString('--expose-gc');
  const collect: NodeJS.GCFunction = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
