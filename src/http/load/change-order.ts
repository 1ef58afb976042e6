import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { whenFirst } from './unanswered-requests.ts';

/** Methods of requests that change nothing (RFC 9110 §9.2.1). */
const SAFE: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
/** Requests of one connection that may wait behind a change. */
const MAX_WAITING = 256;

interface ChangeOrderParts {
  /** Marks a request as unanswered. */
  readonly hold: (request: IncomingMessage, response: ServerResponse) => void;
  /** Refuses a request because too many wait. */
  readonly refuse: RequestListener;
}

/**
 * Returns a wrapper of listeners that keeps the changes of a connection in their order: a change begins when the requests before it
 * are answered, and the requests behind it begin when it is answered. Only requests that change nothing may be carried out at
 * once (RFC 9112 §9.3.2): of two versions of one story, the first could be saved last, because it takes longer to parse.
 */
export function createChangeOrder({ hold, refuse }: ChangeOrderParts): (handle: RequestListener) => RequestListener {
  /** How many changes of a connection are not answered. */
  const changes = new WeakMap<Socket, number>();
  /** How many of its requests wait here. */
  const waiting = new WeakMap<Socket, number>();

  function noteChange({ socket }: IncomingMessage, response: ServerResponse): void {
    changes.set(socket, (changes.get(socket) ?? 0) + 1);
    response.once('close', () => changes.set(socket, (changes.get(socket) ?? 1) - 1));
  }

  return (handle) => (request, response) => {
    const isSafe = SAFE.has(request.method);
    if (isSafe && (changes.get(request.socket) ?? 0) === 0) return handle(request, response);
    if (!isSafe) noteChange(request, response);
    if (response.socket !== null) return handle(request, response);
    hold(request, response);
    const { socket } = request;
    const before = waiting.get(socket) ?? 0;
    if (before >= MAX_WAITING) return refuse(request, response);
    waiting.set(socket, before + 1);
    whenFirst(response, () => {
      waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
      if (!response.destroyed) handle(request, response); // otherwise the client has left
    });
  };
}
