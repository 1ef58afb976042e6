import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadPublication, type Publication } from '../config.ts';
import type { ServeSettings, Service } from '../serve.ts';
import { superviseWorkers } from '../workers.ts';
import { publicUrl, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { progressBars, type Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher serve [options]

Publishes the feeds of a data folder over HTTP, and watches its articles.

Options
  --port NUMBER     port to listen on, 0 for any free one             (PORT, 8080)
  --host ADDRESS    address to listen on                              (HOST, all addresses)
  --data FOLDER     folder with publication.yaml, articles/, media/   (DATA_DIR, data)
  --public-url URL  the service's address as the outside world has it (PUBLIC_URL, feedsUrl in publication.yaml)
  --workers NUMBER  processes that serve; auto: one for each core     (WORKERS, 1)
`;

/** More is a port or a typing mistake. */
const MOST_WORKERS = 256;

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
      workers: { type: 'string' },
    },
  });
  const host = values.host ?? (env.HOST || '::');
  const port = portNumber(values.port ?? (env.PORT || '8080'));
  const feedsUrl = publicUrl(values['public-url'] ?? env.PUBLIC_URL);
  const workers = workerCount(values.workers ?? (env.WORKERS || '1'));
  const dataFolder = resolve(values.data ?? (env.DATA_DIR || 'data'));
  const publication = loadPublication(dataFolder, feedsUrl);
  const settings = { host, port, version };
  const service =
    workers > 1
      ? await superviseWorkers({ workers, dataFolder, publication, settings, log: err })
      : await serveAlone(dataFolder, publication, settings, terminal);
  const { title } = publication;
  out(
    `Feed Publisher: “${title}”, ${service.articles} articles in ${service.feeds} feeds, at http://${name(host)}:${service.port}/feeds/latest.rss (.atom, .json)`,
  );
  return service;
}

async function serveAlone(
  dataFolder: string,
  publication: Publication,
  settings: ServeSettings,
  terminal: Terminal,
): Promise<Service> {
  // A supervisor does without these and their memory.
  const [{ openInstallation }, { serve }] = await Promise.all([import('../installation.ts'), import('../serve.ts')]);
  const installation = openInstallation(dataFolder, { publication });
  try {
    return await serve(installation, { ...settings, log: terminal.err, progress: progressBars(terminal) });
  } catch (error) {
    await installation.store.close();
    throw error;
  }
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

function workerCount(text: string): number {
  if (text === 'auto') return availableParallelism();
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MOST_WORKERS) return count;
  throw usage(`The number of workers must be auto or a whole number from 1 to ${MOST_WORKERS}, not “${text}”.`);
}
