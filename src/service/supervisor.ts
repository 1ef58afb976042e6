import cluster, { type Worker } from 'node:cluster';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Publication } from '../config/publication.ts';
import { type ErrorCode, type Problem, PublisherError } from '../errors.ts';
import { expectFree } from '../http/listen.ts';
import { serveOperator } from '../http/operator.ts';
import { type OpenLog, tellError } from '../telemetry/log.ts';
import type { MetricValues } from '../telemetry/metrics.ts';
import type { ServeOptions, ServeSettings, Service } from './serve.ts';

/** One worker writes and all answer. */
export type Role = 'writer' | 'reader';

/** What a worker serves. All are told the same, so that one that starts later says the same as the others. */
export interface WorkerConfig {
  readonly dataFolder: string;
  readonly publication: Publication;
  readonly settings: ServeSettings;
  /** Where the writer takes the changes that came to others. */
  readonly socket: string;
}

/** What the supervisor says to a worker. */
export type ParentMessage =
  | { readonly kind: 'begin'; readonly assignment: WorkerConfig }
  | { readonly kind: 'stop' }
  | Question
  | { readonly kind: 'readers-gone' };

/** What a worker that serves answers, with the same number. */
export interface Question {
  readonly kind: 'measure' | 'check';
  readonly number: number;
}

/** What a worker says to the supervisor. */
export type WorkerMessage =
  | { readonly kind: 'here' }
  | ({ readonly kind: 'serving' } & Serving)
  | Answer
  | { readonly kind: 'failed'; readonly failure: Failure };

type Answer =
  | { readonly kind: 'measured'; readonly number: number; readonly values: MetricValues }
  /** The failure is why it cannot serve, where it cannot. */
  | { readonly kind: 'checked'; readonly number: number; readonly failure?: string };

type Serving = Pick<Service, 'port' | 'articles' | 'feeds'>;

/** A PublisherError on its way from one process to another. */
interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly problems: readonly Problem[];
  readonly hint?: string | undefined;
  readonly file?: string | undefined;
}

interface SupervisorOptions extends Omit<WorkerConfig, 'socket'> {
  readonly workers: number;
  readonly metrics: ServeOptions['metrics'];
  readonly log: OpenLog;
  readonly watch?: Watch;
}

/** How it is found out that a worker hangs: the system goes on dealing it connections. All times are milliseconds. */
interface Watch {
  /** Between two questions whether it is there. */
  readonly every: number;
  /** Silence after which it is killed. */
  readonly patience: Readonly<Record<Role, number>>;
}

/** The writer does not answer while a transaction is under way. */
const WATCH: Watch = { every: 5000, patience: { reader: 30_000, writer: 300_000 } };

/** One process of the service, whichever it is after deaths. */
interface Place {
  readonly role: Role;
  /** When those that had it died within the last minute. */
  deaths: readonly number[];
}

/** Deaths within a minute in one place after which the service ends: what dies again and again does not get well. */
const MOST_DEATHS = 5;
const MINUTE = 60_000;
/** Milliseconds before a worker that died is started again; twice as many after each further death. */
const FIRST_PAUSE = 100;
/** Milliseconds that a worker has to stop. Its requests under way have ten seconds of them. */
const LAST_PATIENCE = 15_000;
/** Milliseconds that a worker has to answer: what it counted, or how it is. */
const ANSWERED_IN = 2000;

/**
 * Serves an installation by several processes that share a port. This is none of them: it starts them, and starts again
 * those that die.
 *
 * @throws PublisherError what a worker's `serve` throws; `worker_failed`
 */
export async function superviseWorkers(options: SupervisorOptions): Promise<Service> {
  const { workers, dataFolder, publication, settings, watch = WATCH } = options;
  const { log } = options.log;
  const folder = mkdtempSync(join(tmpdir(), 'feed-publisher-')); // for this user alone
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const socket = join(folder, 'writer');
  const running = new Map<Worker, { readonly place: Place; readonly gone: Promise<void> }>();
  const startFailed = Promise.withResolvers<never>();
  const ended = Promise.withResolvers<number>();
  let started: Serving | undefined;
  let port = settings.port;
  let closing: Promise<void> | undefined;
  let asked = 0;
  const waiting = new Map<number, (answer: Answer) => void>();
  /** Those that serve, and for how many milliseconds each was asked in vain. */
  const inService = new Map<Worker, { readonly role: Role; silence: number }>();
  /** What each worker that runs counted, as it told last. */
  const counted = new Map<Worker, MetricValues>();
  /** What those counted that are gone: a sum that fell would be taken for one that began anew, and be counted twice. */
  let inherited: readonly MetricValues[] = [];

  /** Settles when the worker serves; never, where it ends before. */
  function begin(place: Place): Promise<Serving> {
    const { role } = place;
    const serving = Promise.withResolvers<Serving>();
    // Told what it is by its command line, too, where an operator sees it.
    cluster.setupPrimary({ exec: join(import.meta.dirname, '../start.js'), args: ['worker', role] });
    const worker = cluster.fork();
    const assignment = { dataFolder, publication, settings: { ...settings, port }, socket };
    let failure: PublisherError | undefined;
    worker.on('message', (report: unknown) => {
      if (!isReport(report)) return;
      const known = inService.get(worker);
      if (known !== undefined) known.silence = 0;
      if (report.kind === 'here') tell(worker, { kind: 'begin', assignment });
      else if (report.kind === 'serving') {
        inService.set(worker, { role, silence: 0 });
        serving.resolve(report);
      } else if (report.kind === 'failed') failure = errorOf(report.failure);
      else {
        if (report.kind === 'measured') counted.set(worker, report.values);
        waiting.get(report.number)?.(report);
      }
    });
    const gone = goneOf(worker).then((how) => {
      running.delete(worker);
      inService.delete(worker);
      inherited = [...inherited, counted.get(worker) ?? []];
      counted.delete(worker);
      died(place, failure ?? endedEarly(worker, role, how));
    });
    running.set(worker, { place, gone });
    return serving.promise;
  }

  function died(place: Place, error: PublisherError): void {
    if (closing !== undefined) return;
    if (started === undefined) startFailed.reject(error);
    else beginAgain(place, error);
  }

  function beginAgain(place: Place, error: PublisherError): void {
    const { code, hint, file, problems, message } = error;
    log.error({ code, hint, file, problems: problems.length === 0 ? undefined : problems }, message);
    const now = performance.now();
    place.deaths = [...place.deaths.filter((at) => now - at < MINUTE), now];
    if (place.deaths.length >= MOST_DEATHS) giveUp();
    else setTimeout(() => closing ?? begin(place), FIRST_PAUSE * 2 ** (place.deaths.length - 1));
  }

  function giveUp(): void {
    log.error({}, `One process of the service ended ${MOST_DEATHS} times within a minute: it stops.`);
    void close().then(() => ended.resolve(1));
  }

  function close(): Promise<void> {
    closing ??= stopAll();
    return closing;
  }

  /** Readers may have changes to hand over until they are gone: the writer is the last to go. */
  async function stopAll(): Promise<void> {
    clearInterval(watching);
    const all = [...running];
    const readers = all.filter(([, { place }]) => place.role === 'reader');
    const impatience = setTimeout(
      () => {
        for (const worker of running.keys()) worker.process.kill('SIGKILL');
      },
      LAST_PATIENCE + (settings.shutdownDelay ?? 0) * 1000,
    );
    for (const [worker] of all) tell(worker, { kind: 'stop' });
    await Promise.all(readers.map(([, { gone }]) => gone));
    for (const worker of running.keys()) tell(worker, { kind: 'readers-gone' });
    await Promise.all(all.map(([, { gone }]) => gone));
    clearTimeout(impatience);
    operator?.close();
  }

  /** What all workers ever counted, and what those that run are like. */
  async function openMetrics() {
    const { addedUp, countsOf } = await import('../telemetry/metrics.ts');
    // Of one that is too slow stands what it told before.
    await Promise.all([...inService.keys()].map((worker) => ask(worker, 'measure')));
    inherited = [countsOf(inherited)];
    return addedUp([...inherited, ...counted.values()]);
  }

  /** Rejects where no worker can serve: with what one of them says, or because none says anything. */
  async function check(): Promise<void> {
    let reason: Error = new PublisherError('not_ready', 'No process of the service answers.');
    const checks = [...inService.keys()].map(async (worker) => {
      const answer = await ask(worker, 'check');
      if (answer?.kind === 'checked' && answer.failure === undefined) return;
      if (answer?.kind === 'checked') reason = new Error(answer.failure);
      throw reason;
    });
    await Promise.any(checks).catch(() => Promise.reject(reason));
  }

  /**
   * Kills those that hang, and asks the others again. Silence is counted by questions, not by the clock: who stops all
   * processes for an hour, as a machine that sleeps, finds them well.
   */
  function killSilent(): void {
    for (const [worker, asking] of inService) {
      const { role, silence } = asking;
      if (silence >= watch.patience[role]) {
        const { pid } = worker.process;
        log.error({}, `The ${role} process ${pid} of the service said nothing for ${silence / 1000} s: it is killed.`);
        inService.delete(worker);
        worker.process.kill('SIGKILL');
      } else {
        asking.silence += watch.every;
        void ask(worker, 'check');
      }
    }
  }

  /** Undefined where the worker does not answer in time. */
  function ask(worker: Worker, kind: Question['kind']): Promise<Answer | undefined> {
    const number = ++asked;
    return new Promise<Answer | undefined>((resolve) => {
      waiting.set(number, resolve);
      setTimeout(resolve, ANSWERED_IN, undefined).unref();
      tell(worker, { kind, number });
    }).finally(() => waiting.delete(number));
  }

  const fail = (error: unknown) => tellError(log, error);
  const phase = () => (closing !== undefined ? 'stopping' : started === undefined ? 'starting' : 'serving');
  const operator = await serveOperator({ check, phase, fail, openMetrics }, options.metrics, log);

  const watching = setInterval(killSilent, watch.every).unref();

  async function startAll(): Promise<Serving> {
    if (port !== 0) await expectFree({ host: settings.host, port });
    const serving = await begin({ role: 'writer', deaths: [] }); // it brings the store up to date before others read it
    port = serving.port;
    await Promise.all(Array.from({ length: workers - 1 }, () => begin({ role: 'reader', deaths: [] })));
    return serving;
  }

  try {
    started = await Promise.race([startAll(), startFailed.promise]);
  } catch (error) {
    await close();
    throw error;
  }
  const { articles, feeds } = started;
  return { port: started.port, metricsPort: operator?.port, articles, feeds, fail, close, ended: ended.promise };
}

function tell(worker: Worker, order: ParentMessage): void {
  worker.send(order, () => {}); // to one that just died nothing can be said, and need not be
}

/** How a process ended, once all that it said before has been heard. */
function goneOf(worker: Worker): Promise<string> {
  const exited = new Promise<string>((resolve) => {
    worker.once('exit', (code, signal) => resolve(signal ? `by ${signal}` : `with code ${code}`));
  });
  const heard = new Promise<void>((resolve) => void worker.once('disconnect', () => resolve()));
  const unborn = new Promise<string>((resolve) => {
    worker.on('error', (error) => {
      if (worker.process.pid === undefined) resolve(error.message);
    });
  });
  return Promise.race([unborn, Promise.all([exited, heard]).then(([how]) => how)]);
}

function endedEarly(worker: Worker, role: Role, how: string): PublisherError {
  return new PublisherError('worker_failed', `The ${role} process ${worker.process.pid} of the service ended ${how}.`);
}

function errorOf({ code, message, problems, hint, file }: Failure): PublisherError {
  return new PublisherError(code, message, {
    problems,
    ...(hint === undefined ? {} : { hint }),
    ...(file === undefined ? {} : { file }),
  });
}

export function failureOf({ code, message, problems, hint, file }: PublisherError): Failure {
  return { code, message, problems, hint, file };
}

/** Others speak over the same channel, such as the collector of metrics. */
function isReport(message: unknown): message is WorkerMessage {
  return isOneOf(message, ['here', 'serving', 'measured', 'checked', 'failed']);
}

export function isOrder(message: unknown): message is ParentMessage {
  return isOneOf(message, ['begin', 'stop', 'measure', 'check', 'readers-gone']);
}

function isOneOf(message: unknown, kinds: readonly string[]): boolean {
  return typeof message === 'object' && message !== null && 'kind' in message && kinds.includes(String(message.kind));
}
