import { data, databaseUrl, publicUrl, sanitizeFastPath } from './common-options.ts';
import type { Options } from './option.ts';
import {
  choice,
  connectionCounts,
  integer,
  onOff,
  port,
  portOrOff,
  processCount,
  rateLimit,
  text,
} from './option-values.ts';
import { purgeTargets } from './purge-targets.ts';
import { storageOptions } from './storage-options.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Megabytes of rendered documents and entries that one process keeps. */
export const DEFAULT_CACHE_MB = 24;
/** One in so many answered feed requests is logged. */
export const DEFAULT_LOG_SAMPLE = 1000;
export const DEFAULT_METRICS_PORT = 9464;

/** The options of the service. */
export const serveOptions = {
  port: {
    option: '--port',
    placeholder: 'NUMBER',
    variable: 'PORT',
    kind: port,
    default: '8080',
    help: 'Port to listen on. 0 takes any free port.',
  },
  host: {
    option: '--host',
    placeholder: 'ADDRESS',
    variable: 'HOST',
    kind: text,
    defaultHelp: 'all addresses',
    emptyIsDefault: true,
    help: 'Address to listen on.',
  },
  data,
  publicUrl,
  workers: {
    option: '--workers',
    placeholder: 'NUMBER',
    variable: 'WORKERS',
    kind: processCount,
    default: '1',
    help: 'Processes that serve. auto starts one for each core.',
  },
  cacheMb: {
    option: '--cache-mb',
    placeholder: 'NUMBER',
    variable: 'CACHE_MB',
    kind: integer(1, 1_000_000),
    default: String(DEFAULT_CACHE_MB),
    help: 'Megabytes of rendered documents that each process keeps.',
  },
  metricsPort: {
    option: '--metrics-port',
    placeholder: 'NUMBER',
    variable: 'METRICS_PORT',
    kind: portOrOff,
    defaultHelp: String(DEFAULT_METRICS_PORT),
    emptyIsDefault: true,
    help: 'Port of /status and /metrics. off closes it. If you name a port, it must be free.',
  },
  trustProxy: {
    option: '--trust-proxy',
    placeholder: 'PROXIES',
    variable: 'TRUST_PROXY',
    kind: text,
    defaultHelp: 'none',
    emptyIsDefault: true,
    help: 'Proxies whose X-Forwarded-For or Forwarded is trusted: how many there are, or a list of addresses, networks, loopback, linklocal and uniquelocal.',
    group: 'Limits',
  },
  rateLimit: {
    option: '--rate-limit',
    placeholder: 'RATE',
    variable: 'RATE_LIMIT',
    kind: rateLimit,
    default: '300:300',
    help: 'Tokens for each client: PER_MINUTE[:BURST]. off sets no limit.',
    group: 'Limits',
  },
  maxConnections: {
    option: '--max-connections',
    placeholder: 'COUNT',
    variable: 'MAX_CONNECTIONS',
    kind: connectionCounts,
    default: '10000:256',
    help: 'Connections of each process: TOTAL[:PER_CLIENT]. PER_CLIENT may be off.',
    group: 'Limits',
  },
  signingKey: {
    option: '--signing-key',
    placeholder: 'FILE',
    variable: 'SIGNING_KEY_FILE',
    kind: text,
    defaultHelp: 'no signatures',
    emptyIsDefault: true,
    help: 'File with the Ed25519 private key (PEM) that signs answers to partners. The command signing-key makes one.',
    group: 'Partners',
  },
  purge: {
    option: '--purge',
    placeholder: 'TARGETS',
    variable: 'PURGE',
    kind: purgeTargets,
    defaultHelp: 'none',
    emptyIsDefault: true,
    help: 'Caches in front of the service, purged after every change.',
    group: 'Caches',
  },
  softPurge: {
    option: '--soft-purge',
    placeholder: 'on|off',
    variable: 'SOFT_PURGE',
    kind: onOff,
    default: 'off',
    help: 'Let Varnish and Fastly keep purged copies for the time in which the service is down. A withdrawn story goes at once.',
    group: 'Caches',
  },
  site: {
    option: '--site',
    placeholder: 'TARGET',
    variable: 'SITE',
    kind: text,
    defaultHelp: 'none',
    emptyIsDefault: true,
    help: 'Static site that the service keeps up to date: a folder, or storage for objects: s3://BUCKET/PREFIX.',
    group: 'Static site',
  },
  fastPath: {
    option: '--fast-path',
    placeholder: 'on|off',
    variable: 'FAST_PATH',
    kind: onOff,
    default: 'on',
    help: 'Answer cached documents without Express. The answers are the same.',
    group: 'Fast paths',
  },
  databaseUrl,
  sanitizeFastPath,
  metricsHost: {
    variable: 'METRICS_HOST',
    placeholder: 'ADDRESS',
    kind: text,
    default: '127.0.0.1',
    help: 'Address of the metrics port.',
    group: 'Variables',
  },
  fastlyToken: {
    variable: 'FASTLY_API_TOKEN',
    isSecret: true,
    placeholder: 'TOKEN',
    kind: text,
    defaultHelp: 'none',
    help: 'Token that may purge the Fastly services of --purge.',
    group: 'Variables',
  },
  cloudflareToken: {
    variable: 'CLOUDFLARE_API_TOKEN',
    isSecret: true,
    placeholder: 'TOKEN',
    kind: text,
    defaultHelp: 'none',
    help: 'Token that may purge the Cloudflare zones of --purge.',
    group: 'Variables',
  },
  purgeSecret: {
    variable: 'PURGE_SECRET',
    isSecret: true,
    placeholder: 'TEXT',
    kind: text,
    defaultHelp: 'none',
    help: 'Sent to caches of the kinds varnish and url as Authorization: Bearer.',
    group: 'Variables',
  },
  logLevel: {
    variable: 'LOG_LEVEL',
    placeholder: 'LEVEL',
    kind: choice(LOG_LEVELS),
    default: 'info',
    help: `Lowest level to log: ${LOG_LEVELS.join(', ')}.`,
    group: 'Variables',
  },
  logSample: {
    variable: 'LOG_SAMPLE',
    placeholder: 'NUMBER',
    kind: integer(0, 1_000_000),
    default: String(DEFAULT_LOG_SAMPLE),
    help: 'Log one in this many answered feed requests. 1 logs all, 0 none.',
    group: 'Variables',
  },
  shutdownDelay: {
    variable: 'SHUTDOWN_DELAY',
    placeholder: 'SECONDS',
    kind: integer(0, 3600),
    default: '0',
    help: 'Seconds to go on serving after SIGTERM, while /readyz answers 503.',
    group: 'Variables',
  },
  ...storageOptions,
} as const satisfies Options;

/** What a health check must know of the service. */
export const healthcheckOptions = {
  live: {
    option: '--live',
    kind: onOff,
    default: 'off',
    help: 'Ask /healthz, which says only that the process answers: for a probe that restarts the service.',
  },
  metricsPort: {
    ...serveOptions.metricsPort,
    help: 'Metrics port of the service. off asks the port of the service itself.',
  },
  port: { ...serveOptions.port, help: 'Port of the service, which is asked if it has no metrics port.' },
  host: { ...serveOptions.host, help: 'Address of the service, which is asked if it has no metrics port.' },
  metricsHost: serveOptions.metricsHost,
} as const satisfies Options;
