/** Crashes of one slot within a minute after which the service stops: such a fault does not heal by itself. */
export const MAX_CRASHES = 5;
const MINUTE = 60_000;
/** Milliseconds before the first restart. Each further crash within a minute doubles them. */
const FIRST_DELAY = 100;

export interface Restart {
  /** Times of the crashes that still count, the newest last. */
  readonly crashes: readonly number[];
  /** Milliseconds until the restart; undefined if there is none. */
  readonly delay: number | undefined;
}

/**
 * Decides whether and when a slot gets a new process after a crash.
 *
 * @param crashes times of earlier crashes of the slot
 * @param now time of this crash, milliseconds of the same clock
 */
export function planRestart(crashes: readonly number[], now: number): Restart {
  const recent = [...crashes.filter((at) => now - at < MINUTE), now];
  return { crashes: recent, delay: recent.length < MAX_CRASHES ? FIRST_DELAY * 2 ** (recent.length - 1) : undefined };
}
