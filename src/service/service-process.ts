import type { Publication } from '../config/publication.ts';
import type { PurgeSettings } from '../config/purge-targets.ts';
import type { LogLevel } from '../config/serve-options.ts';
import type { PublisherError } from '../errors.ts';
import type { ConnectionLimits } from '../http/load/connections.ts';
import type { Rate } from '../http/load/rate-limiter.ts';
import type { MetricsAddress, PartnersQuestion } from '../http/operator.ts';
import type { PartnersStatus } from '../pages/partner-status.ts';
import type { ServiceStatus } from '../pages/service-status.ts';
import type { OpenLog } from '../telemetry/log.ts';
import type { MetricValues } from '../telemetry/metrics.ts';
import type { Unrenderable } from './problem-reports.ts';
import type { ProcessLoad } from './process-load.ts';
import type { SiteSettings } from './site/open-target.ts';

/** Settings that also reach the workers of a service, so plain values alone. */
export interface ServeSettings {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly version: string;
  /** Milliseconds in which a record, or one record of a bulk request, must arrive. */
  readonly bodyDeadline?: number;
  readonly logLevel?: LogLevel;
  /** One in so many answers to feed readers is logged; 0 for none. */
  readonly logSample?: number;
  /** Seconds from the moment when `/readyz` answers 503 until the service takes no more requests. */
  readonly shutdownDelay?: number;
  /** Megabytes of rendered entries and documents that are kept. */
  readonly cache?: number;
  readonly connections?: Partial<ConnectionLimits>;
  /** Proxies whose X-Forwarded-For or Forwarded is trusted, in the syntax of `parseTrust`; none by default. */
  readonly trustProxy?: string | undefined;
  /** Tokens of each client; no limit by default. */
  readonly rate?: Rate | undefined;
  /** Milliseconds from the start until the service prepares for the first page; it never does by default. */
  readonly warmUpAfter?: number;
  /** Whether cached answers bypass Express and Node's response; true by default. */
  readonly fastPath?: boolean;
  /** Whether ordinary HTML is cleaned without the parser of sanitize-html; true by default. */
  readonly sanitizeFastPath?: boolean;
  /** The private key (PEM) that signs answers to partners; they are not signed by default. */
  readonly signingKey?: string | undefined;
  /** The address of the database that replicas share; there is none by default. */
  readonly databaseUrl?: string | undefined;
  /** The caches in front of the service that are purged after changes; none by default. */
  readonly purge?: PurgeSettings | undefined;
  /** The static site that is kept up to date; none by default. */
  readonly site?: SiteSettings | undefined;
}

export interface ServeOptions extends ServeSettings {
  readonly now?: () => number;
  readonly log: OpenLog;
  /** Address of the operator's port; there is none by default. */
  readonly metrics?: MetricsAddress | undefined;
  /** Called during long work at the start. */
  readonly progress?: (work: string, done: number, total: number) => void;
  /** Called before the first request can be answered. */
  readonly beforeListen?: () => void;
  /** Takes an article that the feeds of this process omit; in a process that writes, the list of problems has it anyway. */
  readonly onUnrenderable?: (article: Unrenderable) => void;
  /** The role of this process if several share a service; by default one process does everything. */
  readonly part?: Part;
  /** Asks all processes of the service how busy they are; by default there is this one alone. */
  readonly loads?: (() => Promise<readonly ProcessLoad[]>) | undefined;
}

/** Readers forward changes to the writer at the socket. */
export type Part =
  | { readonly role: 'reader'; readonly socket: string }
  | { readonly role: 'writer'; readonly socket: string; readonly readersEnded: Promise<void> };

export interface Service {
  readonly port: number;
  /** Undefined if there is none. */
  readonly metricsPort: number | undefined;
  readonly articles: number;
  readonly feeds: number;
  /** Logs an unexpected error. */
  readonly fail: (error: unknown) => void;
  /** Finishes the requests that have begun, then releases everything. */
  readonly close: () => Promise<void>;
  /** Resolves with an exit code if the service stops because it cannot go on. */
  readonly ended?: Promise<number>;
}

/** A service whose publication can be replaced. */
export interface ReloadableService extends Service {
  /**
   * Puts a publication in force; in a reader, prepares for it: the writer puts it in force. Resolves when that is done. Calls
   * must not overlap.
   */
  readonly reload: (publication: Publication) => Promise<void>;
  /** Reports that publication.yaml cannot be put in force. */
  readonly refusePublication: (error: PublisherError) => void;
  /** Ends that report. */
  readonly acceptPublication: () => void;
}

/** A service of one process, or one worker of a service. */
export interface ServiceProcess extends ReloadableService {
  /** Returns the metrics of this process, to be added to those of others. */
  readonly measure: () => Promise<MetricValues>;
  /** Returns how busy this process is, after it has saved what it has counted. */
  readonly load: () => Promise<ProcessLoad>;
  /** Returns the state of the whole service. Rejects with `not_ready` in a reader. */
  readonly readStatus: () => Promise<ServiceStatus>;
  /** Returns what was delivered to partners, and what they have seen. Undefined for a partner that there is not. */
  readonly readPartners: (question: PartnersQuestion) => Promise<PartnersStatus | undefined>;
  /** Rejects if the store cannot be read. */
  readonly check: () => Promise<unknown>;
  /** Lists an article that the feeds of another process omit. */
  readonly addUnrenderable: (article: Unrenderable) => void;
}
