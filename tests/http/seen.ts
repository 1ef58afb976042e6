import { Agent, request } from 'node:http';
import { onTestFinished } from 'vitest';

/** Everything of an answer that its client can see, but for the date on which it was given. */
export interface Seen {
  readonly status: number | undefined;
  readonly headers: readonly string[];
  readonly body: string;
}

export type Headers = Readonly<Record<string, string>>;

/** Asks on connections that stay open: these tests ask thousands of times. */
export function createSeeing(port: number) {
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  return (path: string, headers: Headers = {}, method = 'GET'): Promise<Seen> =>
    new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path, method, headers, agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode: status, rawHeaders: raw } = response;
          const lines = raw.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${raw[index + 1]}`] : []));
          const seen = lines.filter((line) => !line.startsWith('Date: '));
          resolve({ status, headers: seen, body: Buffer.concat(chunks).toString('latin1') });
        });
      });
      asked.on('error', reject);
      asked.end();
    });
}
