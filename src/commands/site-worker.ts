import { constants, setPriority } from 'node:os';
import { PublisherError } from '../errors.ts';
import { isSystemError } from '../lib/system-reason.ts';
import { configurationInForce, configurationOf } from '../publish/refresh.ts';
import { openDataFolder } from '../service/data-folder.ts';
import { siteTarget } from '../service/site/open-target.ts';
import { isSiteOrder, type SiteJob, type SiteReply } from '../service/site/site-messages.ts';
import type { SiteTarget } from '../service/site/site-target.ts';
import { type SiteResult, writeSite } from '../service/site/write-site.ts';
import { serializeError } from '../service/worker-messages.ts';
import { type Log, logError, openLog } from '../telemetry/log.ts';
import { unwritable, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { ignoreSignals } from './ignored-signals.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher site-worker

Exports a static site once. “serve --site” starts and configures it.
`;

export const command: Command = { help: HELP, run };

/** Exports when the service says so, and ends. Returns the exit code. */
async function run(_args: readonly string[], { screen }: Terminal): Promise<number> {
  if (process.send === undefined) throw usage('Only “serve --site” can start a site-worker.');
  ignoreSignals();
  process.once('disconnect', () => process.exit(1)); // the service was killed: its next start goes on
  const stop = new AbortController();
  const wanted = Promise.withResolvers<SiteJob>();
  process.on('message', (message: unknown) => {
    if (!isSiteOrder(message)) return;
    if (message.kind === 'write') wanted.resolve(message.job);
    else stop.abort();
  });
  await send({ kind: 'ready' });
  const job = await wanted.promise;
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  const log = openLog(screen, { level: job.logLevel, isTTY: screen.isTTY });
  try {
    await send({ kind: 'written', result: await write(job, log.log, stop.signal) });
    return 0;
  } catch (error) {
    if (!(error instanceof PublisherError) && !stop.signal.aborted) logError(log.log, error);
    await send({ kind: 'failed', error: serializeError(asPublisherError(error)) });
    return 1;
  } finally {
    await log.close();
    process.removeAllListeners('disconnect');
    process.disconnect?.();
  }
}

/** The service has put the publication in force, and published the articles. */
async function write(job: SiteJob, log: Log, signal: AbortSignal): Promise<SiteResult> {
  const { path, storeFile, publication, settings, version, clockOffset } = job;
  const target = await siteTarget(settings, path);
  const folder = openDataFolder(path, { publication, storeFile });
  const { store } = folder;
  const hasEnded = async () => (await configurationInForce(store)) !== configurationOf(publication);
  try {
    if (await hasEnded()) throw superseded();
    const result = await writeSite({
      folder,
      target,
      version,
      now: () => Date.now() + clockOffset,
      log,
      signal,
      hasEnded,
    });
    if (await hasEnded()) throw superseded();
    return result;
  } catch (error) {
    throw (await hasEnded()) ? superseded() : explained(error, target);
  } finally {
    await store.close();
  }
}

function superseded(): PublisherError {
  return new PublisherError('not_ready', 'Another publication was put in force before the export was complete.', {
    hint: 'The next attempt exports with it. If this goes on, restart the service: it serves another one than is in force.',
  });
}

function explained(error: unknown, { name }: Pick<SiteTarget, 'name'>): unknown {
  return isSystemError(error) ? unwritable(name, error) : error;
}

function asPublisherError(error: unknown): PublisherError {
  if (error instanceof PublisherError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new PublisherError('worker_failed', `The export of the site failed: ${reason}.`);
}

function send(reply: SiteReply): Promise<void> {
  return new Promise((resolve) => process.send?.(reply, () => resolve()));
}
