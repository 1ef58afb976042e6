import { resolve } from 'node:path';
import { hasReservedAddress, localAddress, withLocalAddress } from '../config/local-address.ts';
import type { ValuesOf } from '../config/option.ts';
import { OPTIONS } from '../config/options.ts';
import { loadPublication, type Publication } from '../config/publication.ts';
import type { PurgeSettings } from '../config/purge-targets.ts';
import { DEFAULT_METRICS_PORT } from '../config/serve-options.ts';
import { parseTrust } from '../http/client.ts';
import { type HeldPort, holdPort } from '../http/listen.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { readSigningKey } from '../partner/proof/keys.ts';
import { warnOfFewDescriptors } from '../service/descriptor-limit.ts';
import { readPublication } from '../service/publication-file.ts';
import { openPublicationFiles } from '../service/publication-files.ts';
import { type PublicationWatch, watchPublication } from '../service/publication-watch.ts';
import { openServiceManager } from '../service/service-manager.ts';
import type { ReloadableService, ServeOptions, ServeSettings, Service } from '../service/service-process.ts';
import { type SiteSettings, siteId } from '../service/site/open-target.ts';
import { isS3Address } from '../service/site/s3-address.ts';
import { superviseWorkers } from '../service/supervisor.ts';
import { type OpenLog, openLog } from '../telemetry/log.ts';
import { optionsHelp, readArguments, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { siteSettings } from './site-settings.ts';
import { counted, progressBars, type Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher serve [options]

Serves the feeds of a data folder over HTTP and watches its articles.

${optionsHelp(OPTIONS.serve)}`;

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<number | Service> {
  const { out, screen, env, version } = terminal;
  const { values } = readArguments(OPTIONS.serve, { args, env });
  const wanted = settingsOf(values, version);
  const metrics = metricsAddress(values);
  const dataFolder = resolve(values.data);
  let watch: PublicationWatch | undefined;
  let isReloadWanted = false;
  terminal.onReload?.(() => {
    isReloadWanted = true; // the start may have read the file already
    watch?.reload();
  });
  const files = openPublicationFiles(dataFolder);
  const written = loadPublication(dataFolder, values.publicUrl);
  const log = openLog(screen, { level: values.logLevel, isTTY: screen.isTTY });
  const { workers, maxConnections } = values;
  warnOfFewDescriptors(log.log, maxConnections.total);
  const manager = openServiceManager({ env, log: log.log });
  const stop = stopSignal(terminal);
  const { databaseUrl } = values;
  // All replicas must give the same addresses.
  const isLocal = values.publicUrl === undefined && hasReservedAddress(written) && databaseUrl === undefined;
  const held = isLocal && wanted.port === 0 ? await holdPort({ host: wanted.host, shared: workers > 1 }) : undefined;
  const settings = { ...wanted, port: held?.port ?? wanted.port };
  const addressed = (one: Publication) =>
    isLocal && hasReservedAddress(one) ? withLocalAddress(one, localAddress(settings.host, settings.port)) : one;
  const publication = addressed(written);
  const shared = { settings, metrics, log, stop, held };
  const service = await (workers > 1
    ? superviseWorkers({ ...shared, workers, path: dataFolder, publication, isPortHeld: held !== undefined })
    : serveAlone(dataFolder, publication, { ...shared, progress: progressBars(terminal) })
  ).finally(held?.release);
  if (service === undefined) {
    await log.close();
    return 0;
  }
  if (isLocal) noteLocalAddress(written, publication, log);
  const { articles, feeds, port } = service;
  const root = `http://${hostInUrl(settings.host)}:${port}/`;
  const counts = `${counted(articles, 'article')} in ${counted(feeds, 'feed')}`;
  manager.ready(`Serving ${counts} at ${root}`);
  out(`Feed Publisher: “${publication.title}”, ${counts}, at ${root}feeds/latest.rss (.atom, .json)`);
  if (terminal.isInteractive && publication.pages !== undefined) out(`Open ${root} in a browser to see the feeds.`);
  const publicationWatch = watchPublication({
    files,
    publication,
    load: async () => addressed(await readPublication({ path: dataFolder, publicUrl: values.publicUrl })),
    apply: service.reload,
    refuse: service.refusePublication,
    accept: service.acceptPublication,
    log: log.log,
    fail: service.fail,
  });
  watch = publicationWatch;
  if (isReloadWanted) watch.reload();
  const close = () => {
    manager.stopping();
    return publicationWatch.close().then(service.close).finally(log.close);
  };
  return { ...service, close };
}

/** Without this line, nobody would know why a feed has other addresses than publication.yaml. */
function noteLocalAddress(written: Publication, { feedsUrl }: Publication, { log }: OpenLog): void {
  const { hostname } = new URL(written.feedsUrl);
  const reason = `“${hostname}” is a name for examples (RFC 2606), which no reader can open`;
  const advice = 'Set feedsUrl in publication.yaml, or --public-url, to the public address of this service.';
  log.info({ feedsUrl }, `The feeds and pages have the addresses of this machine, because ${reason}. ${advice}`);
}

/** Milliseconds from the start until the service prepares for the first page: the readers that waited for the start come first. */
const WARM_UP_AFTER = 1000;

type ServeValues = ValuesOf<typeof OPTIONS.serve>;

function settingsOf(values: ServeValues, version: string): ServeSettings {
  const { port, signingKey, logLevel, logSample, shutdownDelay, fastPath, sanitizeFastPath, rateLimit } = values;
  return {
    host: values.host ?? '::',
    port,
    version,
    logLevel,
    logSample,
    shutdownDelay,
    warmUpAfter: WARM_UP_AFTER,
    cache: values.cacheMb,
    trustProxy: values.trustProxy === undefined ? undefined : trustedProxies(values.trustProxy),
    rate: rateLimit === 'off' ? undefined : rateLimit,
    connections: values.maxConnections,
    fastPath,
    sanitizeFastPath,
    signingKey: signingKey === undefined ? undefined : readSigningKey(signingKey),
    databaseUrl: values.databaseUrl,
    purge: purgeSettings(values),
    site: values.site === undefined ? undefined : siteOf(values.site, values),
  };
}

/** @throws PublisherError `usage` where the site is in storage, and its address is not valid or its key is missing */
function siteOf(site: string, values: ServeValues): SiteSettings {
  const settings = siteSettings(isS3Address(site) ? site : resolve(site), values);
  siteId(settings);
  return settings;
}

/** @throws PublisherError `usage` where a target lacks its token */
function purgeSettings({ purge, softPurge, ...secrets }: ServeValues): PurgeSettings | undefined {
  if (purge === undefined || purge.length === 0) return undefined;
  const { fastlyToken, cloudflareToken, purgeSecret } = secrets;
  const needed = [
    ['fastly', fastlyToken, 'FASTLY_API_TOKEN'],
    ['cloudflare', cloudflareToken, 'CLOUDFLARE_API_TOKEN'],
  ] as const;
  for (const [kind, token, variable] of needed) {
    const target = purge.find((one) => one.kind === kind);
    if (target !== undefined && token === undefined)
      throw usage(`--purge (PURGE) names ${target.id}, and ${variable} is not set.`);
  }
  const tokens = { fastly: fastlyToken, cloudflare: cloudflareToken, varnish: purgeSecret, url: purgeSecret };
  return { targets: purge, isSoft: softPurge, tokens: omitUndefined(tokens) };
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

/** Returns a signal for a stop during the start: a request may come, and with it the order to stop, before the start ends. */
function stopSignal({ onStop }: Terminal): AbortSignal {
  const controller = new AbortController();
  onStop(() => controller.abort());
  return controller.signal;
}

interface AloneOptions extends Pick<ServeOptions, 'metrics' | 'log' | 'progress'> {
  readonly settings: ServeSettings;
  readonly stop: AbortSignal;
  /** Holds the port until the service listens there. */
  readonly held: HeldPort | undefined;
}

/** Returns undefined if the service was stopped while it started. */
async function serveAlone(
  dataFolder: string,
  publication: Publication,
  { settings, stop, held, ...options }: AloneOptions,
): Promise<ReloadableService | undefined> {
  // Not imported above: a supervisor would hold them in memory without need.
  const [{ openSharedFolder }, { serve }] = await Promise.all([
    import('../service/shared-folder.ts'),
    import('../service/serve.ts'),
  ]);
  const { sanitizeFastPath, databaseUrl } = settings;
  const exit = () => process.exit(0); // it has answered nobody, and the store survives the end of a process
  stop.addEventListener('abort', exit);
  const beforeListen = () => {
    stop.removeEventListener('abort', exit);
    held?.release();
  };
  const folder = await openSharedFolder(dataFolder, { databaseUrl, publication, sanitizeFastPath, mayOwn: true });
  const service = await serve(folder, { ...settings, ...options, beforeListen });
  if (!stop.aborted) return service;
  await service.close();
  return undefined;
}

function hostInUrl(host: string): string {
  if (host === '::' || host === '0.0.0.0') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
