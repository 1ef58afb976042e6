import { type Server as NetServer, Server } from 'node:net';
import { setImmediate as nextRound } from 'node:timers/promises';

/** Milliseconds in which new connections still come when the service ends. */
export const LAST_CALL = 500;
/** Rounds of the event loop without a new connection after which none waits in the system's queue: the first may be half a round. */
const QUIET_ROUNDS = 3;

/**
 * Waits until the server has accepted the connections that wait in the system's queue: the system resets them when the
 * server stops listening.
 *
 * @param accepted how many connections the server has accepted so far
 */
export async function acceptWaiting(accepted: () => number): Promise<void> {
  const end = performance.now() + LAST_CALL;
  let quiet = 0;
  while (quiet < QUIET_ROUNDS && performance.now() < end) {
    const before = accepted();
    await nextRound();
    quiet = accepted() === before ? quiet + 1 : 0;
  }
}

/**
 * Stops listening. Resolves when every connection is closed.
 *
 * `http.Server#close` also destroys each connection that waits for a request, even one whose last answer is still on its
 * way to the client. `net.Server#close` does not.
 */
export function stopListening(server: NetServer): Promise<void> {
  return new Promise((closed) => Server.prototype.close.call(server, () => closed()));
}
