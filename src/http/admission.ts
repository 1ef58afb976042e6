import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { PublisherError } from '../errors.ts';
import type { Instant } from '../lib/instant.ts';
import { CHANGES } from '../partner/addresses.ts';
import type { Store } from '../store/store.ts';
import { authenticate, type KeyCheck } from './authorization.ts';
import { unknownExpectation, wrongHead } from './head.ts';
import type { KnownAddresses } from './known-addresses.ts';
import type { ClientQuota } from './load/client-quota.ts';
import type { Connections } from './load/connections.ts';
import type { QueueSlots } from './load/queue-slots.ts';
import type { Lane, RequestQueue } from './load/request-queue.ts';
import type { Observer } from './observe.ts';
import type { AuthorizedPartner } from './partner-authorization.ts';
import { isPartner } from './partner-target.ts';
import { respondWithError } from './respond.ts';
import { isApi, isProbe } from './target.ts';

interface AdmissionParts {
  readonly store: Store;
  readonly now: () => Instant;
  readonly connections: Pick<Connections, 'hold'>;
  readonly requestQueue: Pick<RequestQueue, 'enter'>;
  readonly slots: Pick<QueueSlots, 'hold'>;
  readonly quota: Pick<ClientQuota, 'reserve' | 'tooManyRequests'>;
  readonly knownAddresses: Pick<KnownAddresses, 'has'>;
  /** Waits for file changes that the answer has to show; undefined where there are none. */
  readonly pendingFileChanges: (request: IncomingMessage) => Promise<void> | undefined;
  /** Who sends a request below `/partners/`; undefined without a valid key. By default there are no partners. */
  readonly partnerOf?: (request: IncomingMessage) => Promise<AuthorizedPartner | undefined>;
  /** Answers every request. */
  readonly app: RequestListener;
  readonly observer: Pick<Observer, 'follow'>;
  /** Reports an error that nobody expected. */
  readonly fail: (error: unknown) => void;
}

/** Requests of one connection that may wait for files: clients send the next with the answer, or a few ahead. */
const MAX_WAITING_FOR_FILES = 16;
/** Seconds after which a client may come back to an overloaded service. */
const RECOVERY = 10;

/**
 * Decides which requests the app may answer, and when: health checks at once, others through a lane of the request queue,
 * clients beyond their quota not at all.
 */
export function createAdmission(parts: AdmissionParts): RequestListener {
  const { store, now, connections, requestQueue, slots, quota, knownAddresses, pendingFileChanges, app, observer } =
    parts;
  const { partnerOf, fail } = parts;

  function admit(request: IncomingMessage, response: ServerResponse): void {
    const onConnection = connections.hold(request, response);
    if (partnerOf !== undefined && isPartner(request.url)) {
      unlessUnknown(partnerOf(request)).then(
        (partner) => admitReader(request, response, onConnection, partner),
        (error) => broken(request, response, error),
      );
      return;
    }
    if (request.headers.authorization === undefined) {
      admitReader(request, response, onConnection);
      return;
    }
    isFromNewsroom(request, { store, now }).then(
      (yes) => (yes ? queue('newsroom', request, response) : admitReader(request, response, onConnection)),
      (error) => broken(request, response, error),
    );
  }

  /** @param partner who sends the request with a valid key; a partner with a rate of its own is not charged as a client */
  function admitReader(
    request: IncomingMessage,
    response: ServerResponse,
    onConnection: number,
    partner?: AuthorizedPartner,
  ): void {
    const isKnownAddress = partner !== undefined || knownAddresses.has(request.url);
    const hasOwnQuota = partner?.partner.rate !== undefined;
    if (!hasOwnQuota && !quota.reserve(request, response, isKnownAddress)) {
      respondWithError(request, response, quota.tooManyRequests(request));
      return;
    }
    const lane = partner?.rest === CHANGES ? 'changes' : isKnownAddress ? 'feeds' : 'others';
    const enter = () => queue(lane, request, response);
    const pending = pendingFileChanges(request);
    if (pending === undefined) enter();
    else if (onConnection > MAX_WAITING_FOR_FILES) respondWithError(request, response, overloaded());
    else pending.then(enter, (error) => broken(request, response, error));
  }

  function queue(lane: Lane, request: IncomingMessage, response: ServerResponse): void {
    requestQueue.enter(lane, {
      isGone: () => !request.socket.writable,
      refuse: () => respondWithError(request, response, overloaded()),
      begin: (done) => {
        slots.hold(request, response, done);
        app(request, response);
      },
    });
  }

  function broken(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    fail(error);
    respondWithError(request, response, new PublisherError('internal', 'Internal error'));
  }

  return (request, response) => {
    observer.follow(request, response, performance.now());
    const wrong = wrongHead(request);
    if (wrong !== undefined) respondWithError(request, response, wrong, { Connection: 'close' });
    else if (isProbe(request.url)) app(request, response);
    else admit(request, response);
  };
}

/** Answers requests whose expectation the service does not know (RFC 9110 §10.1.1). */
export function refuseExpectation(observer: Pick<Observer, 'follow'>): RequestListener {
  return (request, response) => {
    observer.follow(request, response, performance.now());
    const error = wrongHead(request) ?? unknownExpectation(request);
    respondWithError(request, response, error, { Connection: 'close' });
  };
}

/** Answers a request with 503, because too many wait before it. */
export function refuseOverload(observer: Pick<Observer, 'follow'>): RequestListener {
  return (request, response) => {
    observer.follow(request, response, performance.now());
    respondWithError(request, response, overloaded());
  };
}

async function isFromNewsroom(request: IncomingMessage, check: KeyCheck): Promise<boolean> {
  if (request.headers.authorization === undefined || !isApi(request.url)) return false;
  return (await unlessUnknown(authenticate(check, request))) !== undefined;
}

/** Undefined where the store cannot be read: the app meets the error again, and answers with it. */
async function unlessUnknown<Found>(found: Promise<Found | undefined>): Promise<Found | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof PublisherError) return undefined;
    throw error;
  }
}

function overloaded(): PublisherError {
  return new PublisherError('overloaded', 'The service has too much to do at the moment.', {
    hint: `Try again in ${RECOVERY} seconds. Feeds that are in memory are answered meanwhile.`,
    retryAfter: RECOVERY,
  });
}
