import { openRecordedRedirects, REDIRECTS_FILE } from '../config/redirects/recorded-redirects.ts';
import { DEFAULT_LOG_SAMPLE } from '../config/serve-options.ts';
import { createOldAddresses } from '../document/old-addresses.ts';
import { excerpt } from '../errors.ts';
import { createCdnHeaders } from '../http/cdn-headers.ts';
import { createClientOf, parseTrust } from '../http/client.ts';
import type { HealthParts } from '../http/health.ts';
import { createObserver } from '../http/observe.ts';
import { statusHandler } from '../http/overviews.ts';
import { partnerChangesHandler } from '../http/partner-changes.ts';
import { createHttpServer, type HttpServer, type Site } from '../http/server.ts';
import type { ServiceStatus } from '../pages/service-status.ts';
import type { LongPolls } from '../partner/long-polls.ts';
import { openSigner } from '../partner/proof/keys.ts';
import type { Freshness } from '../store/replica.ts';
import type { Counters } from '../telemetry/counters.ts';
import type { Log } from '../telemetry/log.ts';
import { type DataFolder, mediaFolder } from './data-folder.ts';
import type { Deliveries } from './deliveries.ts';
import type { Generation } from './generations.ts';
import { releaseFreeHeap } from './heap.ts';
import type { Traffic } from './process-status.ts';
import type { ServeOptions } from './service-process.ts';
import type { Writer } from './writer.ts';

interface HttpParts {
  readonly folder: DataFolder;
  readonly options: ServeOptions;
  readonly writer: Writer;
  readonly generation: Generation;
  readonly counters: Counters;
  readonly traffic: Traffic;
  readonly longPolls: LongPolls;
  readonly deliveries: Deliveries;
  readonly readStatus: () => Promise<ServiceStatus>;
  readonly health: HealthParts;
  readonly freshness: () => Freshness;
  readonly now: () => number;
  readonly fail: (error: unknown) => void;
}

/** Wires everything between a connection and the documents. */
export function createHttp(parts: HttpParts): HttpServer {
  const { folder, options, writer, generation, counters, traffic, longPolls, readStatus, health, now, fail } = parts;
  const { store } = folder;
  const { recorder, record } = parts.deliveries;
  const { version, rate, fastPath = true, connections: limits = {}, logSample: sample = DEFAULT_LOG_SAMPLE } = options;
  const trust = options.trustProxy === undefined ? undefined : parseTrust(options.trustProxy);
  const { log } = options.log;
  const clientOf = createClientOf(trust, (element) => warnOfUnknownClient(element, log));
  return createHttpServer({
    ...health,
    observer: createObserver({ log, clientOf, counters, traffic: traffic.counts, sample }),
    ...siteOf(generation, { folder, log, longPolls }),
    store,
    now,
    changes: writer.changes,
    listProblems: writer.listProblems,
    showStatus: writer.showStatus ?? statusHandler({ store, now, readStatus }),
    hasPending: writer.hasPending,
    whenIdle: writer.whenIdle,
    mediaFolder: mediaFolder(folder),
    version,
    fail,
    recorder,
    record,
    ...(options.signingKey === undefined ? {} : { signer: openSigner(options.signingKey) }),
    trust,
    clientOf,
    limits,
    rate,
    fastPath,
    cdn: createCdnHeaders(options.purge?.targets.map(({ kind }) => kind) ?? [], parts.freshness),
    onCalm: releaseFreeHeap,
  });
}

/** What answers with a generation. */
export function siteOf(
  { publication, documents: { documentCache, pages, siteFiles, partnerDocuments, partnerChanges } }: Generation,
  {
    folder: { path, store },
    log,
    longPolls,
  }: { readonly folder: DataFolder; readonly log: Log; readonly longPolls: LongPolls },
): Site {
  const recorded = openRecordedRedirects(path, {
    systems: publication.builtInRedirects,
    onProblems: (problems, file) => log.warn({ file, problems }, `Lines of ${REDIRECTS_FILE} are left out.`),
  });
  return {
    publication,
    documentCache,
    oldAddresses: createOldAddresses({ store, publication, recorded: recorded.table }),
    ...(pages === undefined ? {} : { pages }),
    siteFiles,
    partnerDocuments,
    partnerChanges: partnerChangesHandler({ changes: partnerChanges, longPolls }),
  };
}

/** Reported once. */
function warnOfUnknownClient(element: string, log: Log): void {
  const named = excerpt(element);
  const effect = 'All clients without an address share the limit of one client.';
  const hint = 'Configure the proxy to send the address of each client.';
  log.warn({ forwarded: named }, `A trusted proxy names its client “${named}”, which is no address. ${effect} ${hint}`);
}
