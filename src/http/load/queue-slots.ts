import type { IncomingMessage, ServerResponse } from 'node:http';

/** The slots of the request queue that requests hold while the service works on them. */
export interface QueueSlots {
  /** The request holds a slot. `release` frees it, at the latest when the response is closed. */
  readonly hold: (request: IncomingMessage, response: ServerResponse, release: () => void) => void;
  /**
   * Keeps the request's slot until `release`, even if its client leaves: the work goes on, and clients that leave and
   * come again would start more and more of it.
   */
  readonly keep: (request: IncomingMessage) => void;
  /** The service has finished its work on the request. Its answer may still be on the way to a slow client. */
  readonly release: (request: IncomingMessage) => void;
}

export function createQueueSlots(): QueueSlots {
  const releases = new WeakMap<IncomingMessage, () => void>();
  const kept = new WeakSet<IncomingMessage>();
  return {
    hold(request, response, release) {
      releases.set(request, release);
      response.once('close', () => {
        if (!kept.has(request)) releases.get(request)?.();
      });
    },
    keep: (request) => void kept.add(request),
    release(request) {
      releases.get(request)?.();
      releases.delete(request); // a request may wait long for its answer
    },
  };
}
