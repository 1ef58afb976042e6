import type { ProcessLoad } from './process-load.ts';
import type { LoadsMessage, WorkerMessage } from './worker-messages.ts';

/** In a worker, asks the supervisor how busy all workers are. */
export interface LoadRequests {
  readonly ask: () => Promise<readonly ProcessLoad[]>;
  /** To be called for every answer. */
  readonly answered: (message: LoadsMessage) => void;
}

export function createLoadRequests(send: (message: WorkerMessage) => Promise<void>): LoadRequests {
  const waiting = new Map<number, (loads: readonly ProcessLoad[]) => void>();
  let lastId = 0;
  return {
    ask() {
      const id = ++lastId;
      return new Promise<readonly ProcessLoad[]>((resolve) => {
        waiting.set(id, resolve);
        void send({ kind: 'loads-wanted', id });
      }).finally(() => waiting.delete(id));
    },
    answered: ({ id, loads }) => waiting.get(id)?.(loads),
  };
}
