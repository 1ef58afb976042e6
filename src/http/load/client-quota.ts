import type { IncomingMessage, ServerResponse } from 'node:http';
import { PublisherError } from '../../errors.ts';
import type { Answer } from '../answer.ts';
import { isPrivate, networkOf } from '../client.ts';
import { isPartner } from '../partner-target.ts';
import { feedPathOf } from '../target.ts';
import type { RateLimiter } from './rate-limiter.ts';

/** Tokens that an answer costs its client: one with content, and one without, such as a 304 or 303. */
const FULL = 1;
const EMPTY = 0.05;

/** Charges clients for their answers. */
export interface ClientQuota {
  /** Charges for an answer that is ready. False where the client may not have it. A 304 is always allowed. */
  readonly charge: (request: IncomingMessage, answer: Pick<Answer, 'status' | 'body'>) => boolean;
  /**
   * Reserves the tokens of an answer that is not made yet, and gives back what the answer did not cost. False where the
   * client has no tokens left. A client that revalidates a copy may overdraw: whether the copy is current is known only
   * when the document is made, and anybody can claim to have a copy. At an address where a document was answered before,
   * it may always ask: the document is usually ready.
   */
  readonly reserve: (request: IncomingMessage, response: ServerResponse, isKnownAddress: boolean) => boolean;
  /** @throws PublisherError `too_many_requests` for a request that overdrew and so may have nothing but a 304 */
  readonly refuseOverdrawn: (request: IncomingMessage) => void;
  readonly tooManyRequests: (request: IncomingMessage) => PublisherError;
}

/** @param limiter undefined where clients may request as much as they like */
export function createClientQuota(
  limiter: RateLimiter | undefined,
  clientOf: (request: IncomingMessage) => string,
): ClientQuota {
  const overdrawn = new WeakSet<IncomingMessage>();

  /** Undefined for a client that is not counted. */
  function accountOf(request: IncomingMessage): string | undefined {
    if (limiter === undefined) return undefined;
    const client = clientOf(request);
    return isPrivate(client) ? undefined : networkOf(client);
  }

  function tooManyRequests(request: IncomingMessage): PublisherError {
    const account = accountOf(request);
    const seconds = account === undefined ? 1 : (limiter?.retryAfter(account) ?? 1);
    return new PublisherError('too_many_requests', 'This address sent too many requests.', {
      hint: `Try again in ${seconds} seconds, and send If-None-Match: an answer without changes is nearly free.`,
      retryAfter: seconds,
    });
  }

  return {
    charge(request, { status, body }) {
      const account = accountOf(request);
      if (account === undefined || limiter === undefined) return true;
      return limiter.take(account, body === undefined ? EMPTY : FULL) || status === 304;
    },
    reserve(request, response, isKnownAddress) {
      const account = accountOf(request);
      if (account === undefined || limiter === undefined) return true;
      if (!limiter.take(account, FULL)) {
        if (!isFeedRevalidation(request)) return false;
        overdrawn.add(request);
        if (!limiter.overdraw(account, FULL)) return isKnownAddress;
      }
      response.once('finish', () => {
        const { statusCode } = response;
        const isEmpty = statusCode === 303 || statusCode === 304 || (statusCode === 200 && request.method === 'HEAD');
        if (isEmpty) limiter.giveBack(account, FULL - EMPTY);
        else if (statusCode >= 500) limiter.giveBack(account, FULL);
      });
      return true;
    },
    refuseOverdrawn(request) {
      if (overdrawn.has(request)) throw tooManyRequests(request);
    },
    tooManyRequests,
  };
}

function isFeedRevalidation({ method, url, headers }: IncomingMessage): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false;
  if (feedPathOf(url) === undefined && !isPartner(url)) return false;
  return headers['if-none-match'] !== undefined || headers['if-modified-since'] !== undefined;
}
