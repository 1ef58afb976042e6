import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FeedKey } from '../feed/feeds.ts';
import { type Counters, countAnswer, countRequest, countSavings, routeCounts } from '../telemetry/counters.ts';
import type { Log } from '../telemetry/log.ts';
import type { TrafficCounts } from '../telemetry/traffic.ts';
import type { Answer } from './answer.ts';
import { withoutMapping } from './client.ts';
import { redactedPath } from './partner-target.ts';
import { type Content, contentOf } from './respond.ts';

interface ObserverParts {
  readonly log: Log;
  /** Works while the connection is open. */
  readonly clientOf: (request: IncomingMessage) => string;
  readonly counters: Counters;
  readonly traffic: Pick<TrafficCounts, 'answered' | 'documentAnswered'>;
  /** Logs one of this many answers of busy routes; 0 for none. */
  readonly sample: number;
}

/** Counts every answer, and writes its line into the log. */
export interface Observer {
  /** Records a cached answer. `began` is a time of `performance.now()`. */
  readonly cachedAnswerSent: (request: IncomingMessage, answer: Answer, began: number) => void;
  /** Records any other request when its response closes. */
  readonly follow: (request: IncomingMessage, response: ServerResponse, began: number) => void;
  /** Records bytes that were not a request, with the status and content bytes of the answer. */
  readonly refused: (socket: Socket, status: number, bytes: number) => void;
}

interface Finished {
  readonly request: IncomingMessage;
  readonly client: string;
  readonly status: number;
  readonly bytes: number;
  readonly milliseconds: number;
}

/** nginx's code for a client that left before the answer; no answer ever carries it. */
const CLIENT_LEFT = 499;

/** Monitors ask for them every few seconds: among all answers, they would hide the readers. */
const PROBES: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/** Routes that programs request by the million. */
const BUSY_ROUTES = new Set(['/feeds/*', '/partners/*', '/', '/pages/*', '/media/*', '/healthz', '/readyz']);
const ORDINARY = new Set([200, 206, 226, 303, 304]);

/** Statuses of requests that end before Express chooses a route. */
const REFUSED_EARLY = new Set([400, 417, 431, 503, CLIENT_LEFT]);

/** A flood of requests must not become a flood of log lines. */
function isSampledOnly(route: string, status: number, isAborted: boolean): boolean {
  if (status === 429 || (route === 'other' && REFUSED_EARLY.has(status))) return true;
  return !isAborted && BUSY_ROUTES.has(route) && ORDINARY.has(status);
}

/** Characters of a client's own words in a log line. Its query may hold a secret, and its host a user name and password. */
const LONGEST_PATH = 1000;
const LONGEST_AGENT = 200;

export function createObserver({ log, clientOf, counters, traffic, sample }: ObserverParts): Observer {
  const feeds = routeCounts(counters, '/feeds/*');
  let unsampled = 0;

  function isSampled(): boolean {
    if (sample === 0) return false;
    unsampled += 1;
    if (unsampled < sample) return false;
    unsampled = 0;
    return true;
  }

  function countDocument(request: IncomingMessage, answer: Answer, milliseconds: number, feed?: FeedKey): void {
    traffic.documentAnswered(answer, request, milliseconds, feed);
    countSavings(counters, request.method, answer);
    if (feed !== undefined) countRequest(counters, feed);
  }

  function logRequest({ request, client, status, bytes, milliseconds }: Finished, more: object): void {
    const fields = {
      method: request.method,
      path: redactedPath(request.url).slice(0, LONGEST_PATH),
      status,
      bytes,
      ms: Math.round(milliseconds * 1000) / 1000,
      client,
      agent: request.headers['user-agent']?.slice(0, LONGEST_AGENT),
      ...more,
    };
    if (status >= 500) log.warn(fields, 'request');
    else log.info(fields, 'request');
  }

  return {
    cachedAnswerSent(request, answer, began) {
      const { status, coding, body, document } = answer;
      const milliseconds = performance.now() - began;
      const bytes = body === undefined ? 0 : body.length;
      countAnswer(feeds, request.method, status, milliseconds / 1000);
      counters.bytes[coding] += bytes;
      countDocument(request, answer, milliseconds, document.feed.key);
      if (isSampled()) logRequest({ request, client: clientOf(request), status, bytes, milliseconds }, { sample });
    },
    follow(request, response, began) {
      const client = clientOf(request); // a closed socket has no address
      response.once('close', () => {
        const waited = waitOf(request);
        const milliseconds = performance.now() - began - waited;
        const route = routeOf(request);
        const status = response.headersSent ? response.statusCode : CLIENT_LEFT;
        const content: Content = contentOf(response) ?? { bytes: announced(request, response), coding: 'identity' };
        const { bytes, coding } = content;
        countAnswer(routeCounts(counters, route), request.method, status, milliseconds / 1000);
        counters.bytes[coding] += bytes;
        if (status !== CLIENT_LEFT && content.answer !== undefined)
          countDocument(request, content.answer, milliseconds, content.feed);
        else if (status !== CLIENT_LEFT && !PROBES.has(route)) traffic.answered(status, milliseconds);
        const finished = { request, client, status, bytes, milliseconds };
        const isAborted = !response.writableFinished;
        const more = { ...(isAborted && { aborted: true }), ...(waited > 0 && { waited: Math.round(waited) }) };
        if (!isSampledOnly(route, status, isAborted)) logRequest(finished, more);
        else if (isSampled()) logRequest(finished, { ...more, sample });
      });
    },
    refused(socket, status, bytes) {
      countAnswer(routeCounts(counters, 'other'), undefined, status, 0);
      counters.bytes.identity += bytes;
      traffic.answered(status, 0);
      const client = withoutMapping(socket.remoteAddress ?? '');
      if (isSampled()) log.info({ status, bytes, client, sample }, 'request');
    },
  };
}

/** Requests that wait for something to happen, or did: the service has nothing to do with them meanwhile. */
const waits = new WeakMap<IncomingMessage, { readonly began: number; ended?: number }>();

/** Records that a request waits from now on, until `noteWaitEnd`. */
export function noteWait(request: IncomingMessage): void {
  waits.set(request, { began: performance.now() });
}

/** Records that the wait of a request is over. */
export function noteWaitEnd(request: IncomingMessage): void {
  const wait = waits.get(request);
  if (wait !== undefined) wait.ended ??= performance.now();
}

/** Milliseconds for which a request has waited. */
function waitOf(request: IncomingMessage): number {
  const wait = waits.get(request);
  return wait === undefined ? 0 : (wait.ended ?? performance.now()) - wait.began;
}

const atOldAddresses = new WeakSet<IncomingMessage>();

/** Records that a request was for an address of an earlier system: whatever route it took, it counts as one of these. */
export function noteOldAddress(request: IncomingMessage): void {
  atOldAddresses.add(request);
}

/** The route that Express chose, as written in the list of routes. */
function routeOf(request: IncomingMessage): string {
  if (atOldAddresses.has(request)) return 'old-addresses';
  const route: unknown = Reflect.get(request, 'route');
  const path: unknown = typeof route === 'object' && route !== null ? Reflect.get(route, 'path') : undefined;
  return typeof path === 'string' ? path.replace('*path', '*').replace('{/}', '') : 'other';
}

/** Bytes of a media file: Express sends it, and sets its length. */
function announced({ method }: IncomingMessage, response: ServerResponse): number {
  return method === 'HEAD' || response.statusCode === 304 ? 0 : Number(response.getHeader('Content-Length') ?? 0);
}
