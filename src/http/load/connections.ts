import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as nextRound } from 'node:timers/promises';
import type { PublisherError } from '../../errors.ts';
import { isOurs, networkOf, type Trust, withoutMapping } from '../client.ts';
import { HEAD_BYTES, reasonOf } from '../head.ts';
import { RepeatedHeadResponse } from '../repeated-head.ts';
import { LEFTOVER, rawError } from '../respond.ts';

/** What a connection may cost. All times are milliseconds. */
export interface ConnectionLimits {
  /** Connections at once. */
  readonly total: number;
  /** Connections of one client at once; 0 for no bound. */
  readonly perClient: number;
  /** Time for a request's head to come. */
  readonly head: number;
  /** Time for which a connection without a request is kept. */
  readonly idle: number;
  /** Time in which a client must have taken something of what waits for it. */
  readonly stall: number;
  /** Time to take an answer, beside what its length allows. */
  readonly answer: number;
  /** Time in which the rest of a request may still come when its answer is sent, or of what is no request. */
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

/** Longer than proxies keep theirs (nginx: 60 s): none must send a request into a connection that is being closed. */
export const IDLE_BEHIND_PROXY = 75_000;

/** Bytes a second at which an answer must be taken. */
const SLOWEST_READER = 8 * 1024;
const REQUESTS_PER_CONNECTION = 10_000;
/** Time that requests have to end when the service does. */
const GRACE = 10_000;
/** Time in which connections still come when the service ends, and then in which those without a request are still heard. */
const LAST_CALL = 500;
/** Rounds of the event loop without a new connection after which none waits to be taken: the first may be half a round. */
const QUIET_ROUNDS = 3;

export interface Connections {
  /** For `createServer`. */
  readonly options: ServerOptions;
  readonly watch: (server: Server, told?: Told) => void;
  /** To be told of every request that is not answered at once, before it is answered. */
  readonly received: (request: IncomingMessage, response: ServerResponse) => void;
  /** To be told of a request that is not answered at once. Returns how many of its connection are not. */
  readonly hold: (request: IncomingMessage, response: ServerResponse) => number;
  /** From now on every answer says that it is the last of its connection. */
  readonly announceEnd: () => void;
  /** Takes the connections that wait, and no more; resolves when every request that was heard has its answer; soon in any case. */
  readonly end: () => Promise<void>;
}

/** Who is told of what comes. */
interface Told {
  /** Of every connection. */
  readonly heard?: () => void;
  /**
   * Of a request that nothing stands before on its connection: whether it was answered by writing to the socket. If not,
   * nothing was written.
   */
  readonly tryFastPath?: (request: IncomingMessage) => boolean;
}

/** What Node's documentation does not tell of a connection: see docs/decisions/0012-answers-without-a-response.md. */
interface Undocumented {
  /** The response that is being written. */
  readonly _httpMessage?: object | null;
  readonly parser?: {
    /** The request whose head came last. */
    incoming: IncomingMessage | null;
    /** Is handed each request once its head is there. The number is for the parser of HTTP: nothing special. */
    onIncoming: ((request: IncomingMessage, keepAlive: boolean) => number) | null;
  };
}

/** The last request of a connection that waits for its answer, and how many do. */
interface Held {
  count: number;
  request: IncomingMessage;
  response: ServerResponse;
  /** What is to be done when all of them are answered. */
  afterwards?: () => void;
}

/** Told of what was no request, and is answered with these bytes of content. */
type Refused = (socket: Socket, status: number, bytes: number) => void;

/** Keeps what connections cost within limits, whatever their clients do or leave undone. */
export function createConnections(
  limits: ConnectionLimits,
  trust?: Trust,
  tellRefused: Refused = () => {},
): Connections {
  const sockets = new Map<Socket, Progress>();
  const clients = new Map<string, number>();
  const held = new WeakMap<Socket, Held>();
  const refused = new WeakSet<Socket>();
  let server: Server | undefined;
  let ending = false;
  let heard = () => {};
  let tryFastPath: NonNullable<Told['tryFastPath']> | undefined;

  const isBusy = (socket: Socket) => held.has(socket);

  function opened(socket: Socket): void {
    heard();
    const client = clientBehind(socket, trust);
    if (client !== undefined) {
      const count = (clients.get(client) ?? 0) + 1;
      if (limits.perClient > 0 && count > limits.perClient) return void socket.destroy();
      clients.set(client, count);
    }
    const now = performance.now();
    const progress = { requests: 0, written: 0, writtenAt: now, read: 0, movedAt: now, isWatched: false };
    sockets.set(socket, progress);
    if (tryFastPath !== undefined) answerAtOnce(socket, progress, tryFastPath);
    socket.once('close', () => {
      sockets.delete(socket);
      if (client !== undefined) leave(client);
    });
  }

  /** Stands between the parser and Node's making of a response, which is for what is not answered at once. */
  function answerAtOnce(socket: Socket, progress: Progress, answer: NonNullable<Told['tryFastPath']>): void {
    const connection = socket as Undocumented;
    const { parser } = connection;
    const respond = parser?.onIncoming;
    if (parser === undefined || typeof respond !== 'function') return;
    parser.onIncoming = (request, keepAlive) => {
      if (progress.requests >= REQUESTS_PER_CONNECTION) {
        // The answer before it says that the connection closes: what follows must not be carried out (RFC 9112 §9.6).
        parser.incoming = null;
        return 0;
      }
      const isFree = keepAlive && !ending && !connection._httpMessage && socket.writable && socket.writableLength === 0;
      if (!isFree || progress.requests + 1 >= REQUESTS_PER_CONNECTION || !isBare(request) || !answer(request))
        return respond(request, keepAlive);
      progress.requests += 1;
      parser.incoming = null; // nothing of it is still to come
      return 0;
    };
  }

  function leave(client: string): void {
    const left = (clients.get(client) ?? 1) - 1;
    if (left === 0) clients.delete(client);
    else clients.set(client, left);
  }

  function hold(request: IncomingMessage, response: ServerResponse): number {
    const { socket } = request;
    const known = held.get(socket) ?? { count: 0, request, response };
    if (known.count > 0 && known.response === response) return known.count;
    if (ending) {
      known.response.shouldKeepAlive = true; // it is the last no more
      response.shouldKeepAlive = false;
    }
    held.set(socket, Object.assign(known, { count: known.count + 1, request, response }));
    response.once('close', () => {
      known.count -= 1;
      if (known.count > 0) return;
      held.delete(socket);
      if (known.afterwards !== undefined) known.afterwards();
      else if (ending) endSoon(socket);
    });
    return known.count;
  }

  /** Ends a connection that is told to, or would have been if its answer had not begun before. */
  function endSoon(socket: Socket): void {
    setTimeout(() => {
      if (!isBusy(socket)) socket.destroySoon();
    }, LAST_CALL).unref();
  }

  function received(request: IncomingMessage, response: ServerResponse): void {
    const progress = sockets.get(request.socket);
    if (progress !== undefined && ++progress.requests >= REQUESTS_PER_CONNECTION) response.shouldKeepAlive = false;
    // Behind others, its answer waits even if it is at hand.
    if (isBusy(request.socket)) hold(request, response);
    else if (ending) response.shouldKeepAlive = false;
    if (!request.destroyed) response.once('finish', () => awaitRest(request, limits.leftover)); // it has a body
  }

  /** Says what is wrong with what came, behind the answers to what came before it. */
  function malformed(error: Error & { code?: string }, socket: Socket): void {
    if (error.code === 'ECONNRESET' || socket.destroyed) return void socket.destroy();
    if (refused.has(socket)) return;
    refused.add(socket);
    const last = held.get(socket);
    if (last === undefined) {
      refuse(socket, error);
      return;
    }
    if (last.request.complete) {
      last.afterwards = () => refuse(socket, error);
      return;
    }
    // The body of that request is broken. What was said in answer already cannot be taken back.
    const isAnswered = last.count > 1 || last.response.headersSent;
    if (isAnswered) socket.destroy();
    else sendError(socket, reasonOf(error));
  }

  /** For what was never heard as a request, so that nobody else tells of it. */
  function refuse(socket: Socket, error: Error & { code?: string }): void {
    const reason = reasonOf(error);
    const bytes = sendError(socket, reason);
    if (bytes !== undefined) tellRefused(socket, reason.status, bytes);
  }

  /** Ends a connection with an error; tells the bytes of its content, undefined where it cannot be sent any more. */
  function sendError(socket: Socket, reason: PublisherError): number | undefined {
    if (!socket.writable) {
      socket.destroy();
      return undefined;
    }
    const { message, bytes } = rawError(reason);
    socket.end(message);
    // A client that is still sending may see no answer if the connection is closed under it (RFC 9112 §9.6).
    const timer = setTimeout(() => socket.destroy(), limits.leftover).unref();
    socket.once('end', () => socket.destroy()).once('close', () => clearTimeout(timer));
    return bytes;
  }

  function sweep(): void {
    const now = performance.now();
    for (const [socket, progress] of sockets) look(socket, progress, { now, isBusy: isBusy(socket), limits });
  }

  function announceEnd(): void {
    ending = true;
    for (const socket of sockets.keys()) {
      const last = held.get(socket);
      if (last !== undefined) last.response.shouldKeepAlive = false;
    }
  }

  /**
   * Takes the connections that wait to be taken, which the system resets when nobody listens any more: one in a round of
   * the event loop, until rounds bring none. They are not heard before, because a client that is answered may come again,
   * and there would be no end.
   *
   * @returns what lets them be heard, one in a round as well
   */
  async function takeWaiting(closing: Server): Promise<() => Promise<void>> {
    const hear = closing.listeners('connection');
    const taken: Socket[] = [];
    closing.removeAllListeners('connection').on('connection', (socket: Socket) => {
      heard();
      taken.push(socket.on('error', () => {})); // its client may leave before
    });
    const end = performance.now() + LAST_CALL;
    let quiet = 0;
    while (quiet < QUIET_ROUNDS && performance.now() < end) {
      const before = taken.length;
      await nextRound();
      quiet = taken.length === before ? quiet + 1 : 0;
    }
    return async () => {
      for (const socket of taken) {
        if (socket.destroyed) continue;
        for (const listener of hear) listener.call(closing, socket);
        await nextRound();
      }
    };
  }

  async function end(): Promise<void> {
    if (server === undefined) return;
    const closing = server;
    const hearTaken = await takeWaiting(closing);
    // It would destroy connections whose last answer is still on its way out.
    closing.closeIdleConnections = () => {};
    const closed = new Promise((done) => closing.close(done));
    const impatience = setTimeout(() => closing.closeAllConnections(), GRACE);
    await hearTaken();
    for (const socket of sockets.keys()) if (!isBusy(socket)) endSoon(socket);
    await closed;
    clearTimeout(impatience);
  }

  return {
    options: {
      requestTimeout: 0, // a body has a deadline of its own, which lets one that streams for an hour do so
      headersTimeout: limits.head,
      connectionsCheckingInterval: Math.ceil(limits.head / 5),
      keepAliveTimeout: 0, // Node would set a timer and stop it again for every request: see `look`
      maxHeaderSize: HEAD_BYTES,
      optimizeEmptyRequests: true,
      requireHostHeader: false, // Node would answer in words of its own, and tell nobody: see head.ts
      ServerResponse: RepeatedHeadResponse,
    },
    watch(started, told = {}) {
      server = started;
      heard = told.heard ?? heard;
      tryFastPath = told.tryFastPath;
      started.maxConnections = limits.total;
      started.maxHeadersCount = 0; // those beyond a count would be left out in silence
      const sweeping = setInterval(sweep, Math.ceil(Math.min(limits.stall / 3, limits.idle / 5))).unref();
      started
        .on('connection', opened)
        .on('clientError', malformed)
        .on('close', () => clearInterval(sweeping));
    },
    received,
    hold,
    announceEnd,
    end,
  };
}

/** Whether a request is all there with its head, and asks for nothing but an answer. */
function isBare({ upgrade, headers, httpVersion }: IncomingMessage & { upgrade?: boolean }): boolean {
  return (
    httpVersion === '1.1' &&
    upgrade !== true &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    headers.expect === undefined
  );
}

/** Undefined for a peer that speaks for others, or may. */
function clientBehind(socket: Socket, trust: Trust | undefined): string | undefined {
  const address = withoutMapping(socket.remoteAddress ?? '');
  return isOurs(address) || trust?.(address, 0) ? undefined : networkOf(address);
}

/** A request that is answered before its end has little time left to come to it. */
function awaitRest(request: IncomingMessage, milliseconds: number): void {
  if (request.complete) return;
  setTimeout(() => {
    if (!request.complete) request.socket.destroySoon();
  }, milliseconds).unref();
}

/** What was seen of a connection when it was looked at last. */
interface Progress {
  /** Requests that were heard. */
  requests: number;
  /** Bytes ever given to it. */
  written: number;
  /** When that was first seen to be the number. */
  writtenAt: number;
  /** Bytes that ever came. */
  read: number;
  /** When bytes were last seen to have gone either way. */
  movedAt: number;
  /** Whether it is closed when nothing moves. */
  isWatched: boolean;
}

interface Look {
  readonly now: number;
  readonly isBusy: boolean;
  readonly limits: ConnectionLimits;
}

/** Cuts a connection whose client does not read, or reads too slowly, or keeps it open with less than a request. */
function look(socket: Socket, progress: Progress, { now, isBusy, limits }: Look): void {
  const { writableLength: waiting, bytesWritten: written, bytesRead: read } = socket;
  if (progress.written !== written) progress.writtenAt = now;
  if (progress.written !== written || progress.read !== read) progress.movedAt = now;
  Object.assign(progress, { written, read });
  const age = now - progress.writtenAt;
  if (waiting > 0) {
    if (age > limits.answer + (waiting / SLOWEST_READER) * 1000) return void socket.destroy();
    // Node sees whether the system takes bytes of what was written, and closes the connection if it takes none.
    if (!progress.isWatched) socket.setTimeout(limits.stall);
    progress.isWatched = true;
    return;
  }
  if (progress.isWatched) socket.setTimeout(0);
  progress.isWatched = false;
  const isIdle = written > 0 && now - progress.movedAt > limits.idle; // before its first answer Node's own limits hold
  if (!isBusy && (isIdle || age > limits.idle + limits.head + limits.answer)) socket.destroy();
}
