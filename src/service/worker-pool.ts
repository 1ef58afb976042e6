import type { PublisherError } from '../errors.ts';
import { MAX_CRASHES, planRestart } from './restart.ts';
import type { Role, Serving } from './worker-messages.ts';
import type { WorkerProcess } from './worker-process.ts';

/** A position in the service. One process at a time fills it. */
interface Slot {
  readonly role: Role;
  crashes: readonly number[];
}

/** The processes of a service. */
export interface WorkerPool {
  /**
   * Starts a process in a new slot. Resolves when it serves; rejects if any process ends before `keepRunning`. After `stop`
   * it starts none, and stays pending.
   */
  readonly start: (role: Role) => Promise<Serving>;
  /** From now on, a process that ends is replaced. */
  readonly keepRunning: () => void;
  /** Returns the processes that serve at this moment. */
  readonly serving: () => readonly WorkerProcess[];
  /**
   * Ends all processes, the writer last.
   *
   * @param grace milliseconds after which the remaining processes are killed
   */
  readonly stop: (grace: number) => Promise<void>;
}

interface WorkerPoolParts {
  readonly spawn: (role: Role) => WorkerProcess;
  /** Milliseconds of a clock that is never set back. */
  readonly now: () => number;
  /** Called for each process that ends while the pool keeps it running. */
  readonly crashed: (error: PublisherError) => void;
  /** Called when a slot gets no new process. */
  readonly gaveUp: (reason: string) => void;
}

/** Keeps a process in every slot, with a delay that grows with each crash. */
export function createWorkerPool({ spawn, now, crashed, gaveUp }: WorkerPoolParts): WorkerPool {
  const running = new Set<WorkerProcess>();
  const startFailed = Promise.withResolvers<never>();
  startFailed.promise.catch(() => {}); // nobody may be waiting for a start when a process ends
  const serving = new Set<WorkerProcess>();
  let phase: 'starting' | 'running' | 'stopping' = 'starting';

  function fill(slot: Slot): Promise<Serving> {
    const worker = spawn(slot.role);
    running.add(worker);
    void worker.serving.then(() => serving.add(worker));
    void worker.ended.then((error) => {
      running.delete(worker);
      serving.delete(worker);
      if (phase === 'starting') startFailed.reject(error);
      else if (phase === 'running') restart(slot, error);
    });
    return worker.serving;
  }

  function restart(slot: Slot, error: PublisherError): void {
    crashed(error);
    const { crashes, delay } = planRestart(slot.crashes, now());
    slot.crashes = crashes;
    if (delay === undefined) {
      gaveUp(`One process of the service ended ${MAX_CRASHES} times within a minute. The service stops.`);
      return;
    }
    setTimeout(() => {
      if (phase === 'running') void fill(slot);
    }, delay);
  }

  async function ends(workers: readonly WorkerProcess[]): Promise<void> {
    await Promise.all(workers.map(({ ended }) => ended));
  }

  return {
    start: (role) =>
      phase === 'stopping' ? startFailed.promise : Promise.race([fill({ role, crashes: [] }), startFailed.promise]),
    keepRunning() {
      if (phase === 'starting') phase = 'running'; // a stop may have come while the last process started
    },
    serving: () => [...serving],
    async stop(grace) {
      phase = 'stopping';
      const all = [...running];
      const impatience = setTimeout(() => {
        for (const worker of all) worker.kill();
      }, grace);
      for (const worker of all) worker.send({ kind: 'stop' });
      await ends(all.filter(({ role }) => role === 'reader'));
      // Readers forward changes to the writer until they end, so the writer ends last.
      for (const worker of all) if (worker.role === 'writer') worker.send({ kind: 'readers-ended' });
      await ends(all);
      clearTimeout(impatience);
    },
  };
}
