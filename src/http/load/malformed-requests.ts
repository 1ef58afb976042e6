import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { PublisherError } from '../../errors.ts';
import { noProxy, reasonOf } from '../head.ts';
import { rawError } from '../respond.ts';
import { type Unanswered, type UnansweredRequests, whenFirst } from './unanswered-requests.ts';

/** Receives bytes that are not a request: their connection, and the status and content bytes of the answer. */
export type OnRefused = (socket: Socket, status: number, bytes: number) => void;

interface MalformedParts {
  readonly unanswered: UnansweredRequests;
  /** Milliseconds in which the rest of the client's bytes may still come when its answer is sent. */
  readonly leftover: number;
  readonly onRefused: OnRefused;
}

/** Handlers of a server's events `clientError` and `connect`. */
interface MalformedRequestHandlers {
  /** Answers malformed bytes behind the answers to the requests before them (RFC 9112 §9.3.2). */
  readonly onClientError: (error: Error & { code?: string }, socket: Socket) => void;
  /** Refuses CONNECT, which is for proxies (RFC 9110 §9.3.6), likewise. */
  readonly onConnect: (request: IncomingMessage) => void;
}

export function malformedRequestHandlers({
  unanswered,
  leftover,
  onRefused,
}: MalformedParts): MalformedRequestHandlers {
  const refused = new WeakSet<Socket>();

  /** Nothing else counts or logs bytes that never were a request. */
  function refuse(socket: Socket, reason: PublisherError): void {
    const bytes = sendError(socket, reason, leftover);
    if (bytes !== undefined) onRefused(socket, reason.status, bytes);
  }

  /** Answers a request whose body turned out to be broken. All answers before it are on their way. */
  function refuseBody(socket: Socket, last: Unanswered, reason: PublisherError): void {
    if (last.response.writableEnded) last.afterwards = () => refuse(socket, reason);
    else if (last.response.headersSent) endWith(socket, undefined, leftover);
    else sendError(socket, reason, leftover);
  }

  return {
    onClientError(error, socket) {
      if (error.code === 'ECONNRESET' || socket.destroyed) return void socket.destroy();
      if (refused.has(socket)) return;
      refused.add(socket);
      ignoreEnd(socket);
      const reason = reasonOf(error);
      const last = unanswered.of(socket);
      if (last === undefined) refuse(socket, reason);
      else if (last.request.complete || last.response.writableEnded) last.afterwards = () => refuse(socket, reason);
      else whenFirst(last.response, () => refuseBody(socket, last, reason));
    },
    onConnect({ socket }) {
      refused.add(socket);
      ignoreEnd(socket);
      const last = unanswered.of(socket);
      watchForNode(socket, last);
      if (last === undefined) refuse(socket, noProxy());
      else last.afterwards = () => refuse(socket, noProxy());
    },
  };
}

/** Where a client ends its side, Node would end ours, under the answers that wait. */
function ignoreEnd(socket: Socket): void {
  socket.removeAllListeners('end');
}

/** Does what Node does for a connection until CONNECT comes: it then leaves the connection to its server. */
function watchForNode(socket: Socket, { responses }: Pick<Unanswered, 'responses'> = { responses: new Set() }): void {
  socket
    .on('error', () => {})
    .on('timeout', () => socket.destroy())
    .on('drain', () => {
      const [first] = responses;
      if (first?.writableNeedDrain) first.emit('drain');
    })
    .once('close', () => {
      for (const response of responses) response.destroy(); // so that whatever is open for them is closed
    })
    .resume();
}

/**
 * Ends a connection with an error.
 *
 * @returns the bytes of the error's content; undefined where the connection takes none any more
 */
function sendError(socket: Socket, reason: PublisherError, leftover: number): number | undefined {
  if (!socket.writable) {
    socket.destroySoon();
    return undefined;
  }
  const { message, bytes } = rawError(reason);
  endWith(socket, message, leftover);
  return bytes;
}

/** Ends a connection behind all that was written to it, however slowly its client reads. */
function endWith(socket: Socket, message: Buffer | undefined, leftover: number): void {
  if (message !== undefined) socket.write(message);
  socket.end(() => {
    // A client that still sends may see no answer if the connection is closed under it (RFC 9112 §9.6).
    const timer = setTimeout(() => socket.destroy(), leftover).unref();
    socket.once('close', () => clearTimeout(timer));
  });
  if (socket.readableEnded) socket.destroySoon();
  else socket.once('end', () => socket.destroySoon());
}
