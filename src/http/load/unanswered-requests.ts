import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The requests of a connection that wait for their answers, which go out in the requests' order (RFC 9112 §9.3.2). */
export interface Unanswered {
  count: number;
  /** The last of them, with its response. */
  request: IncomingMessage;
  response: ServerResponse;
  /** Called once all of them are answered. */
  afterwards?: () => void;
}

export interface UnansweredRequests {
  readonly isBusy: (socket: Socket) => boolean;
  readonly of: (socket: Socket) => Unanswered | undefined;
  /** Adds a request, once. Returns how many requests of its connection now wait. */
  readonly add: (request: IncomingMessage, response: ServerResponse) => number;
}

/** @param onAllAnswered called when a connection's last answer is out, unless `afterwards` is set */
export function createUnansweredRequests(onAllAnswered: (socket: Socket) => void): UnansweredRequests {
  const bySocket = new WeakMap<Socket, Unanswered>();

  function add(request: IncomingMessage, response: ServerResponse): number {
    const { socket } = request;
    const unanswered = bySocket.get(socket) ?? { count: 0, request, response };
    if (unanswered.count > 0 && unanswered.response === response) return unanswered.count;
    bySocket.set(socket, Object.assign(unanswered, { count: unanswered.count + 1, request, response }));
    response.once('close', () => {
      unanswered.count -= 1;
      if (unanswered.count > 0) return;
      bySocket.delete(socket);
      if (unanswered.afterwards !== undefined) unanswered.afterwards();
      else onAllAnswered(socket);
    });
    return unanswered.count;
  }

  return { isBusy: (socket) => bySocket.has(socket), of: (socket) => bySocket.get(socket), add };
}
