import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The requests of a connection that wait for their answers, which go out in the requests' order (RFC 9112 §9.3.2). */
export interface Unanswered {
  /** In the requests' order. */
  readonly responses: Set<ServerResponse>;
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
    const unanswered = bySocket.get(socket) ?? { responses: new Set(), request, response };
    const { responses } = unanswered;
    if (responses.has(response)) return responses.size;
    responses.add(response);
    bySocket.set(socket, Object.assign(unanswered, { request, response }));
    response.once('close', () => {
      responses.delete(response);
      if (responses.size > 0) return;
      bySocket.delete(socket);
      if (unanswered.afterwards !== undefined) unanswered.afterwards();
      else onAllAnswered(socket);
    });
    return responses.size;
  }

  return { isBusy: (socket) => bySocket.has(socket), of: (socket) => bySocket.get(socket), add };
}

/**
 * Calls back when the answers before this one are on their way: at once, where it is the first. What was written to the
 * response before that is on its way, too. A client that leaves earlier is not waited for.
 */
export function whenFirst(response: ServerResponse, callback: () => void): void {
  if (response.socket !== null) callback();
  else response.once('socket', () => process.nextTick(callback)); // Node writes what the response holds in between
}
