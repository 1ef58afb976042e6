import type { Metrics, MetricValues } from '../telemetry/metrics.ts';

export interface WorkerMetrics<Worker> {
  /** Keeps the newest values of a worker. */
  readonly record: (worker: Worker, values: MetricValues) => void;
  /** Keeps the counters of a worker that has ended. */
  readonly end: (worker: Worker) => void;
  /** Returns the metrics of all workers, added up. A worker that did not answer in time counts with its last values. */
  readonly total: () => Promise<Pick<Metrics, 'contentType' | 'text'>>;
}

/**
 * Adds up the metrics of workers. Counters of workers that have ended stay in the sums: Prometheus takes a counter that
 * falls for one that started again, and would count what is left of it twice.
 */
export function createWorkerMetrics<Worker>(): WorkerMetrics<Worker> {
  const current = new Map<Worker, MetricValues>();
  let inherited: readonly MetricValues[] = [];
  return {
    record: (worker, values) => void current.set(worker, values),
    end(worker) {
      inherited = [...inherited, current.get(worker) ?? []];
      current.delete(worker);
    },
    async total() {
      const { aggregateMetrics, sumCounters } = await import('../telemetry/metrics.ts');
      inherited = [sumCounters(inherited)];
      return aggregateMetrics([...inherited, ...current.values()]);
    },
  };
}
