import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { onTestFinished } from 'vitest';

/** A request of a cache to the service, and the status of its answer. */
export interface Exchange {
  readonly path: string;
  readonly ifNoneMatch: string | undefined;
  readonly aIm?: string | undefined;
  readonly status: number;
}

export interface WatchedOrigin {
  readonly port: number;
  readonly exchanges: readonly Exchange[];
  /** The head of each request, as it came. */
  readonly heads: readonly string[];
}

/** The headers with which a client names what it has. */
export const CONDITIONS = ['a-im', 'if-none-match', 'if-modified-since'] as const;

/**
 * A proxy that notes every request to the service, until the test is over. It passes everything on but the headers with
 * these names.
 */
export async function watchOrigin(servicePort: number, kept: readonly string[] = []): Promise<WatchedOrigin> {
  const exchanges: Exchange[] = [];
  const heads: string[] = [];
  const proxy = createServer((asked, answer) => {
    const { method, url: path = '', rawHeaders } = asked;
    heads.push([`${method} ${path}`, ...rawHeaders].join('\n'));
    const headers = Object.fromEntries(Object.entries(asked.headers).filter(([name]) => !kept.includes(name)));
    const said = (name: string) => headers[name]?.toString();
    const onward = request(
      { host: '127.0.0.1', port: servicePort, path, method, headers, agent: false },
      (answered) => {
        const status = answered.statusCode ?? 0;
        exchanges.push({ path, ifNoneMatch: said('if-none-match'), aIm: said('a-im'), status });
        answer.writeHead(status, answered.rawHeaders);
        answered.pipe(answer);
      },
    );
    onward.on('error', () => answer.destroy());
    onward.end();
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  onTestFinished(async () => {
    proxy.closeAllConnections();
    proxy.close();
    await once(proxy, 'close');
  });
  const address = proxy.address();
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return { port: address.port, exchanges, heads };
}
