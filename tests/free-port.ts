import { once } from 'node:events';
import { createServer } from 'node:net';

/** Ports that a system gives nobody who asks for any port: Linux and macOS begin above them. */
const [FIRST, COUNT] = [10_000, 20_000];

/**
 * A port of 127.0.0.1 that is free, for a program that cannot choose one itself. Tests that run at the same time listen on
 * ports that the system chooses, and would sometimes get this one before the program has it: so the system cannot choose it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
