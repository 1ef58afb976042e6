import type { WorkerRequest, WorkerResponse } from './worker-messages.ts';
import type { WorkerProcess } from './worker-process.ts';

/** Milliseconds in which a worker must respond. */
const DEADLINE = 2000;
/** For the status, the writer waits for the other workers. */
const STATUS_DEADLINE = 10_000;

export interface WorkerRequests {
  /** Resolves with the response of a worker; undefined if it does not respond in time. */
  readonly ask: (
    worker: Pick<WorkerProcess, 'send'>,
    kind: WorkerRequest['kind'],
  ) => Promise<WorkerResponse | undefined>;
  /** To be called for every response. A response after its deadline is ignored. */
  readonly responded: (response: WorkerResponse) => void;
}

/** Matches the responses of workers to requests. */
export function createWorkerRequests(): WorkerRequests {
  const waiting = new Map<number, (response: WorkerResponse) => void>();
  let lastId = 0;
  return {
    ask(worker, kind) {
      const id = ++lastId;
      return new Promise<WorkerResponse | undefined>((resolve) => {
        waiting.set(id, resolve);
        setTimeout(resolve, kind === 'status' ? STATUS_DEADLINE : DEADLINE, undefined).unref();
        worker.send({ kind, id });
      }).finally(() => waiting.delete(id));
    },
    responded: (response) => waiting.get(response.id)?.(response),
  };
}
