import type { IncomingMessage, RequestListener, Server, ServerOptions, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Trust } from '../forwarded.ts';
import { HEAD_BYTES } from '../head.ts';
import { LEFTOVER } from '../respond.ts';
import { createClientConnections } from './client-connections.ts';
import { malformedRequestHandlers, type OnRefused } from './malformed-requests.ts';
import { acceptWaiting, createDeferral, LAST_CALL, stopListening } from './shutdown.ts';
import { type ClientWatch, type PatienceLimits, watchClient } from './slow-clients.ts';
import { createUnansweredRequests } from './unanswered-requests.ts';

/** Limits on connections. All times are milliseconds. */
export interface ConnectionLimits extends PatienceLimits {
  /** Connections at once. */
  readonly total: number;
  /** Connections of one client at once; 0 for no limit. */
  readonly perClient: number;
  /** Time in which the rest of a request may still come when its answer is sent. */
  readonly leftover: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  total: 10_000,
  perClient: 256,
  head: 15_000,
  idle: 10_000,
  stall: 15_000,
  answer: 30_000,
  leftover: LEFTOVER,
};

/** Longer than proxies keep theirs (nginx: 60 s): a proxy must not send a request into a connection that is being closed. */
export const IDLE_BEHIND_PROXY = 75_000;

const REQUESTS_PER_CONNECTION = 10_000;
/** Requests behind the last one of a connection that are ignored. Node makes objects for each of them. */
const MAX_IGNORED = 1000;
/** Milliseconds that requests have to end when the service does. */
const GRACE = 10_000;

/** Keeps the cost of connections within limits, whatever their clients do. */
export interface Connections {
  /** For `createServer`. */
  readonly options: ServerOptions;
  /** @param onConnection called for every connection, before its first request */
  readonly watch: (server: Server, onConnection?: () => void) => void;
  /** A listener for the server that counts each request and then calls `handle`, unless its connection is at its limit. */
  readonly counting: (handle: RequestListener) => RequestListener;
  /** Whether the connection stays open after one more answer, which may then be written without a response. */
  readonly staysOpen: (socket: Socket) => boolean;
  /** Counts a request that is answered without a response. */
  readonly count: (socket: Socket) => void;
  /** Marks a request as unanswered until its response closes. Returns how many requests of its connection are. */
  readonly hold: (request: IncomingMessage, response: ServerResponse) => number;
  /** How many connections are open. */
  readonly open: () => number;
  /** From now on every answer says that it is the last of its connection. */
  readonly announceEnd: () => void;
  /**
   * Accepts the connections in the system's queue, then stops listening. Resolves when every request has its answer, or
   * after the grace period.
   */
  readonly end: () => Promise<void>;
}

interface Connection {
  requests: number;
  readonly watch: ClientWatch;
}

export function createConnections(
  limits: ConnectionLimits,
  trust?: Trust,
  onRefused: OnRefused = () => {},
): Connections {
  const connections = new Map<Socket, Connection>();
  const clients = createClientConnections(limits.perClient, trust);
  const unanswered = createUnansweredRequests((socket) => {
    if (isEnding) endSoon(socket);
  });
  const deferred = createDeferral();
  let server: Server | undefined;
  let isEnding = false;
  let accepted = 0;

  function opened(socket: Socket): void {
    accepted += 1;
    if (!clients.admit(socket)) return void socket.destroy();
    connections.set(socket, { requests: 0, watch: watchClient(socket, limits, performance.now()) });
    deferred.opened(socket);
    socket.once('close', () => {
      connections.delete(socket);
      unanswered.closeWaiting(socket);
    });
  }

  function hold(request: IncomingMessage, response: ServerResponse): number {
    const last = unanswered.of(request.socket);
    if (isEnding && last?.response !== response) {
      if (last !== undefined) last.response.shouldKeepAlive = true; // another answer follows it now
      response.shouldKeepAlive = false;
    }
    return unanswered.add(request, response);
  }

  /** Returns false if the connection has had its last request. The answer to that request closes it. */
  function received(request: IncomingMessage, response: ServerResponse): boolean {
    const { socket } = request;
    const connection = connections.get(socket);
    if (connection !== undefined) {
      connection.requests += 1;
      if (connection.requests > REQUESTS_PER_CONNECTION + MAX_IGNORED) socket.destroy();
      // The client must not take such a request for one that was carried out (RFC 9112 §9.6).
      if (connection.requests > REQUESTS_PER_CONNECTION) return false;
      if (connection.requests === REQUESTS_PER_CONNECTION) response.shouldKeepAlive = false;
    }
    const hasBody = !request.destroyed; // see `optimizeEmptyRequests`
    // Even an answer that is ready waits behind the ones before it, and may turn out to be one to a broken body.
    if (hasBody || response.socket === null || unanswered.isBusy(socket)) hold(request, response);
    else if (isEnding) response.shouldKeepAlive = false;
    if (hasBody) response.once('finish', () => awaitRest(request, limits.leftover));
    return true;
  }

  /** Ends a connection after a moment: its client may not have seen yet that it should close it. */
  function endSoon(socket: Socket): void {
    setTimeout(() => {
      if (!unanswered.isBusy(socket)) socket.destroySoon();
    }, LAST_CALL).unref();
  }

  async function end(): Promise<void> {
    if (server === undefined) return;
    deferred.start();
    await acceptWaiting(() => accepted);
    const closed = stopListening(server);
    const impatience = setTimeout(() => server?.closeAllConnections(), GRACE);
    await deferred.handle();
    for (const socket of connections.keys()) if (!unanswered.isBusy(socket)) endSoon(socket);
    await closed;
    clearTimeout(impatience);
    server.close(); // ends the timer with which Node looks for late heads
  }

  return {
    options: serverOptions(limits),
    watch(started, onConnection = () => {}) {
      server = started;
      started.maxConnections = limits.total;
      started.maxHeadersCount = 0; // Node would leave out the fields beyond a count without a word
      const sweep = () => {
        const now = performance.now();
        for (const [socket, { watch }] of connections) watch.sweep(now, unanswered.isBusy(socket));
      };
      const sweeping = setInterval(sweep, Math.ceil(Math.min(limits.stall / 3, limits.idle / 5))).unref();
      const { onClientError, onConnect } = malformedRequestHandlers({
        unanswered,
        leftover: limits.leftover,
        onRefused,
      });
      started
        .on('connection', onConnection)
        .on('connection', opened)
        .on('clientError', onClientError)
        .on('connect', onConnect)
        .on('close', () => clearInterval(sweeping));
    },
    counting: (handle) => (request, response) => {
      if (!received(request, response)) return;
      if (!deferred.has(request.socket)) return handle(request, response);
      hold(request, response);
      deferred.add(() => handle(request, response));
    },
    staysOpen: (socket) => !isEnding && (connections.get(socket)?.requests ?? 0) < REQUESTS_PER_CONNECTION - 1,
    count(socket) {
      const connection = connections.get(socket);
      if (connection !== undefined) connection.requests += 1;
    },
    hold,
    open: () => connections.size,
    announceEnd() {
      isEnding = true;
      for (const socket of connections.keys()) {
        const last = unanswered.of(socket);
        if (last !== undefined) last.response.shouldKeepAlive = false;
      }
    },
    end,
  };
}

function serverOptions(limits: ConnectionLimits): ServerOptions {
  return {
    requestTimeout: 0, // bodies have deadlines of their own: a bulk import may stream for an hour
    headersTimeout: limits.head,
    connectionsCheckingInterval: Math.ceil(limits.head / 5),
    keepAliveTimeout: 0, // Node would set and clear a timer for every request; `sweep` closes idle connections
    maxHeaderSize: HEAD_BYTES,
    optimizeEmptyRequests: true,
    requireHostHeader: false, // Node's own answer is no problem document, and is neither counted nor logged: see head.ts
  };
}

/** Closes the connection if the rest of an answered request does not arrive in time. */
function awaitRest(request: IncomingMessage, milliseconds: number): void {
  if (request.complete) return;
  setTimeout(() => {
    if (!request.complete) request.socket.destroySoon();
  }, milliseconds).unref();
}
