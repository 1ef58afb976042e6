import { setImmediate } from 'node:timers/promises';

/** Rounds of the event loop in a pause. A request takes several: shorter pauses would delay each of its rounds. */
const ROUNDS = 5;

/** Lets requests come first for a few rounds of the event loop, unless somebody waits for the work. */
export async function pause(isAwaited: () => boolean): Promise<void> {
  for (let round = 0; round < ROUNDS && !isAwaited(); round += 1) await setImmediate();
}
