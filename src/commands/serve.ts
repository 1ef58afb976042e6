import { parseArgs } from 'node:util';
import { openInstallation } from '../installation.ts';
import { type Service, serve } from '../serve.ts';
import { connectionCounts, publicUrl, rate, trustedProxies, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { type ProgressBar, progressBar, type Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher serve [options]

Publishes the feeds of a data folder over HTTP, and watches its articles.

Options
  --port NUMBER     port to listen on, 0 for any free one             (PORT, 8080)
  --host ADDRESS    address to listen on                              (HOST, all addresses)
  --data FOLDER     folder with publication.yaml, articles/, media/   (DATA_DIR, data)
  --public-url URL  the service's address as the outside world has it (PUBLIC_URL, feedsUrl in publication.yaml)

Limits
  --trust-proxy WHICH      proxies whose X-Forwarded-For is believed: their number, or
                           addresses, networks, loopback, uniquelocal          (TRUST_PROXY, none)
  --rate-limit RATE        tokens a client gets a minute, and has at once      (RATE_LIMIT, 300:300; off for none)
  --max-connections COUNT  connections, in all and of one client               (MAX_CONNECTIONS, 10000:256)
`;

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<Service> {
  const { out, err, env, version } = terminal;
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string' },
      host: { type: 'string' },
      data: { type: 'string' },
      'public-url': { type: 'string' },
      'trust-proxy': { type: 'string' },
      'rate-limit': { type: 'string' },
      'max-connections': { type: 'string' },
    },
  });
  const host = values.host ?? (env.HOST || '::');
  const port = portNumber(values.port ?? (env.PORT || '8080'));
  const feedsUrl = publicUrl(values['public-url'] ?? env.PUBLIC_URL);
  const limits = {
    trust: trustedProxies(values['trust-proxy'] ?? env.TRUST_PROXY),
    rate: rate(values['rate-limit'] ?? (env.RATE_LIMIT || '300:300')),
    connections: connectionCounts(values['max-connections'] ?? (env.MAX_CONNECTIONS || '10000:256')),
  };
  const installation = openInstallation(values.data ?? (env.DATA_DIR || 'data'), { feedsUrl });
  const bars = new Map<string, ProgressBar>();
  const progress = (what: string, done: number, total: number) => {
    const bar = bars.get(what) ?? progressBar(terminal, what);
    bars.set(what, bar);
    bar.update(done, total);
    if (done >= total) bar.stop();
  };
  const options = { host, port, log: err, progress, version, ...limits };
  const service = await serve(installation, options).catch(async (error) => {
    await installation.store.close();
    throw error;
  });
  const { title } = installation.publication;
  out(
    `Feed Publisher: “${title}”, ${service.articles} articles in ${service.feeds} feeds, at http://${name(host)}:${service.port}/feeds/latest.rss (.atom, .json)`,
  );
  return service;
}

function name(host: string): string {
  if (host === '::' || host === '0.0.0.0') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw usage(`The port must be a whole number from 0 to 65535, not “${text}”.`);
}
