import { parseArgs } from 'node:util';
import { describeProblems, PublisherError } from './errors.ts';
import { type Service, serve } from './serve.ts';

const HELP = `Feed Publisher turns a newsroom's articles into RSS, Atom and JSON Feed.

Usage: feed-publisher [serve] [options]

Commands
  serve             publish the feeds over HTTP (the default)

Options
  --port NUMBER     port to listen on, 0 for any free one   (PORT, 8080)
  --host ADDRESS    address to listen on                    (HOST, all addresses)
  --data FOLDER     folder with publication.yaml, articles/ and media/   (DATA_DIR, data)
  --public-url URL  the service's address as the outside world has it
                    (PUBLIC_URL, feedsUrl in publication.yaml)
  --help            this text
  --version         the version

An option wins over its environment variable, that one over the default.
`;

export interface Terminal {
  readonly out: (line: string) => void;
  readonly err: (line: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** This program's version. */
  readonly version: string;
}

/** Runs a command line. Returns the exit code, or the service that is now running. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number | Service> {
  try {
    const { values, positionals } = parseCommandLine(argv);
    if (values.help) return said(terminal.out, HELP.trimEnd());
    if (values.version) return said(terminal.out, terminal.version);
    const [command = 'serve', ...rest] = positionals;
    if (command !== 'serve' || rest.length > 0) throw usage(`There is no command “${positionals.join(' ')}”.`);
    return await runServe(values, terminal);
  } catch (error) {
    if (!(error instanceof PublisherError)) throw error;
    for (const line of describeProblems(error)) terminal.err(line);
    if (error.hint !== undefined) terminal.err(error.hint);
    return error.code === 'usage' ? 2 : 1;
  }
}

function said(out: (line: string) => void, text: string): number {
  out(text);
  return 0;
}

type Values = ReturnType<typeof parseCommandLine>['values'];

async function runServe(values: Values, { out, err, env }: Terminal): Promise<Service> {
  const dataFolder = values.data ?? (env.DATA_DIR || 'data');
  const host = values.host ?? (env.HOST || '::');
  const feedsUrl = publicUrl(values['public-url'] ?? env.PUBLIC_URL);
  const port = portNumber(values.port ?? (env.PORT || '8080'));
  const service = await serve({ dataFolder, host, port, log: err, ...feedsUrl });
  const address = `http://${host === '::' || host === '0.0.0.0' ? 'localhost' : host.includes(':') ? `[${host}]` : host}:${service.port}`;
  out(
    `Feed Publisher: “${service.title}”, ${service.articles} articles in ${service.feeds} feeds, at ${address}/feeds/latest.rss (.atom, .json)`,
  );
  return service;
}

function parseCommandLine(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        port: { type: 'string' },
        host: { type: 'string' },
        data: { type: 'string' },
        'public-url': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function usage(message: string): PublisherError {
  return new PublisherError('usage', message, { hint: 'Run with --help to see what there is.' });
}

function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw usage(`The port must be a whole number from 0 to 65535, not “${text}”.`);
}

function publicUrl(text: string | undefined): { feedsUrl?: string } {
  if (text === undefined || text === '') return {};
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return { feedsUrl: url.href };
  throw usage(`The public address must be an http or https address, not “${text}”.`);
}
