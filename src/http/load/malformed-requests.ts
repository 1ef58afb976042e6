import type { Socket } from 'node:net';
import type { PublisherError } from '../../errors.ts';
import { reasonOf } from '../head.ts';
import { rawError } from '../respond.ts';
import type { UnansweredRequests } from './unanswered-requests.ts';

/** Receives bytes that are not a request: their connection, and the status and content bytes of the answer. */
export type OnRefused = (socket: Socket, status: number, bytes: number) => void;

interface MalformedParts {
  readonly unanswered: UnansweredRequests;
  /** Milliseconds in which the rest of the client's bytes may still come when its answer is sent. */
  readonly leftover: number;
  readonly onRefused: OnRefused;
}

/** Handles `clientError` of a server: answers malformed bytes behind the answers to the requests before them. */
export function malformedRequestHandler({ unanswered, leftover, onRefused }: MalformedParts) {
  const refused = new WeakSet<Socket>();

  /** Nothing else counts or logs bytes that never were a request. */
  function refuse(socket: Socket, reason: PublisherError): void {
    const bytes = sendError(socket, reason, leftover);
    if (bytes !== undefined) onRefused(socket, reason.status, bytes);
  }

  return (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return void socket.destroy();
    if (refused.has(socket)) return;
    refused.add(socket);
    const reason = reasonOf(error);
    const last = unanswered.of(socket);
    if (last === undefined) {
      refuse(socket, reason);
    } else if (last.request.complete) {
      last.afterwards = () => refuse(socket, reason);
    } else if (last.count > 1 || last.response.headersSent) {
      socket.destroy(); // the body of the last request is broken, and its answer has begun
    } else {
      sendError(socket, reason, leftover);
    }
  };
}

/**
 * Ends a connection with an error.
 *
 * @returns the bytes of the error's content; undefined where the connection takes none any more
 */
function sendError(socket: Socket, reason: PublisherError, leftover: number): number | undefined {
  if (!socket.writable) {
    socket.destroy();
    return undefined;
  }
  const { message, bytes } = rawError(reason);
  socket.end(message);
  // A client that still sends may see no answer if the connection is closed under it (RFC 9112 §9.6).
  const timer = setTimeout(() => socket.destroy(), leftover).unref();
  socket.once('end', () => socket.destroy()).once('close', () => clearTimeout(timer));
  return bytes;
}
