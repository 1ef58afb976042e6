/** Milliseconds: the most before the second attempt, and before any. */
const FIRST = 1000;
const LONGEST = 5 * 60_000;

/**
 * Milliseconds until the next attempt, with full jitter: any time up to a limit that doubles with each failure. Many processes
 * that failed together then try apart. It never ends: what a target must know stays true.
 *
 * @param failures attempts in a row that have failed
 * @param random from 0 up to 1
 */
export function backoff(failures: number, random: number): number {
  return Math.ceil(random * Math.min(LONGEST, FIRST * 2 ** Math.min(failures, 20)));
}
