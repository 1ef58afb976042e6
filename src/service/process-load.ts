import type { CacheCounts } from '../document/byte-cache.ts';
import type { HttpLoad } from '../http/server.ts';
import type { Instant } from '../lib/instant.ts';
import type { Load } from '../pages/service-status.ts';

/** How busy one process is, in a form that passes between processes. */
export interface ProcessLoad extends HttpLoad {
  readonly startedAt: Instant;
  readonly cache: Load['cache'];
  /** Milliseconds. */
  readonly eventLoopDelay: number;
}

export function cacheLoad(caches: readonly CacheCounts[], limit: number): Load['cache'] {
  const sum = (name: keyof CacheCounts) => caches.reduce((total, counts) => total + counts[name], 0);
  return { bytes: sum('bytes'), limit, evicted: sum('evicted') };
}

/** The load of a service: the sums of its processes, and the longest delay of any. */
export function sumLoads(loads: readonly ProcessLoad[]): Load {
  const total = (value: (load: ProcessLoad) => number) => loads.reduce((sum, load) => sum + value(load), 0);
  const [first] = loads;
  return {
    queues: (first?.queues ?? []).map(({ lane }) => ({
      lane,
      waiting: total(({ queues }) => queues.find((queue) => queue.lane === lane)?.waiting ?? 0),
      limit: total(({ queues }) => queues.find((queue) => queue.lane === lane)?.limit ?? 0),
    })),
    connections: {
      open: total(({ connections }) => connections.open),
      limit: total(({ connections }) => connections.limit),
    },
    cache: {
      bytes: total(({ cache }) => cache.bytes),
      limit: total(({ cache }) => cache.limit),
      evicted: total(({ cache }) => cache.evicted),
    },
    eventLoopDelay: loads.reduce((longest, { eventLoopDelay }) => Math.max(longest, eventLoopDelay), 0),
  };
}
