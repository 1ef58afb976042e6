import cluster from 'node:cluster';
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { PublisherError } from '../errors.ts';
import { openDataFolder } from '../service/data-folder.ts';
import { type Part, type ServiceProcess, serve } from '../service/serve.ts';
import { failureOf, isOrder, type Question, type WorkerConfig, type WorkerMessage } from '../service/supervisor.ts';
import { openLog } from '../telemetry/log.ts';
import { usage } from './arguments.ts';
import type { Command } from './command.ts';
import { progressBars, type Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher worker writer|reader

One process of several that serve. “serve --workers” starts it and tells it the rest.
`;

export const command: Command = { help: HELP, run };

/** Serves until the supervisor says that it is enough, whose end is its own. Returns the exit code. */
async function run([role]: readonly string[], terminal: Terminal): Promise<number> {
  if (!cluster.isWorker || (role !== 'writer' && role !== 'reader'))
    throw usage('A worker is started by “serve --workers”.');
  leaveSignals();
  const begin = Promise.withResolvers<WorkerConfig>();
  const stop = Promise.withResolvers<void>();
  let service: ServiceProcess | undefined;
  const readersGone = Promise.withResolvers<void>();
  process.on('message', (order: unknown) => {
    if (!isOrder(order)) return;
    if (order.kind === 'begin') begin.resolve(order.assignment);
    else if (order.kind === 'stop') stop.resolve();
    else if (order.kind === 'readers-gone') readersGone.resolve();
    else if (service !== undefined) void answerTo(order, service).then(report);
  });
  await report({ kind: 'here' });
  const assignment = await begin.promise;
  const { socket } = assignment;
  tidyUpAfterSupervisor(socket);
  const part: Part = role === 'reader' ? { role, socket } : { role, socket, readersGone: readersGone.promise };
  try {
    service = await serveAssigned(assignment, part, terminal);
    await report({ kind: 'serving', port: service.port, articles: service.articles, feeds: service.feeds });
    await stop.promise;
    await service.close();
    return 0;
  } catch (error) {
    if (!(error instanceof PublisherError)) throw error;
    await report({ kind: 'failed', failure: failureOf(error) });
    return 1;
  } finally {
    process.channel?.unref();
  }
}

async function serveAssigned(
  { dataFolder, publication, settings }: WorkerConfig,
  part: Part,
  terminal: Terminal,
): Promise<ServiceProcess> {
  const installation = openDataFolder(dataFolder, { publication });
  try {
    const { screen } = terminal;
    const log = openLog(screen, { level: settings.logLevel ?? 'info', isTTY: screen.isTTY });
    const service = await serve(installation, { ...settings, part, log, progress: progressBars(terminal) });
    process.once('uncaughtException', (error) => {
      service.fail(error);
      process.exit(1);
    });
    return { ...service, close: () => service.close().finally(log.close) };
  } catch (error) {
    await installation.store.close();
    throw error;
  }
}

/** A supervisor that is killed leaves its folder behind, and ends its workers with it. */
function tidyUpAfterSupervisor(socket: string): void {
  process.once('exit', () => {
    if (!process.connected) rmSync(dirname(socket), { recursive: true, force: true });
  });
}

async function answerTo({ kind, number }: Question, service: ServiceProcess): Promise<WorkerMessage> {
  if (kind === 'measure') return { kind: 'measured', number, values: await service.measure() };
  try {
    await service.check();
    return { kind: 'checked', number };
  } catch (error) {
    return { kind: 'checked', number, failure: error instanceof Error ? error.message : String(error) };
  }
}

/** A terminal and some supervisors of services signal every process of a group: it is the supervisor who decides. */
function leaveSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeAllListeners(signal).on(signal, () => {});
}

function report(told: WorkerMessage): Promise<void> {
  return new Promise((resolve) => process.send?.(told, () => resolve()));
}
