import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadPublication, type Publication } from '../config/publication.ts';
import type { ServeOptions, Service } from '../service/serve.ts';
import { superviseWorkers } from '../service/supervisor.ts';
import { LOG_LEVELS, openLog } from '../telemetry/log.ts';
import { publicUrl, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { connectionCounts, rate, trustedProxies } from './limits.ts';
import { progressBars, type Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher serve [options]

Publishes the feeds of a data folder over HTTP, and watches its articles.

Options
  --port NUMBER     port to listen on, 0 for any free one             (PORT, 8080)
  --host ADDRESS    address to listen on                              (HOST, all addresses)
  --data FOLDER     folder with publication.yaml, articles/, media/   (DATA_DIR, data)
  --public-url URL  the service's address as the outside world has it (PUBLIC_URL, feedsUrl in publication.yaml)
  --workers NUMBER  processes that serve; auto: one for each core     (WORKERS, 1)
  --cache-mb NUMBER megabytes of documents kept, for each process     (CACHE_MB, 24)
  --metrics-port N  port for /metrics; off for none                   (METRICS_PORT, 9464)

Limits
  --trust-proxy WHICH    proxies whose X-Forwarded-For is believed: their number, or
                         addresses, networks, loopback, uniquelocal              (TRUST_PROXY, none)
  --rate-limit RATE      tokens a client gets a minute, and has at once          (RATE_LIMIT, 300:300; off for none)
  --max-connections NUM  connections for each process, in all and of one client  (MAX_CONNECTIONS, 10000:256)

Variables
  METRICS_HOST      address that port is on (127.0.0.1)
  LOG_LEVEL         trace, debug, info, warn, error, fatal or silent (info)
  LOG_SAMPLE        one in how many answered feeds the log tells; 1 for all, 0 for none (1000)
  SHUTDOWN_DELAY    seconds between the signal to end and taking no more requests (0)
`;

/** More is a port or a typing mistake. */
const MOST_WORKERS = 256;

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<Service> {
  const { out, screen, env, version } = terminal;
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string' },
      host: { type: 'string' },
      data: { type: 'string' },
      'public-url': { type: 'string' },
      'metrics-port': { type: 'string' },
      workers: { type: 'string' },
      'cache-mb': { type: 'string' },
      'trust-proxy': { type: 'string' },
      'rate-limit': { type: 'string' },
      'max-connections': { type: 'string' },
    },
  });
  const host = values.host ?? (env.HOST || '::');
  const port = portNumber(values.port ?? (env.PORT || '8080'), 'The port');
  const metrics = metricsAddress(values['metrics-port'] ?? env.METRICS_PORT, env.METRICS_HOST);
  const level = oneOf(LOG_LEVELS, 'LOG_LEVEL', env.LOG_LEVEL || 'info');
  const logSample = env.LOG_SAMPLE ? wholeNumber('LOG_SAMPLE', env.LOG_SAMPLE, [0, 1_000_000]) : undefined;
  const shutdownDelay = wholeNumber('SHUTDOWN_DELAY', env.SHUTDOWN_DELAY || '0', [0, 3600]);
  const feedsUrl = publicUrl(values['public-url'] ?? env.PUBLIC_URL);
  const workers = workerCount(values.workers ?? (env.WORKERS || '1'));
  const megabytes = values['cache-mb'] ?? (env.CACHE_MB || undefined);
  const cache = megabytes === undefined ? undefined : wholeNumber('The megabytes kept', megabytes, [1, 1_000_000]);
  const limits = {
    trustProxy: trustedProxies(values['trust-proxy'] ?? env.TRUST_PROXY),
    rate: rate(values['rate-limit'] ?? (env.RATE_LIMIT || '300:300')),
    connections: connectionCounts(values['max-connections'] ?? (env.MAX_CONNECTIONS || undefined)),
  };
  const dataFolder = resolve(values.data ?? (env.DATA_DIR || 'data'));
  const publication = loadPublication(dataFolder, feedsUrl);
  const log = openLog(screen, { level, isTTY: screen.isTTY });
  const settings = { host, port, version, logLevel: level, logSample, shutdownDelay, cache, ...limits };
  const service =
    workers > 1
      ? await superviseWorkers({ workers, dataFolder, publication, settings, metrics, log })
      : await serveAlone(dataFolder, publication, { ...settings, metrics, log, progress: progressBars(terminal) });
  const { title } = publication;
  out(
    `Feed Publisher: “${title}”, ${service.articles} articles in ${service.feeds} feeds, at http://${name(host)}:${service.port}/feeds/latest.rss (.atom, .json)`,
  );
  const close = () => service.close().finally(log.close);
  return { ...service, close };
}

/** Nobody minds the default port being taken by another service of this kind. */
function metricsAddress(port: string | undefined, host: string | undefined): ServeOptions['metrics'] {
  if (port === 'off') return undefined;
  const isRequired = port !== undefined && port !== '';
  return { host: host || '127.0.0.1', port: portNumber(isRequired ? port : '9464', 'The metrics port'), isRequired };
}

async function serveAlone(dataFolder: string, publication: Publication, options: ServeOptions): Promise<Service> {
  // A supervisor does without these and their memory.
  const [{ openDataFolder }, { serve }] = await Promise.all([
    import('../service/data-folder.ts'),
    import('../service/serve.ts'),
  ]);
  const installation = openDataFolder(dataFolder, { publication });
  try {
    return await serve(installation, options);
  } catch (error) {
    await installation.store.close();
    throw error;
  }
}

function name(host: string): string {
  if (host === '::' || host === '0.0.0.0') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

function portNumber(text: string, what: string): number {
  return wholeNumber(what, text, [0, 65_535]);
}

function wholeNumber(what: string, text: string, [least, largest]: readonly [number, number]): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= largest) return number;
  throw usage(`${what} must be a whole number from ${least} to ${largest}, not “${text}”.`);
}

function oneOf<Value extends string>(values: readonly Value[], what: string, text: string): Value {
  const value = values.find((known) => known === text);
  if (value !== undefined) return value;
  throw usage(`${what} must be one of ${values.join(', ')}, not “${text}”.`);
}

function workerCount(text: string): number {
  if (text === 'auto') return availableParallelism();
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MOST_WORKERS) return count;
  throw usage(`The number of workers must be auto or a whole number from 1 to ${MOST_WORKERS}, not “${text}”.`);
}
