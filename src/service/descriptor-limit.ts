import { readFileSync } from 'node:fs';
import type { Log } from '../telemetry/log.ts';

/** Files that a process opens beside its connections: the store, the watched folders, and pictures that it sends. */
const OTHER_FILES = 200;

/**
 * Warns if the system lets this process open fewer files than its connections need: connections beyond the limit of the
 * system are refused without an answer. Says nothing on systems without /proc.
 */
export function warnOfFewDescriptors(log: Log, connections: number, limit = descriptorLimit()): void {
  const needed = connections + OTHER_FILES;
  if (limit === undefined || limit >= needed) return;
  log.warn(
    { limit, needed },
    `A process may open ${limit} files, but ${connections} connections (--max-connections) need ${needed}: raise the limit with LimitNOFILE or ulimit -n, or lower --max-connections.`,
  );
}

/** Returns the soft limit of this process; undefined if it is unknown. */
function descriptorLimit(): number | undefined {
  try {
    return limitIn(readFileSync('/proc/self/limits', 'utf8'));
  } catch {
    return undefined; // no Linux, or no /proc
  }
}

/** Reads the soft limit on open files in the form of /proc/PID/limits (proc_pid_limits(5)). */
export function limitIn(limits: string): number | undefined {
  const [, soft] = /^Max open files +(\d+|unlimited) /m.exec(limits) ?? [];
  if (soft === undefined) return undefined;
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}
