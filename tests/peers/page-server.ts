import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { onTestFinished } from 'vitest';

/**
 * Serves pages from an origin of their own until the test is over. Returns the address of the root.
 *
 * @param policy the Content-Security-Policy of each page
 */
export async function servePages(pageFor: (request: IncomingMessage) => string, policy?: string): Promise<string> {
  const server = createServer((request, response) => {
    if (policy !== undefined) response.setHeader('Content-Security-Policy', policy);
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' });
    response.end(pageFor(request));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return `http://127.0.0.1:${address.port}/`;
}
