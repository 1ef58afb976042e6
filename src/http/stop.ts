import type { Server } from 'node:http';
import { Server as Listener, type Socket } from 'node:net';

/** Milliseconds that requests have to end when the service does. */
const GRACE = 10_000;
/** Milliseconds between looks at connections that hold no request any more. */
const LOOK = 100;

/**
 * The way to close a server that loses no request it has accepted: nobody can connect any more, what is under way comes
 * to its end, and then connections that are idle are closed. What takes longer than `GRACE` is cut off.
 */
export function stopperOf(server: Server): () => Promise<void> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });

  /** Node takes a connection for idle once its answer is written, even if most of it still waits for a slow reader. */
  function closeIdle(): void {
    for (const socket of sockets) if (socket.writableLength > 0) return;
    server.closeIdleConnections();
  }

  return async () => {
    // After what has come was read: it may be a request.
    const looking = setInterval(() => setImmediate(closeIdle), LOOK);
    const impatience = setTimeout(() => server.closeAllConnections(), GRACE);
    // Not by the method of node:http, which begins with closing idle connections.
    await new Promise<unknown>((done) => Listener.prototype.close.call(server, done));
    server.close(); // has nothing left to do but to stop its clock
    clearInterval(looking);
    clearTimeout(impatience);
  };
}
