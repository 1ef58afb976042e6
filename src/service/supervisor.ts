import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Publication } from '../config/publication.ts';
import { PublisherError } from '../errors.ts';
import type { Phase } from '../http/health.ts';
import { expectFree } from '../http/listen.ts';
import { type PartnersQuestion, serveOperator } from '../http/operator.ts';
import type { PartnersStatus } from '../pages/partner-status.ts';
import type { ServiceStatus } from '../pages/service-status.ts';
import { type Log, logError, type OpenLog } from '../telemetry/log.ts';
import { mediaFolder } from './data-folder.ts';
import { createHeartbeat, HEARTBEAT, type Heartbeat, type HeartbeatLimits } from './heartbeat.ts';
import type { ProcessLoad } from './process-load.ts';
import type { ReloadableService, ServeOptions } from './service-process.ts';
import { deserializeError, type Role, type Serving, serializeError, type WorkerConfig } from './worker-messages.ts';
import { createWorkerMetrics, type WorkerMetrics } from './worker-metrics.ts';
import { createWorkerPool, type WorkerPool } from './worker-pool.ts';
import { spawnWorker, type WorkerProcess } from './worker-process.ts';
import { createWorkerRequests, type WorkerRequests } from './worker-requests.ts';

interface SupervisorOptions extends Omit<WorkerConfig, 'socket'> {
  /** How many processes serve, the writer among them; two or more. */
  readonly workers: number;
  readonly metrics: ServeOptions['metrics'];
  readonly log: OpenLog;
  readonly heartbeat?: HeartbeatLimits;
  /** Whether the caller holds the port for this service. */
  readonly isPortHeld?: boolean;
  /** Stops the service while it starts. Afterwards, `close` stops it. */
  readonly stop?: AbortSignal;
}

/** Milliseconds for workers to stop. They give their requests ten seconds of them. */
const STOP_GRACE = 15_000;

/** Milliseconds until the next attempt where there is no writer. */
const RELOAD_RETRY = 500;

interface Supervision {
  readonly pool: WorkerPool;
  readonly heartbeat: Heartbeat<WorkerProcess>;
  readonly requests: WorkerRequests;
  readonly metrics: WorkerMetrics<WorkerProcess>;
}

/**
 * Serves a data folder by several processes that share a port: one writer, and readers. This process serves nothing but
 * the operator's port. It starts the workers, restarts those that end, and kills those that hang. Returns undefined if it was
 * stopped while it started.
 *
 * @throws PublisherError `worker_failed`, and the errors of `serve` in a worker
 */
export async function superviseWorkers(options: SupervisorOptions): Promise<ReloadableService | undefined> {
  const { path, settings, workers, heartbeat: limits = HEARTBEAT, isPortHeld = false, stop } = options;
  const { log } = options.log;
  const socket = join(temporaryFolder(), 'writer');
  const fail = (error: unknown) => logError(log, error);
  const opened = new AsyncDisposableStack();
  const ended = Promise.withResolvers<number>();
  let phase: Phase = 'starting';
  let { port } = settings;
  /** The one in force, and the one that is to be. */
  let { publication } = options;
  let wanted = publication;
  /** Why publication.yaml cannot be put in force. */
  let refusal: PublisherError | undefined;

  const supervision = createSupervision({
    config: () => ({ path, publication, settings: { ...settings, port }, socket }),
    limits,
    log,
    started: (worker) => {
      if (worker.role === 'writer') noteRefusal(supervision, refusal);
      else if (wanted !== options.publication) void supervision.requests.reload(worker, wanted);
    },
    followed(next) {
      wanted = next;
      publication = next;
      void reloadReaders(supervision, next);
    },
    gaveUp: () => void close().then(() => ended.resolve(1)),
  });
  const { pool } = supervision;

  /** Opens the parts that are needed before the workers. Returns the operator's port. */
  async function open(): Promise<number | undefined> {
    const operator = await serveOperator(
      {
        check: () => checkWorkers(supervision),
        phase: () => phase,
        fail,
        openMetrics: () => openMetrics(supervision),
        status: {
          publication: () => publication,
          mediaFolder: mediaFolder({ path }),
          readStatus: () => readStatus(supervision),
          readPartners: (question) => readPartners(supervision, question),
        },
      },
      options.metrics,
      log,
    );
    opened.defer(() => operator?.close());
    opened.defer(() => pool.stop(STOP_GRACE + (settings.shutdownDelay ?? 0) * 1000));
    const timer = setInterval(() => checkHeartbeat(supervision, log), limits.interval).unref();
    opened.defer(() => clearInterval(timer));
    // Several processes may listen on a shared port, so listening succeeds even where another service has it.
    if (port !== 0 && !isPortHeld) await expectFree({ host: settings.host, port });
    return operator?.port;
  }

  async function startWorkers(): Promise<Serving> {
    // The writer brings the store up to date before readers open it.
    const first = await pool.start('writer');
    port = first.port;
    await Promise.all(Array.from({ length: workers - 1 }, () => pool.start('reader')));
    pool.keepRunning();
    return first;
  }

  /** Readers first: each answers with it as soon as the writer has put it in force. */
  async function reload(next: Publication): Promise<void> {
    wanted = next;
    await reloadReaders(supervision, next);
    const response = await reloadWriter(supervision, next, () => phase === 'stopping');
    if (response?.failure !== undefined) {
      wanted = publication;
      throw deserializeError(response.failure);
    }
    publication = next;
    await reloadReaders(supervision, next); // one may have started meanwhile
  }

  function setRefusal(error: PublisherError | undefined): void {
    if (error === undefined && refusal === undefined) return;
    refusal = error;
    noteRefusal(supervision, error);
  }

  const opening = open();
  let closing: Promise<void> | undefined;
  function close(): Promise<void> {
    phase = 'stopping';
    closing ??= opening.then(ignore, ignore).then(() => opened.disposeAsync());
    return closing;
  }

  try {
    const metricsPort = await opening;
    const first = await unlessStopped(startWorkers(), stop);
    if (first === undefined) {
      await close();
      return undefined;
    }
    phase = 'serving';
    const { articles, feeds } = first;
    const reloads = { reload, refusePublication: setRefusal, acceptPublication: () => setRefusal(undefined) };
    return { port: first.port, metricsPort, articles, feeds, fail, close, ended: ended.promise, ...reloads };
  } catch (error) {
    await close();
    throw error;
  }
}

function ignore(): void {}

/** Returns undefined as soon as the signal is aborted. */
async function unlessStopped<Result>(work: Promise<Result>, stop?: AbortSignal): Promise<Result | undefined> {
  const stopped = Promise.withResolvers<undefined>();
  const resolve = () => stopped.resolve(undefined);
  if (stop?.aborted) resolve();
  stop?.addEventListener('abort', resolve);
  try {
    return await Promise.race([work, stopped.promise]);
  } finally {
    stop?.removeEventListener('abort', resolve);
  }
}

/** A folder of this user alone, removed at the end of the process. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'feed-publisher-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface SupervisionParts {
  /** Called whenever a worker is ready: a port that was chosen at the start is the same for all later workers. */
  readonly config: () => WorkerConfig;
  readonly limits: HeartbeatLimits;
  readonly log: Log;
  /** Called when a worker serves. */
  readonly started: (worker: WorkerProcess) => void;
  /** Called when the writer serves a publication that another replica has put in force. */
  readonly followed: (publication: Publication) => void;
  readonly gaveUp: () => void;
}

function createSupervision({ config, limits, log, started, followed, gaveUp }: SupervisionParts): Supervision {
  const heartbeat = createHeartbeat<WorkerProcess>(limits);
  const requests = createWorkerRequests();
  const metrics = createWorkerMetrics<WorkerProcess>();

  function spawn(role: Role): WorkerProcess {
    const worker = spawnWorker(role, config, {
      heard: heartbeat.heard,
      responded(from, response) {
        if (response.kind === 'measured') metrics.record(from, response.values);
        requests.responded(response);
      },
      loadsWanted(from, id) {
        void gatherLoads({ pool, requests }).then((loads) => from.send({ kind: 'loads', id, loads }));
      },
      followed,
      unrenderable: (message) =>
        pool
          .serving()
          .find((other) => other.role === 'writer')
          ?.send(message),
    });
    void worker.serving.then(() => {
      heartbeat.watch(worker);
      started(worker);
    });
    void worker.ended.then(() => {
      heartbeat.forget(worker);
      metrics.end(worker);
    });
    return worker;
  }

  const pool = createWorkerPool({
    spawn,
    now: () => performance.now(),
    crashed: ({ code, hint, file, problems, message }) =>
      log.error({ code, hint, file, problems: problems.length === 0 ? undefined : problems }, message),
    gaveUp(reason) {
      log.error({}, reason);
      gaveUp();
    },
  });
  return { pool, heartbeat, requests, metrics };
}

/**
 * Resolves if one worker can serve. Rejects with the reason of a worker, or with `not_ready` if none answers. Where one worker
 * has found that the store is damaged, no other can serve: they look for the file that says so.
 */
async function checkWorkers({ pool, requests }: Supervision): Promise<void> {
  let reason = new PublisherError('not_ready', 'No process of the service answers.');
  const checks = pool.serving().map(async (worker) => {
    const response = await requests.ask(worker, 'check');
    if (response?.kind === 'checked' && response.failure === undefined) return;
    if (response?.kind === 'checked' && response.failure !== undefined) reason = deserializeError(response.failure);
    throw reason;
  });
  await Promise.any(checks).catch(() => Promise.reject(reason));
}

async function openMetrics({ pool, requests, metrics }: Supervision) {
  await Promise.all(pool.serving().map((worker) => requests.ask(worker, 'measure')));
  return metrics.total();
}

/** Asks all workers how busy they are. They save what they have counted. */
async function gatherLoads({ pool, requests }: Pick<Supervision, 'pool' | 'requests'>): Promise<ProcessLoad[]> {
  const responses = await Promise.all(pool.serving().map((worker) => requests.ask(worker, 'load')));
  return responses.flatMap((response) => (response?.kind === 'loaded' ? [response.load] : []));
}

async function reloadReaders({ pool, requests }: Supervision, publication: Publication): Promise<void> {
  const readers = pool.serving().filter(({ role }) => role === 'reader');
  await Promise.all(readers.map((reader) => requests.reload(reader, publication)));
}

/** A writer that ends meanwhile is replaced: the next one tries again. Undefined if the service stops before. */
async function reloadWriter({ pool, requests }: Supervision, publication: Publication, isStopping: () => boolean) {
  while (!isStopping()) {
    const writer = pool.serving().find(({ role }) => role === 'writer');
    const response = writer && (await requests.reload(writer, publication));
    if (response !== undefined) return response;
    await sleep(RELOAD_RETRY);
  }
  return undefined;
}

/** The writer lists it among what is wrong. */
function noteRefusal({ pool }: Supervision, error: PublisherError | undefined): void {
  const writer = pool.serving().find(({ role }) => role === 'writer');
  writer?.send({ kind: 'publication', ...(error === undefined ? {} : { error: serializeError(error) }) });
}

/** The writer knows the state of the service. @throws PublisherError `not_ready`, and the errors of the store */
async function readStatus({ pool, requests }: Supervision): Promise<ServiceStatus> {
  const writer = pool.serving().find(({ role }) => role === 'writer');
  const response = writer && (await requests.ask(writer, 'status'));
  if (response?.kind !== 'status') throw new PublisherError('not_ready', 'The writer process does not answer.');
  if ('failure' in response) throw deserializeError(response.failure);
  return response.status;
}

/** The writer knows what was delivered by all. @throws PublisherError `not_ready`, and the errors of the store */
async function readPartners(
  { pool, requests }: Supervision,
  question: PartnersQuestion,
): Promise<PartnersStatus | undefined> {
  const writer = pool.serving().find(({ role }) => role === 'writer');
  const response = writer && (await requests.askForPartners(writer, question));
  if (response?.kind !== 'partners') throw new PublisherError('not_ready', 'The writer process does not answer.');
  if ('failure' in response) throw deserializeError(response.failure);
  return response.partners;
}

function checkHeartbeat({ heartbeat, requests }: Supervision, log: Log): void {
  const { hanging, others } = heartbeat.tick();
  for (const { worker, silence } of hanging) {
    const { role, pid } = worker;
    log.error({}, `The ${role} process ${pid} did not answer for ${silence / 1000} s. It is killed and restarted.`);
    worker.kill();
  }
  for (const worker of others) void requests.ask(worker, 'check');
}
