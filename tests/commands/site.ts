import { createServer, type RequestListener } from 'node:http';
import { onTestFinished } from 'vitest';

/** Serves a site on a free port of loopback until the test is over. Returns the address of a path. */
export async function site(listener: RequestListener, path = '/feed'): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}${path}`;
}
