import cluster, { type Worker } from 'node:cluster';
import { join } from 'node:path';
import type { Publication } from '../config/publication.ts';
import { PublisherError } from '../errors.ts';
import {
  deserializeError,
  isWorkerMessage,
  type ParentMessage,
  type Role,
  type Serving,
  type UnrenderableMessage,
  type WorkerConfig,
  type WorkerResponse,
} from './worker-messages.ts';

/** A worker process from its start to its end. */
export interface WorkerProcess {
  readonly role: Role;
  /** Undefined if the system could not start the process. */
  readonly pid: number | undefined;
  /** Resolves when the worker serves; stays pending if it ends before. */
  readonly serving: Promise<Serving>;
  /** Resolves with the reason when the process has ended and all its messages have arrived. */
  readonly ended: Promise<PublisherError>;
  /** A message to a process that has just ended is lost without an error. */
  readonly send: (message: ParentMessage) => void;
  readonly kill: () => void;
}

interface WorkerEvents {
  /** Called for every message, as a sign of life. */
  readonly heard: (worker: WorkerProcess) => void;
  readonly responded: (worker: WorkerProcess, response: WorkerResponse) => void;
  readonly unrenderable: (message: UnrenderableMessage) => void;
  /** Another replica has put this publication in force. */
  readonly followed: (publication: Publication) => void;
  /** The worker waits for the message `loads` with that id. */
  readonly loadsWanted: (worker: WorkerProcess, id: number) => void;
}

/** Starts a worker process and gives it its configuration. Flags of Node and V8 are those of this process. */
export function spawnWorker(
  role: Role,
  config: () => WorkerConfig,
  { heard, responded, unrenderable, followed, loadsWanted }: WorkerEvents,
): WorkerProcess {
  // The role stands in the command line so that an operator sees it in a list of processes.
  // A publication has maps, which JSON would lose.
  const exec = join(import.meta.dirname, '../start.js');
  cluster.setupPrimary({ exec, args: ['worker', role], serialization: 'advanced' });
  const child = cluster.fork();
  const serving = Promise.withResolvers<Serving>();
  let failure: PublisherError | undefined;
  const worker: WorkerProcess = {
    role,
    pid: child.process.pid,
    serving: serving.promise,
    ended: endOf(child).then(
      (how) => failure ?? new PublisherError('worker_failed', `The ${role} process ${child.process.pid} ${how}.`),
    ),
    send: (message) => void child.send(message, () => {}),
    kill: () => void child.process.kill('SIGKILL'),
  };
  child.on('message', (message: unknown) => {
    if (!isWorkerMessage(message)) return;
    heard(worker);
    switch (message.kind) {
      case 'ready':
        return worker.send({ kind: 'start', config: config() });
      case 'serving':
        return serving.resolve(message);
      case 'failed':
        failure = deserializeError(message.error);
        return;
      case 'unrenderable':
        return unrenderable(message);
      case 'followed':
        return followed(message.publication);
      case 'loads-wanted':
        return loadsWanted(worker, message.id);
      default:
        return responded(worker, message);
    }
  });
  return worker;
}

/** Resolves with how a process ended. `exit` may come before the last messages; `disconnect` comes after them. */
function endOf(child: Worker): Promise<string> {
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ? `was ended by ${signal}` : `exited with code ${code}`));
  });
  const disconnected = new Promise<void>((resolve) => void child.once('disconnect', () => resolve()));
  const notStarted = new Promise<string>((resolve) => {
    child.on('error', (error) => {
      if (child.process.pid === undefined) resolve(`could not be started: ${error.message}`);
    });
  });
  return Promise.race([notStarted, Promise.all([exited, disconnected]).then(([how]) => how)]);
}
