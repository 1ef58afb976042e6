import { readFileSync } from 'node:fs';

/** Clock ticks of /proc in a second. */
const TICKS = 100;

/**
 * CPU seconds that all threads of a process have used. A busy machine makes every answer late, but it adds no work: a test
 * compares this, and not the time on a clock.
 */
export function secondsOfWork(pid: number): number {
  const [, , , , , , , , , , , user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(user) + Number(system)) / TICKS;
}
