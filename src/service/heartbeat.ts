import type { Role } from './worker-messages.ts';

/** When a worker counts as hanging. The system would go on giving it connections. All times are milliseconds. */
export interface HeartbeatLimits {
  /** Time between two checks. */
  readonly interval: number;
  /** Time without a message after which a worker is killed. */
  readonly patience: Readonly<Record<Role, number>>;
}

/** A writer sends no message during a transaction, which may be long. */
export const HEARTBEAT: HeartbeatLimits = { interval: 5000, patience: { reader: 30_000, writer: 300_000 } };

export interface Heartbeat<Worker> {
  readonly watch: (worker: Worker) => void;
  readonly forget: (worker: Worker) => void;
  /** To be called for every message of a worker. */
  readonly heard: (worker: Worker) => void;
  /** Returns workers that hang, with their silence in milliseconds, and forgets them. The others are to be checked. */
  readonly tick: () => { readonly hanging: readonly Hanging<Worker>[]; readonly others: readonly Worker[] };
}

interface Hanging<Worker> {
  readonly worker: Worker;
  readonly silence: number;
}

/**
 * Finds workers that hang. Silence is counted in checks that got no answer, not by a clock: after a machine has slept for
 * an hour, no worker has missed more than one check.
 */
export function createHeartbeat<Worker extends { readonly role: Role }>({
  interval,
  patience,
}: HeartbeatLimits): Heartbeat<Worker> {
  const silences = new Map<Worker, number>();
  return {
    watch: (worker) => void silences.set(worker, 0),
    forget: (worker) => void silences.delete(worker),
    heard(worker) {
      if (silences.has(worker)) silences.set(worker, 0);
    },
    tick() {
      const hanging = [...silences]
        .filter(([{ role }, silence]) => silence >= patience[role])
        .map(([worker, silence]) => ({ worker, silence }));
      for (const { worker } of hanging) silences.delete(worker);
      for (const [worker, silence] of silences) silences.set(worker, silence + interval);
      return { hanging, others: [...silences.keys()] };
    },
  };
}
