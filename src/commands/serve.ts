import { resolve } from 'node:path';
import { DEFAULT_METRICS_PORT, OPTIONS, type ValuesOf } from '../config/options.ts';
import { loadPublication, type Publication } from '../config/publication.ts';
import { parseTrust } from '../http/client.ts';
import type { ServeOptions, ServeSettings, Service } from '../service/serve.ts';
import { superviseWorkers } from '../service/supervisor.ts';
import { openLog } from '../telemetry/log.ts';
import { optionsHelp, readArguments, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { progressBars, type Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher serve [options]

Serves the feeds of a data folder over HTTP and watches its articles.

${optionsHelp(OPTIONS.serve)}`;

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<Service> {
  const { out, screen, env, version } = terminal;
  const { values } = readArguments(OPTIONS.serve, { args, env });
  const settings = settingsOf(values, version);
  const metrics = metricsAddress(values);
  const dataFolder = resolve(values.data);
  const publication = loadPublication(dataFolder, values.publicUrl);
  const log = openLog(screen, { level: values.logLevel, isTTY: screen.isTTY });
  const { workers } = values;
  const service =
    workers > 1
      ? await superviseWorkers({ workers, path: dataFolder, publication, settings, metrics, log })
      : await serveAlone(dataFolder, publication, { ...settings, metrics, log, progress: progressBars(terminal) });
  const { articles, feeds, port } = service;
  const address = `http://${hostInUrl(settings.host)}:${port}/feeds/latest.rss (.atom, .json)`;
  out(`Feed Publisher: “${publication.title}”, ${articles} articles in ${feeds} feeds, at ${address}`);
  return { ...service, close: () => service.close().finally(log.close) };
}

type ServeValues = ValuesOf<typeof OPTIONS.serve>;

function settingsOf(values: ServeValues, version: string): ServeSettings {
  const { port, logLevel, logSample, shutdownDelay, fastPath, sanitizeFastPath, rateLimit } = values;
  return {
    host: values.host ?? '::',
    port,
    version,
    logLevel,
    logSample,
    shutdownDelay,
    cache: values.cacheMb,
    trustProxy: values.trustProxy === undefined ? undefined : trustedProxies(values.trustProxy),
    rate: rateLimit === 'off' ? undefined : rateLimit,
    connections: values.maxConnections,
    fastPath,
    sanitizeFastPath,
  };
}

/** The table of options cannot check this: the rule belongs to `http`, which is above it. */
function trustedProxies(text: string): string {
  try {
    parseTrust(text);
    return text;
  } catch {
    const rule = 'a number of proxies, or a list of addresses, networks, loopback, linklocal and uniquelocal';
    throw usage(`--trust-proxy (TRUST_PROXY) must be ${rule}, not “${text}”.`);
  }
}

/** A second service on one machine starts without metrics if the default port is taken, but not if you named the port. */
function metricsAddress({ metricsPort, metricsHost: host }: ServeValues): ServeOptions['metrics'] {
  if (metricsPort === 'off') return undefined;
  return { host, port: metricsPort ?? DEFAULT_METRICS_PORT, isRequired: metricsPort !== undefined };
}

async function serveAlone(dataFolder: string, publication: Publication, options: ServeOptions): Promise<Service> {
  // Not imported above: a supervisor would hold them in memory without need.
  const [{ openDataFolder }, { serve }] = await Promise.all([
    import('../service/data-folder.ts'),
    import('../service/serve.ts'),
  ]);
  const { sanitizeFastPath } = options;
  return serve(openDataFolder(dataFolder, { publication, sanitizeFastPath }), options);
}

function hostInUrl(host: string): string {
  if (host === '::' || host === '0.0.0.0') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
