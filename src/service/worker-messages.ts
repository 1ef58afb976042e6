import type { Publication } from '../config/publication.ts';
import { type ErrorCode, type Problem, PublisherError } from '../errors.ts';
import type { PartnersQuestion } from '../http/operator.ts';
import type { PartnersStatus } from '../pages/partner-status.ts';
import type { ServiceStatus } from '../pages/service-status.ts';
import type { MetricValues } from '../telemetry/metrics.ts';
import type { Unrenderable } from './problem-reports.ts';
import type { ProcessLoad } from './process-load.ts';
import type { ServeSettings, Service } from './service-process.ts';

/** The writer changes the store; writer and readers answer requests. */
export type Role = 'writer' | 'reader';

/** The same for every worker, so that a worker that is restarted later serves what the others serve. */
export interface WorkerConfig {
  /** The data folder. */
  readonly path: string;
  readonly publication: Publication;
  readonly settings: ServeSettings;
  /** Path of the socket where the writer takes changes from readers. */
  readonly socket: string;
}

/** From the supervisor to a worker. */
export type ParentMessage =
  | { readonly kind: 'start'; readonly config: WorkerConfig }
  | { readonly kind: 'stop' }
  /** Readers forward changes until they end. The writer closes its socket after this message. */
  | { readonly kind: 'readers-ended' }
  /** To the writer, which lists what is wrong. */
  | UnrenderableMessage
  /** To the writer: publication.yaml cannot be put in force, or it is in force where there is no error. */
  | { readonly kind: 'publication'; readonly error?: SerializedError }
  /** See `ReloadableService`. The worker answers with the same id. */
  | { readonly kind: 'reload'; readonly id: number; readonly publication: Publication }
  /** To a worker that asked for them. */
  | LoadsMessage
  | WorkerRequest
  /** To the writer. */
  | PartnersRequest;

/** How busy all workers are. */
export interface LoadsMessage {
  readonly kind: 'loads';
  readonly id: number;
  readonly loads: readonly ProcessLoad[];
}

/** A worker that serves answers with the same id. */
export interface WorkerRequest {
  readonly kind: 'measure' | 'check' | 'load' | 'status';
  readonly id: number;
}

/** What the page of partners asks. The writer answers with the same id. */
export interface PartnersRequest {
  readonly kind: 'partners';
  readonly id: number;
  readonly question: PartnersQuestion;
}

/** From a worker to the supervisor. */
export type WorkerMessage =
  /** The worker waits for `start`. */
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'serving' } & Serving)
  | { readonly kind: 'failed'; readonly error: SerializedError }
  | UnrenderableMessage
  /** The writer needs to know how busy all workers are. */
  | { readonly kind: 'loads-wanted'; readonly id: number }
  | WorkerResponse;

/** A reader omits an article from its feeds. */
export type UnrenderableMessage = { readonly kind: 'unrenderable' } & Unrenderable;

export type WorkerResponse =
  | { readonly kind: 'measured'; readonly id: number; readonly values: MetricValues }
  /** The worker has saved what it has counted. */
  | { readonly kind: 'loaded'; readonly id: number; readonly load: ProcessLoad }
  | { readonly kind: 'status'; readonly id: number; readonly status: ServiceStatus }
  | { readonly kind: 'status'; readonly id: number; readonly failure: SerializedError }
  | { readonly kind: 'partners'; readonly id: number; readonly partners: PartnersStatus | undefined }
  | { readonly kind: 'partners'; readonly id: number; readonly failure: SerializedError }
  | { readonly kind: 'reloaded'; readonly id: number; readonly failure?: SerializedError }
  /** `failure` gives the reason if the worker cannot serve. */
  | { readonly kind: 'checked'; readonly id: number; readonly failure?: SerializedError };

export type Serving = Pick<Service, 'port' | 'articles' | 'feeds'>;

/** A PublisherError in the form that passes between processes. */
export interface SerializedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly problems: readonly Problem[];
  readonly hint?: string | undefined;
  readonly file?: string | undefined;
}

export function serializeError({ code, message, problems, hint, file }: PublisherError): SerializedError {
  return { code, message, problems, hint, file };
}

export function deserializeError({ code, message, problems, hint, file }: SerializedError): PublisherError {
  return new PublisherError(code, message, {
    problems,
    ...(hint === undefined ? {} : { hint }),
    ...(file === undefined ? {} : { file }),
  });
}

const PARENT_KINDS = [
  ...['start', 'stop', 'readers-ended', 'unrenderable', 'publication', 'reload'],
  ...['loads', 'measure', 'check', 'load', 'status', 'partners'],
];
const WORKER_KINDS = [
  ...['ready', 'serving', 'failed', 'unrenderable', 'loads-wanted'],
  ...['measured', 'checked', 'loaded', 'status', 'partners', 'reloaded'],
];

/** Node and its libraries use the same channel for messages of their own. */
export function isParentMessage(message: unknown): message is ParentMessage {
  return hasKind(message, PARENT_KINDS);
}

export function isWorkerMessage(message: unknown): message is WorkerMessage {
  return hasKind(message, WORKER_KINDS);
}

/** Whether a message is one of these kinds. */
export function hasKind(message: unknown, kinds: readonly string[]): boolean {
  return typeof message === 'object' && message !== null && 'kind' in message && kinds.includes(String(message.kind));
}
