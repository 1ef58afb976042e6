import type { Publication } from '../config/publication.ts';
import { DEFAULT_CACHE_MB } from '../config/serve-options.ts';
import { PublisherError } from '../errors.ts';
import type { HealthParts } from '../http/health.ts';
import type { HttpServer } from '../http/server.ts';
import { openTrafficFile } from '../store/sqlite/traffic-file.ts';
import type { Log } from '../telemetry/log.ts';
import { watchLoopDelay } from '../telemetry/loop-delay.ts';
import { createTrafficCounts, type TrafficCounts } from '../telemetry/traffic.ts';
import { type DataFolder, trafficFile } from './data-folder.ts';
import type { DiskWatch } from './disk-watch.ts';
import { type Documents, MEGABYTE } from './documents.ts';
import type { Outbox } from './outbox.ts';
import { cacheLoad, type ProcessLoad } from './process-load.ts';
import { createStatusReader } from './status.ts';
import { createTrafficKeeper, type TrafficKeeper } from './traffic-keeper.ts';
import type { Writer } from './writer.ts';

export interface Traffic extends TrafficKeeper {
  readonly counts: TrafficCounts;
}

interface TrafficParts {
  readonly log: Log;
  readonly now: () => number;
  readonly fail: (error: unknown) => void;
  /** Whether this process knows the state of the service: it alone shares the figures with other machines. */
  readonly isWriter: boolean;
}

/** Counts what this process answers, and keeps it beside the store. */
export function openTraffic(folder: DataFolder, { log, now, fail, isWriter }: TrafficParts): Traffic {
  const file = trafficFile(folder);
  let isReported = false;
  const counts = createTrafficCounts(now);
  const store = openTrafficFile(file, (reason) => {
    if (!isReported) log.warn({ reason }, `The figures of /status begin anew, because ${file} cannot be used.`);
    isReported = true;
  });
  const shared = isWriter ? folder.replica?.traffic : undefined;
  return { counts, ...createTrafficKeeper({ counts, store, shared, now, fail }) };
}

interface StatusParts {
  readonly folder: DataFolder;
  /** The one in force. */
  readonly publication: () => Publication;
  readonly options: {
    readonly version: string;
    /** Megabytes of rendered entries and documents that are kept. */
    readonly cache?: number;
    /** Asks all processes of the service how busy they are; by default there is this one alone. */
    readonly loads?: (() => Promise<readonly ProcessLoad[]>) | undefined;
  };
  readonly writer: Pick<Writer, 'problems'>;
  readonly traffic: TrafficKeeper;
  readonly health: HealthParts;
  readonly now: () => number;
  readonly documents: Pick<Documents, 'keptDocuments' | 'keptEntries'>;
  readonly http: Pick<HttpServer, 'load'>;
  readonly disk: DiskWatch;
  readonly outbox: Pick<Outbox, 'read'>;
}

/** What this process can tell of itself and, if it writes, of the whole service. */
export function openStatus(parts: StatusParts) {
  const { folder, publication, options, writer, documents, traffic, http, disk, health, outbox, now } = parts;
  const { version, cache = DEFAULT_CACHE_MB } = options;
  const delay = watchLoopDelay();
  const startedAt = now();

  async function load(): Promise<ProcessLoad> {
    await traffic.save();
    const caches = [documents.keptDocuments(), documents.keptEntries()];
    return { startedAt, ...http.load(), cache: cacheLoad(caches, cache * MEGABYTE), eventLoopDelay: delay.longest() };
  }

  async function refuse(): Promise<never> {
    throw new PublisherError('not_ready', 'Only the process that writes changes knows the state of the service.');
  }

  /** The supervisor knows no process yet when a request comes at once. */
  async function loads(): Promise<readonly ProcessLoad[]> {
    const all = (await options.loads?.()) ?? [];
    return all.length > 0 ? all : [await load()];
  }

  const { problems } = writer;
  const read = problems
    ? createStatusReader({
        ...health,
        store: folder.store,
        publication,
        version,
        problems,
        disk,
        outbox,
        traffic,
        loads,
        now,
      })
    : refuse;
  return { load, read, served: delay.restart, close: delay.close };
}
