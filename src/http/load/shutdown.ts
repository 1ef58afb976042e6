import { type Server as NetServer, Server, type Socket } from 'node:net';
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

/** Defers requests of connections that come while the service accepts its last ones. */
export interface Deferral {
  readonly start: () => void;
  readonly opened: (socket: Socket) => void;
  readonly has: (socket: Socket) => boolean;
  readonly add: (handle: () => void) => void;
  /** Handles the deferred requests, one in a round of the event loop, and defers no more. */
  readonly handle: () => Promise<void>;
}

/** Otherwise clients would connect again after each answer, and the service would accept connections without end. */
export function createDeferral(): Deferral {
  const late = new WeakSet<Socket>();
  const requests: (() => void)[] = [];
  let isDeferring = false;
  return {
    start() {
      isDeferring = true;
    },
    opened(socket) {
      if (isDeferring) late.add(socket);
    },
    has: (socket) => isDeferring && late.has(socket),
    add: (handle) => void requests.push(handle),
    async handle() {
      isDeferring = false;
      for (const handle of requests) {
        handle();
        await nextRound();
      }
    },
  };
}
