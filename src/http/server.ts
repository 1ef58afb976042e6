import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { DocumentCache } from '../document/cache.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { createAdmission, refuseExpectation, refuseOverload } from './admission.ts';
import { type AppParts, createApp } from './app.ts';
import { createApiCors } from './cors.ts';
import { installFastPath } from './fast-path.ts';
import type { Trust } from './forwarded.ts';
import { createKnownAddresses } from './known-addresses.ts';
import { createChangeOrder } from './load/change-order.ts';
import { createClientQuota } from './load/client-quota.ts';
import { CONNECTION_LIMITS, type ConnectionLimits, createConnections, IDLE_BEHIND_PROXY } from './load/connections.ts';
import { createQueueSlots } from './load/queue-slots.ts';
import { createRateLimiter, type Rate } from './load/rate-limiter.ts';
import { createRequestQueue, type LaneLength } from './load/request-queue.ts';
import { whenFirst } from './load/unanswered-requests.ts';
import { createServer } from './node-http.ts';
import type { Observer } from './observe.ts';
import { authenticatePartner } from './partner-authorization.ts';
import { isPartner } from './partner-target.ts';
import { feedPathOf, isIndex, isList, isMedia } from './target.ts';

/** What a publication decides. */
export interface Site
  extends Pick<
    AppParts,
    'publication' | 'oldAddresses' | 'pages' | 'siteFiles' | 'partnerDocuments' | 'partnerChanges'
  > {
  readonly documentCache: Pick<DocumentCache, 'get' | 'getIfReady' | 'tagsIfReady'>;
}

interface ServerParts
  extends Site,
    Omit<AppParts, keyof Site | 'slots' | 'knownAddresses' | 'refuseOverdrawn' | 'successor'> {
  readonly observer: Observer;
  /** Whether files have changed that are not published yet. */
  readonly hasPending: () => boolean;
  /** Waits until they are published, within reason. */
  readonly whenIdle: () => Promise<void>;
  readonly trust: Trust | undefined;
  /** The client of a request, while its connection is open. */
  readonly clientOf: (request: IncomingMessage) => string;
  readonly limits: Partial<ConnectionLimits>;
  /** How much a client may request; undefined for no limit. */
  readonly rate: Rate | undefined;
  /** Whether cached documents are answered past Express. */
  readonly fastPath: boolean;
  /** Called when an overload is over. */
  readonly onCalm: () => void;
}

/** How busy the HTTP side is. */
export interface HttpLoad {
  readonly queues: readonly LaneLength[];
  readonly connections: { readonly open: number; readonly limit: number };
}

export interface HttpServer {
  readonly server: Server;
  /** Answers with another publication from now on. A request that has begun ends with the one that it began with. */
  readonly replace: (site: Site) => void;
  /** The app alone, for requests that another process has admitted, counts and logs. */
  readonly app: RequestListener;
  readonly load: () => HttpLoad;
  /** From now on every answer says that it is the last of its connection. */
  readonly announceEnd: () => void;
  /** Stops listening, and resolves when every request has its answer. */
  readonly end: () => Promise<void>;
  /** Stops the timers. */
  readonly close: () => void;
}

/**
 * Puts the HTTP side together. A request passes, in this order: the limits on connections, the fast path, admission with
 * its queue, and the app.
 */
export function createHttpServer(parts: ServerParts): HttpServer {
  const { observer, hasPending, whenIdle, trust } = parts;
  const idle = trust === undefined ? CONNECTION_LIMITS.idle : IDLE_BEHIND_PROXY;
  const limits = { ...CONNECTION_LIMITS, idle, ...parts.limits };
  const connections = createConnections(limits, trust, observer.refused);
  const requestQueue = createRequestQueue({ onCalm: parts.onCalm });
  const slots = createQueueSlots();
  const quota = createClientQuota(parts.rate && createRateLimiter(parts.rate), parts.clientOf);
  const knownAddresses = createKnownAddresses();
  const pendingFileChanges = ({ url }: IncomingMessage) =>
    hasPending() && (feedPathOf(url) !== undefined || isMedia(url) || isIndex(url) || isList(url) || isPartner(url))
      ? whenIdle()
      : undefined;

  /** What answers now. */
  let current = begin(parts);

  function begin(site: Site) {
    const { publication, documentCache, oldAddresses, pages, siteFiles, partnerDocuments, partnerChanges } = site;
    const { pages: _, partnerDocuments: __, partnerChanges: ___, ...others } = parts;
    const app: RequestListener = createApp({
      ...others,
      ...{ publication, documentCache, oldAddresses, siteFiles },
      ...omitUndefined({ pages, partnerDocuments, partnerChanges }),
      ...{ slots, knownAddresses, refuseOverdrawn: quota.refuseOverdrawn },
      successor: () => (current.app === app ? undefined : current.app),
    });
    return { app, publication, documentCache, allowOrigin: createApiCors(publication.origins) };
  }

  const app: RequestListener = (request, response) => current.app(request, response);
  const admission = createAdmission({
    store: parts.store,
    now: parts.now,
    connections,
    requestQueue,
    slots,
    quota,
    knownAddresses,
    pendingFileChanges,
    partnerOf: (request) => authenticatePartner({ ...parts, publication: current.publication }, request),
    app,
    observer,
    fail: parts.fail,
  });

  const server = createServer(connections.options);
  connections.watch(server, requestQueue.arrived);
  const tryFastPath = parts.fastPath
    ? installFastPath(server, {
        current: () => current,
        knownAddresses,
        hasPending,
        quota,
        connections,
        observer,
        onRequest: requestQueue.arrived,
        now: parts.now,
        cdn: parts.cdn,
      })
    : () => false;
  const counted = (handle: RequestListener) =>
    connections.counting((request, response) => {
      requestQueue.arrived();
      current.allowOrigin(request, response);
      handle(request, response);
    });
  const answer: RequestListener = (request, response) => {
    if (!tryFastPath(request, response)) admission(request, response);
  };
  const inOrder = createChangeOrder({ hold: connections.hold, refuse: refuseOverload(observer) });
  server
    .on('request', counted(inOrder(answer)))
    .on('checkContinue', counted(inOrder(continuing(answer))))
    .on('checkExpectation', counted(refuseExpectation(observer)));
  return {
    server,
    app,
    replace(site) {
      current = begin(site);
    },
    load: () => ({
      queues: requestQueue.waiting(),
      connections: { open: connections.open(), limit: limits.total },
    }),
    announceEnd: connections.announceEnd,
    end: connections.end,
    close: requestQueue.close,
  };
}

/**
 * Tells the client to go on with its body, and handles the request, once the answers before it are on their way: Node would
 * write both into one of those.
 */
function continuing(handle: RequestListener): RequestListener {
  return (request, response) =>
    whenFirst(response, () => {
      if (response.destroyed) return; // the client left
      response.writeContinue();
      handle(request, response);
    });
}
