import type { Publication } from '../config/publication.ts';
import type { PartnersQuestion } from '../http/operator.ts';
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
  /** Asks the writer what the pages of partners show; undefined if it does not respond in time. */
  readonly askForPartners: (
    worker: Pick<WorkerProcess, 'send'>,
    question: PartnersQuestion,
  ) => Promise<WorkerResponse | undefined>;
  /** Resolves when a worker has done what `reload` does; undefined if it ends before. */
  readonly reload: (
    worker: Pick<WorkerProcess, 'send' | 'ended'>,
    publication: Publication,
  ) => Promise<Extract<WorkerResponse, { kind: 'reloaded' }> | undefined>;
  /** To be called for every response. A response after its deadline is ignored. */
  readonly responded: (response: WorkerResponse) => void;
}

/** Matches the responses of workers to requests. */
export function createWorkerRequests(): WorkerRequests {
  const waiting = new Map<number, (response: WorkerResponse) => void>();
  let lastId = 0;

  function respond(send: (id: number) => void, deadline: number): Promise<WorkerResponse | undefined> {
    const id = ++lastId;
    return new Promise<WorkerResponse | undefined>((resolve) => {
      waiting.set(id, resolve);
      setTimeout(resolve, deadline, undefined).unref();
      send(id);
    }).finally(() => waiting.delete(id));
  }

  return {
    ask: (worker, kind) => respond((id) => worker.send({ kind, id }), kind === 'status' ? STATUS_DEADLINE : DEADLINE),
    askForPartners: (worker, question) =>
      respond((id) => worker.send({ kind: 'partners', id, question }), STATUS_DEADLINE),
    async reload(worker, publication) {
      const id = ++lastId;
      const reloaded = new Promise<WorkerResponse>((resolve) => waiting.set(id, resolve));
      worker.send({ kind: 'reload', id, publication });
      const response = await Promise.race([reloaded, worker.ended.then(() => undefined)]).finally(() =>
        waiting.delete(id),
      );
      return response?.kind === 'reloaded' ? response : undefined;
    },
    responded: (response) => waiting.get(response.id)?.(response),
  };
}
