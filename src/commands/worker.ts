import cluster from 'node:cluster';
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { PublisherError } from '../errors.ts';
import { createLoadRequests } from '../service/load-requests.ts';
import { serve } from '../service/serve.ts';
import type { Part, ServeOptions, ServiceProcess } from '../service/service-process.ts';
import { openWorkerFolder } from '../service/worker-folder.ts';
import {
  deserializeError,
  isParentMessage,
  type ParentMessage,
  type PartnersRequest,
  type SerializedError,
  serializeError,
  type WorkerConfig,
  type WorkerMessage,
  type WorkerRequest,
} from '../service/worker-messages.ts';
import { openLog } from '../telemetry/log.ts';
import { usage } from './arguments.ts';
import type { Command } from './command.ts';
import { ignoreSignals } from './ignored-signals.ts';
import { progressBars, type Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher worker writer|reader

One of several processes that serve. “serve --workers” starts and configures it.
`;

export const command: Command = { help: HELP, run };

/** Serves until the supervisor sends `stop`. Returns the exit code. */
async function run([role]: readonly string[], terminal: Terminal): Promise<number> {
  if (!cluster.isWorker || (role !== 'writer' && role !== 'reader'))
    throw usage('Only “serve --workers” can start a worker.');
  ignoreSignals();
  const start = Promise.withResolvers<WorkerConfig>();
  const stop = Promise.withResolvers<void>();
  const readersEnded = Promise.withResolvers<void>();
  let service: ServiceProcess | undefined;
  let isListening = false;
  const loadRequests = createLoadRequests(send);
  process.on('message', (message: unknown) => {
    if (!isParentMessage(message)) return;
    if (message.kind === 'start') start.resolve(message.config);
    else if (message.kind === 'stop') {
      if (!isListening) process.exit(0); // it has answered nobody, and the store survives the end of a process
      stop.resolve();
    } else if (message.kind === 'readers-ended') readersEnded.resolve();
    else if (message.kind === 'unrenderable') service?.addUnrenderable(message);
    else if (message.kind === 'loads') loadRequests.answered(message);
    else if (message.kind === 'publication') notePublication(service, message.error);
    else if (message.kind === 'reload') void reload(service, message).then(send);
    else if (message.kind === 'partners') void partnersFor(message, service).then(send);
    else if (service !== undefined) void responseTo(message, service).then(send);
  });
  await send({ kind: 'ready' });
  const config = await start.promise;
  const { socket } = config;
  removeSocketOfKilledSupervisor(socket);
  const part: Part = role === 'reader' ? { role, socket } : { role, socket, readersEnded: readersEnded.promise };
  try {
    const beforeListen = () => {
      isListening = true;
    };
    service = await serveConfig(config, { part, beforeListen, loads: loadRequests.ask }, terminal);
    await send({ kind: 'serving', port: service.port, articles: service.articles, feeds: service.feeds });
    await stop.promise;
    await service.close();
    return 0;
  } catch (error) {
    if (!(error instanceof PublisherError)) throw error;
    await send({ kind: 'failed', error: serializeError(error) });
    return 1;
  } finally {
    process.channel?.unref();
  }
}

async function serveConfig(
  { path, publication, settings }: WorkerConfig,
  { part, beforeListen, loads }: Required<Pick<ServeOptions, 'part' | 'beforeListen' | 'loads'>>,
  terminal: Terminal,
): Promise<ServiceProcess> {
  const { logLevel = 'info', sanitizeFastPath, databaseUrl } = settings;
  const { screen } = terminal;
  const folder = await openWorkerFolder(path, { publication, sanitizeFastPath, databaseUrl }, part);
  const log = openLog(screen, { level: logLevel, isTTY: screen.isTTY });
  const service = await serve(folder, {
    ...settings,
    part,
    beforeListen,
    loads,
    log,
    progress: progressBars(terminal),
    // The writer lists its own; a reader sends them to the supervisor, which passes them on.
    onUnrenderable: (article) => void send({ kind: 'unrenderable', ...article }),
  });
  process.removeAllListeners('uncaughtException').once('uncaughtException', (error) => {
    service.fail(error);
    process.exit(1);
  });
  return { ...service, close: () => service.close().finally(log.close) };
}

/** A supervisor that is killed cannot remove its folder. Its workers end when their channel closes. */
function removeSocketOfKilledSupervisor(socket: string): void {
  process.once('exit', () => {
    if (!process.connected) rmSync(dirname(socket), { recursive: true, force: true });
  });
}

function notePublication(service: ServiceProcess | undefined, error: SerializedError | undefined): void {
  if (error === undefined) service?.acceptPublication();
  else service?.refusePublication(deserializeError(error));
}

async function reload(
  service: ServiceProcess | undefined,
  { id, publication }: Extract<ParentMessage, { kind: 'reload' }>,
): Promise<WorkerMessage> {
  try {
    await service?.reload(publication);
    return { kind: 'reloaded', id };
  } catch (error) {
    return { kind: 'reloaded', id, failure: failureOf(error) };
  }
}

function failureOf(error: unknown): SerializedError {
  const reason = error instanceof Error ? error.message : String(error);
  return serializeError(error instanceof PublisherError ? error : new PublisherError('store_unavailable', reason));
}

async function partnersFor({ id, question }: PartnersRequest, service?: ServiceProcess): Promise<WorkerMessage> {
  try {
    return { kind: 'partners', id, partners: await service?.readPartners(question) };
  } catch (error) {
    return { kind: 'partners', id, failure: failureOf(error) };
  }
}

async function responseTo({ kind, id }: WorkerRequest, service: ServiceProcess): Promise<WorkerMessage> {
  if (kind === 'measure') return { kind: 'measured', id, values: await service.measure() };
  if (kind === 'load') return { kind: 'loaded', id, load: await service.load() };
  try {
    if (kind === 'status') return { kind: 'status', id, status: await service.readStatus() };
    await service.check();
    return { kind: 'checked', id };
  } catch (error) {
    const failure = failureOf(error);
    return kind === 'status' ? { kind, id, failure } : { kind: 'checked', id, failure };
  }
}

function send(message: WorkerMessage): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()));
}
