import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Counters, countAnswer, routeCounts } from '../telemetry/counters.ts';
import type { Log } from '../telemetry/log.ts';
import type { Answer } from './answer.ts';
import { withoutMapping } from './client.ts';
import { contentOf } from './respond.ts';

interface ObserverParts {
  readonly log: Log;
  /** Who asks. Known while the connection is open. */
  readonly clientOf: (request: IncomingMessage) => string;
  readonly counters: Counters;
  /** One in how many of the answers that are given without end is a line in the log; 0 for none. */
  readonly sample: number;
}

/** The one place that is told of every answer: counts it, and writes its line into the log. */
export interface Observer {
  /** Told of an answer that is given, by a document that was at hand. `began`: of `performance.now()`. */
  readonly cachedResponseSent: (request: IncomingMessage, answer: Answer, began: number) => void;
  /** Follows any other request to its end. */
  readonly follow: (request: IncomingMessage, response: ServerResponse, began: number) => void;
  /** Told of what was no request, and is answered with these bytes of content. */
  readonly refused: (socket: Socket, status: number, bytes: number) => void;
}

interface Finished {
  readonly request: IncomingMessage;
  readonly client: string;
  readonly status: number;
  readonly bytes: number;
  readonly milliseconds: number;
}

/** nginx's word for a client that left before there was an answer; no answer ever has it. */
const CLIENT_LEFT = 499;

/** Where answers are given by the million, most of them the same, and asked for by programs. */
const ASKED_WITHOUT_END = new Set(['/feeds/*', '/media/*', '/healthz', '/readyz']);
const NOTHING_SPECIAL = new Set([200, 206, 226, 304]);

/** What ends before a route is chosen: a head that is none, or too much to do. */
const UNHEARD = new Set([400, 417, 431, 503, CLIENT_LEFT]);

/** A flood that is sent away, or leaves, before a route is chosen or from one, must not become a flood of lines. */
function isGivenWithoutEnd(route: string, status: number, isAborted: boolean): boolean {
  if (status === 429 || (route === 'other' && UNHEARD.has(status))) return true;
  return !isAborted && ASKED_WITHOUT_END.has(route) && NOTHING_SPECIAL.has(status);
}

/** Characters of what a client chose that stand in a line. */
const LONGEST_PATH = 1000;
const LONGEST_AGENT = 200;

export function createObserver({ log, clientOf, counters, sample }: ObserverParts): Observer {
  const feeds = routeCounts(counters, '/feeds/*');
  let unsampled = 0;

  function isSampled(): boolean {
    if (sample === 0) return false;
    unsampled += 1;
    if (unsampled < sample) return false;
    unsampled = 0;
    return true;
  }

  function tell({ request, client, status, bytes, milliseconds }: Finished, more: object): void {
    const fields = {
      method: request.method,
      path: pathOf(request),
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
    cachedResponseSent(request, { status, coding, body }, began) {
      const milliseconds = performance.now() - began;
      const bytes = body === undefined ? 0 : body.length;
      countAnswer(feeds, request.method, status, milliseconds / 1000);
      counters.bytes[coding] += bytes;
      if (isSampled()) tell({ request, client: clientOf(request), status, bytes, milliseconds }, { sample });
    },
    follow(request, response, began) {
      const client = clientOf(request); // its socket forgets when it is closed
      response.once('close', () => {
        const milliseconds = performance.now() - began;
        const route = routeOf(request);
        const status = response.headersSent ? response.statusCode : CLIENT_LEFT;
        const { bytes, coding } = contentOf(response) ?? { bytes: announced(request, response), coding: 'identity' };
        countAnswer(routeCounts(counters, route), request.method, status, milliseconds / 1000);
        counters.bytes[coding] += bytes;
        const finished = { request, client, status, bytes, milliseconds };
        const isAborted = !response.writableFinished;
        const more = isAborted ? { aborted: true } : {};
        if (!isGivenWithoutEnd(route, status, isAborted)) tell(finished, more);
        else if (isSampled()) tell(finished, { ...more, sample });
      });
    },
    refused(socket, status, bytes) {
      countAnswer(routeCounts(counters, 'other'), undefined, status, 0);
      counters.bytes.identity += bytes;
      const client = withoutMapping(socket.remoteAddress ?? '');
      if (isSampled()) log.info({ status, bytes, client, sample }, 'request');
    },
  };
}

/** The route that Express chose, as it stands in the list of routes. */
function routeOf(request: IncomingMessage): string {
  const route: unknown = Reflect.get(request, 'route');
  const path: unknown = typeof route === 'object' && route !== null ? Reflect.get(route, 'path') : undefined;
  return typeof path === 'string' ? path.replace('*path', '*') : 'other';
}

/** Bytes of a file, which Express sends. */
function announced({ method }: IncomingMessage, response: ServerResponse): number {
  return method === 'HEAD' || response.statusCode === 304 ? 0 : Number(response.getHeader('Content-Length') ?? 0);
}

/**
 * The path as it was asked for. Without the query, which may hold what is secret, and where the address is absolute
 * (RFC 9112 §3.2.2) without the name and password that may stand in it.
 */
function pathOf({ url = '' }: IncomingMessage): string {
  const [path = ''] = url.replace(/^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i, '').split(/[?#]/, 1);
  return path.slice(0, LONGEST_PATH);
}
