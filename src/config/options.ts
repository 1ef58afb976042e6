import {
  choice,
  connectionCounts,
  integer,
  interval,
  type Kind,
  onOff,
  port,
  portOrOff,
  processCount,
  rateLimit,
  text,
  webAddress,
} from './option-values.ts';

/**
 * One setting of a command. An option wins over its environment variable. An empty variable counts as not set.
 * `--help`, the environment, defaults, validation and docs/options.md all come from this table.
 */
export interface Option<Value = unknown> {
  /** As typed, e.g. `--port`; absent for a setting that has a variable alone. */
  readonly option?: `--${string}`;
  /** Stands for the value in the help; absent for a switch, which takes none. */
  readonly placeholder?: string;
  readonly variable?: string;
  readonly kind: Kind<Value>;
  /** As somebody would type it. Without it, the command gets undefined. */
  readonly default?: string;
  /** Describes a default that the command finds out. */
  readonly defaultHelp?: string;
  /** The switch without which the option would do nothing. */
  readonly needs?: `--${string}`;
  /** An empty option counts as the default; otherwise the kind decides. */
  readonly emptyIsDefault?: true;
  /** Short sentences. */
  readonly help: string;
  /** Heading in the help; “Options” if absent. */
  readonly group?: string;
}

export type Options = Readonly<Record<string, Option>>;

/** What a command gets for its options. */
export type ValuesOf<Table extends Options> = {
  readonly [Name in keyof Table]: Table[Name] extends { readonly kind: Kind<infer Value> }
    ? Table[Name] extends { readonly default: string }
      ? Value
      : Value | undefined
    : never;
};

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Megabytes of rendered documents and entries that one process keeps. */
export const DEFAULT_CACHE_MB = 24;
/** One in so many answered feed requests is logged. */
export const DEFAULT_LOG_SAMPLE = 1000;
export const DEFAULT_METRICS_PORT = 9464;

const data = {
  option: '--data',
  placeholder: 'FOLDER',
  variable: 'DATA_DIR',
  kind: text,
  default: 'data',
  help: 'Data folder with publication.yaml, articles/, media/ and store/.',
} as const satisfies Option;

const publicUrl = {
  option: '--public-url',
  placeholder: 'URL',
  variable: 'PUBLIC_URL',
  kind: webAddress,
  defaultHelp: 'feedsUrl in publication.yaml',
  emptyIsDefault: true,
  help: 'Public address of the service, for all links. Without it, localhost replaces a name for examples, such as feeds.example.com.',
} as const satisfies Option;

const sanitizeFastPath = {
  option: '--sanitize-fast-path',
  placeholder: 'on|off',
  variable: 'SANITIZE_FAST_PATH',
  kind: onOff,
  default: 'on',
  help: 'Clean ordinary HTML without the parser of sanitize-html. The result is the same.',
  group: 'Fast paths',
} as const satisfies Option;

const serve = {
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
  fastPath: {
    option: '--fast-path',
    placeholder: 'on|off',
    variable: 'FAST_PATH',
    kind: onOff,
    default: 'on',
    help: 'Answer cached documents without Express. The answers are the same.',
    group: 'Fast paths',
  },
  sanitizeFastPath,
  metricsHost: {
    variable: 'METRICS_HOST',
    placeholder: 'ADDRESS',
    kind: text,
    default: '127.0.0.1',
    help: 'Address of the metrics port.',
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
} as const satisfies Options;

/** Every command with its options, in the order of the help. */
export const OPTIONS = {
  serve,
  import: {
    data,
    publicUrl: {
      ...publicUrl,
      defaultHelp: 'that of the last start, else feedsUrl in publication.yaml',
      help: 'Public address of the service, for all links.',
    },
    dryRun: {
      option: '--dry-run',
      kind: onOff,
      default: 'off',
      help: 'Report what the import would do, and change nothing.',
    },
    all: {
      option: '--all',
      kind: onOff,
      default: 'off',
      help: 'Read all pages of a feed: rel="next", prev-archive (RFC 5005), next_url (JSON Feed), ?paged= (WordPress).',
    },
    maxPages: {
      option: '--max-pages',
      needs: '--all',
      placeholder: 'NUMBER',
      kind: integer(1, 100_000),
      default: '1000',
      help: 'Most pages of one feed that --all reads.',
    },
    every: {
      option: '--every',
      placeholder: 'TIME',
      kind: interval,
      defaultHelp: 'once',
      help: 'Import addresses again and again at this interval, until the import is stopped. Only what has changed is downloaded.',
    },
    media: {
      option: '--media',
      kind: onOff,
      default: 'off',
      help: 'Copy the pictures of stories into media/imported/, and publish the copies. Use it in every import of the source.',
    },
    mediaMb: {
      option: '--media-mb',
      needs: '--media',
      placeholder: 'NUMBER',
      kind: integer(1, 1000),
      default: '20',
      help: 'Most megabytes of a picture that --media copies.',
    },
    mediaCount: {
      option: '--media-count',
      needs: '--media',
      placeholder: 'NUMBER',
      kind: integer(1, 10_000_000),
      default: '10000',
      help: 'Most pictures that --media downloads in one import. The next import goes on.',
    },
    allowPrivate: {
      option: '--allow-private',
      kind: onOff,
      default: 'off',
      help: 'Follow redirects, links to feeds and pages, and addresses of pictures into private networks. Without it, only an address that you type, and what it names, may be in one.',
    },
    rejected: {
      option: '--rejected',
      placeholder: 'FILE',
      kind: text,
      default: 'rejected.ndjson',
      help: 'File for refused records. Fix them there and import the file. An existing file is kept unless you import it: the next free name is used, such as rejected-2.ndjson.',
    },
    report: {
      option: '--report',
      placeholder: 'FILE',
      kind: text,
      defaultHelp: 'none',
      help: 'File for the whole report as JSON, also of a dry run: counts, notes, and every refused record with its title and problems. With --every, the report of the last import with news.',
    },
    sanitizeFastPath,
  },
  export: { data },
  erase: {
    data,
    yes: {
      option: '--yes',
      kind: onOff,
      default: 'off',
      help: 'Do not ask. Without a terminal, the command never asks.',
    },
  },
  key: {
    name: {
      option: '--name',
      placeholder: 'NAME',
      kind: text,
      help: 'Owner of the key, so that you can tell keys apart.',
    },
    scope: {
      option: '--scope',
      placeholder: 'SCOPE',
      kind: choice(['read', 'write']),
      default: 'write',
      help: 'read or write. A write key can also read.',
    },
    data,
  },
  verify: {
    data,
    json: {
      option: '--json',
      kind: onOff,
      default: 'off',
      help: 'Print the result as one line of JSON, for scripts.',
    },
  },
  repair: {
    data,
    yes: {
      option: '--yes',
      kind: onOff,
      default: 'off',
      help: 'Do not ask. Without a terminal, the command never asks.',
    },
  },
  migrate: { data },
} as const satisfies Readonly<Record<string, Options>>;
