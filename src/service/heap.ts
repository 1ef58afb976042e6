import { getHeapStatistics } from 'node:v8';

/** Bytes of heap from which a collection frees more than it costs. The heap has 45 MB after a start with few feeds. */
const LARGE_HEAP = 64 * 1024 * 1024;

/**
 * Returns free heap to the system after a start or an overload. V8 keeps a heap at its largest size, and a start with
 * 10,000 feeds needs 150 MB for a moment. Blocks the event loop for tens of milliseconds if the heap is large.
 *
 * Does nothing unless Node runs with `--expose-gc`, as `npm start` runs it.
 */
export function releaseFreeHeap(): void {
  if (getHeapStatistics().total_heap_size < LARGE_HEAP) return;
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
