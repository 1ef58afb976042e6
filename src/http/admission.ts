import { channel } from 'node:diagnostics_channel';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { PublisherError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { Answer } from './answer.ts';
import { authenticate } from './authorization.ts';
import { isOurs, networkOf } from './client.ts';
import { unknownExpectation, wrongHead } from './head.ts';
import type { Connections } from './load/connections.ts';
import type { Limiter } from './load/rate-limiter.ts';
import type { Lane, RequestQueue } from './load/request-queue.ts';
import type { Observer } from './observe.ts';
import { repeatedMessage } from './repeated-head.ts';
import { respondWithDocument, respondWithError } from './respond.ts';

export interface AdmissionParts {
  readonly store: Store;
  readonly connections: Connections;
  readonly requestQueue: RequestQueue;
  /** Undefined where clients may ask for as much as they like. */
  readonly limiter: Limiter | undefined;
  readonly clientOf: (request: IncomingMessage) => string;
}

export type Admission = ReturnType<typeof createAdmission>;

interface Ways {
  /** The answer where its bytes are at hand. */
  readonly getIfReady: (request: IncomingMessage) => Answer | undefined;
  /** Waits for what the answer has to show and is not known yet; undefined where there is nothing of the kind. */
  readonly pendingFileChanges: (request: IncomingMessage) => Promise<void> | undefined;
  /** Whether a document was answered at the request's address before. */
  readonly isKnownAddress: (request: IncomingMessage) => boolean;
  /** Answers everything. */
  readonly fallback: RequestListener;
  readonly observer: Observer;
  readonly fail: (error: unknown) => void;
}

/** Told of each request that is answered without a response: Node's own channels do not know of it. */
const REPEATED = channel('feed-publisher.answer.repeated');

/** A request, when it was heard, what is wrong with its head, and its answer where it is at hand. */
interface Finding {
  readonly request: IncomingMessage;
  /** Of `performance.now()`. */
  readonly began: number;
  readonly wrong: PublisherError | undefined;
  readonly answer: Answer | undefined;
}

/** What an answer costs its client: one with content, and one without, such as a 304. */
const FULL = 1;
const EMPTY = 0.05;
/** Requests of one connection that may wait for files: clients send the next when they have the answer, or a few ahead. */
const MOST_AHEAD = 16;
/** Seconds after which to come back when there was too much to do. */
const RECOVERY = 10;
/** What asks whether the service is well must hear it above all when it is not. */
const PROBES: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

/**
 * Decides who is answered and when: what is at hand at once, the rest in line; a client that asks for too much hears
 * nothing but that its copy is current.
 */
export function createAdmission({ store, connections, requestQueue, limiter, clientOf }: AdmissionParts) {
  /** Requests whose client has had its share, let through for the 304 that it may be. */
  const spent = new WeakSet<IncomingMessage>();
  const endings = new WeakMap<IncomingMessage, () => void>();
  /** Requests whose work goes on when their client leaves. */
  const staying = new WeakSet<IncomingMessage>();

  /** Undefined for a client that is not counted. */
  function accountOf(request: IncomingMessage): string | undefined {
    if (limiter === undefined) return undefined;
    const client = clientOf(request);
    return isOurs(client) ? undefined : networkOf(client);
  }

  function tooMany(request: IncomingMessage): PublisherError {
    const account = accountOf(request);
    const seconds = account === undefined ? 1 : (limiter?.retryAfter(account) ?? 1);
    return new PublisherError('too_many_requests', 'Too many requests came from this address.', {
      hint: `Come back in ${seconds} seconds, and send If-None-Match: an answer that nothing changed is nearly free.`,
      retryAfter: seconds,
    });
  }

  /** Whether the client may have this answer, which is taken from its share. */
  function charge(request: IncomingMessage, { status, body }: Answer): boolean {
    const account = accountOf(request);
    if (account === undefined || limiter === undefined) return true;
    return limiter.take(account, body === undefined ? EMPTY : FULL) || status === 304;
  }

  /**
   * Takes a share for an answer that is not known yet. False for a client that has none left. One that has a copy may owe
   * it: to find out whether that is current, a document may have to be made, and anybody can say that he has one.
   */
  function reserve(request: IncomingMessage, response: ServerResponse): boolean {
    const account = accountOf(request);
    if (account === undefined || limiter === undefined) return true;
    if (!limiter.take(account, FULL)) {
      if (!isFeedRevalidation(request) || !limiter.borrow(account, FULL)) return false;
      spent.add(request);
    }
    response.once('finish', () => {
      const { statusCode } = response;
      const isEmpty = statusCode === 304 || (statusCode === 200 && request.method === 'HEAD');
      if (isEmpty) limiter.giveBack(account, FULL - EMPTY);
      else if (statusCode >= 500) limiter.giveBack(account, FULL);
    });
    return true;
  }

  /** Throws `too_many_requests` for a request that may have nothing but a 304. */
  function refuseSpent(request: IncomingMessage): void {
    if (spent.has(request)) throw tooMany(request);
  }

  /** Keeps a request's place until `end`, also where its client leaves: others like it would begin more and more. */
  function keepPlace(request: IncomingMessage): void {
    staying.add(request);
  }

  /** Marks the end of a request's work for this process, while its answer may still be on the way to a slow client. */
  function end(request: IncomingMessage): void {
    endings.get(request)?.();
  }

  async function isNewsroom(request: IncomingMessage): Promise<boolean> {
    const { headers, url = '' } = request;
    if (headers.authorization === undefined || !url.startsWith('/api/')) return false;
    try {
      return (await authenticate(store, request)) !== undefined;
    } catch (error) {
      if (error instanceof PublisherError) return false; // the handler reports the error
      throw error;
    }
  }

  /** What was found out of a request that was not answered at once. */
  let found: Finding | undefined;

  function findingOf(request: IncomingMessage, getIfReady: Ways['getIfReady']): Finding {
    if (found?.request === request) return found;
    const began = performance.now();
    requestQueue.heard();
    const wrong = wrongHead(request);
    found = { request, began, wrong, answer: wrong === undefined ? getIfReady(request) : undefined };
    return found;
  }

  /**
   * Answers by writing to the connection what was answered in this second as well, if that is at hand and due; else does
   * nothing. What it decides, `listener` would decide alike.
   */
  function tryFastPath({
    getIfReady,
    observer,
  }: Pick<Ways, 'getIfReady' | 'observer'>): (request: IncomingMessage) => boolean {
    return (request) => {
      const { answer, began } = findingOf(request, getIfReady);
      const write = answer && repeatedMessage(answer);
      if (answer === undefined || write === undefined || !charge(request, answer)) return false;
      found = undefined;
      write(request.socket);
      observer.cachedResponseSent(request, answer, began);
      if (REPEATED.hasSubscribers) REPEATED.publish({ request });
      return true;
    };
  }

  function listener({
    getIfReady,
    pendingFileChanges,
    isKnownAddress,
    fallback,
    observer,
    fail,
  }: Ways): RequestListener {
    return (request, response) => {
      const { answer, wrong, began } = findingOf(request, getIfReady);
      found = undefined;
      connections.received(request, response);
      if (answer !== undefined && charge(request, answer)) {
        respondWithDocument(response, answer);
        observer.cachedResponseSent(request, answer, began);
        return;
      }
      observer.follow(request, response, began);
      if (wrong !== undefined) respondWithError(request, response, wrong, { Connection: 'close' });
      else if (answer !== undefined) respondWithError(request, response, tooMany(request));
      else if (PROBES.has(request.url ?? '')) fallback(request, response);
      else admit(request, response);
    };

    function admit(request: IncomingMessage, response: ServerResponse): void {
      const ahead = connections.hold(request, response);
      if (request.headers.authorization === undefined) {
        admitReader(request, response, ahead);
        return;
      }
      isNewsroom(request).then(
        (yes) => (yes ? queue('newsroom', request, response) : admitReader(request, response, ahead)),
        (error) => broken(request, response, error),
      );
    }

    function admitReader(request: IncomingMessage, response: ServerResponse, ahead: number): void {
      if (!reserve(request, response)) {
        respondWithError(request, response, tooMany(request));
        return;
      }
      const enter = () => queue(isKnownAddress(request) ? 'feeds' : 'others', request, response);
      const pending = pendingFileChanges(request);
      if (pending === undefined) enter();
      else if (ahead > MOST_AHEAD) respondWithError(request, response, overloaded());
      else pending.then(enter, (error) => broken(request, response, error));
    }

    function queue(lane: Lane, request: IncomingMessage, response: ServerResponse): void {
      requestQueue.enter(lane, {
        isGone: () => !request.socket.writable,
        refuse: () => respondWithError(request, response, overloaded()),
        begin: (done) => {
          endings.set(request, done);
          response.once('close', () => {
            if (!staying.has(request)) done();
          });
          fallback(request, response);
        },
      });
    }

    function broken(request: IncomingMessage, response: ServerResponse, error: unknown): void {
      fail(error);
      respondWithError(request, response, new PublisherError('internal', 'Internal error'));
    }
  }

  /** Answers requests that expect what this service does not know (RFC 9110 §10.1.1). */
  function unmetExpectation(observer: Observer): RequestListener {
    return (request, response) => {
      requestQueue.heard();
      connections.received(request, response);
      observer.follow(request, response, performance.now());
      const error = wrongHead(request) ?? unknownExpectation(request);
      respondWithError(request, response, error, { Connection: 'close' });
    };
  }

  return { tryFastPath, listener, unmetExpectation, refuseSpent, keepPlace, end };
}

/** Whether a feed is asked for by who has a copy. */
function isFeedRevalidation({ method, url = '', headers }: IncomingMessage): boolean {
  if ((method !== 'GET' && method !== 'HEAD') || !url.startsWith('/feeds/')) return false;
  return headers['if-none-match'] !== undefined || headers['if-modified-since'] !== undefined;
}

function overloaded(): PublisherError {
  return new PublisherError('overloaded', 'There is too much to do at the moment.', {
    hint: `Come back in ${RECOVERY} seconds. Feeds that others ask for as well are answered meanwhile.`,
    retryAfter: RECOVERY,
  });
}
