import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of heap beyond which there is more to give back than the collection costs. */
const LARGE = 64 * 1024 * 1024;

/**
 * Gives back what the work of starting has left in memory. V8 keeps a heap at the size it once had, and reading a
 * publication of ten thousand feeds takes 150 MB for a moment. Takes tens of milliseconds, and nothing where the heap
 * is small.
 */
export function giveBackHeap(): void {
  if (getHeapStatistics().total_heap_size < LARGE) return;
  setFlagsFromString('--expose-gc');
  const collect: NodeJS.GCFunction = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
