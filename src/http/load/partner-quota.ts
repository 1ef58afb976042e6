import type { IncomingMessage } from 'node:http';
import type { Partner } from '../../config/partners.ts';
import { PublisherError } from '../../errors.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { StoredKey } from '../../store/store.ts';
import { createRateLimiter, type RateLimiter } from './rate-limiter.ts';

/** Tokens that an answer costs its key: one with content, and one without, such as a 304. */
const FULL = 1;
const EMPTY = 0.05;

/** Keys of one partner whose tokens are counted. */
const MAX_KEYS = 100;

/** Charges the keys of partners that have a rate. */
export interface PartnerQuota {
  /**
   * Begins a request. A client that revalidates a copy may go on without a token: it gets a 304 or nothing.
   *
   * @returns the function that charges for the answer, by its status
   * @throws PublisherError `too_many_requests`; so does the function
   */
  readonly begin: (
    partner: Pick<Partner, 'id' | 'rate'>,
    key: Pick<StoredKey, 'id'>,
    request: Pick<IncomingMessage, 'method' | 'headers'>,
  ) => (status: number) => void;
}

export function createPartnerQuota(now?: () => number): PartnerQuota {
  /** By partner: a reload of the publication, which may change the rate, makes another quota. */
  const limiters = new Map<string, RateLimiter>();

  function limiterOf(id: string, rate: number): RateLimiter {
    const known =
      limiters.get(id) ??
      createRateLimiter({ perMinute: rate, burst: rate }, omitUndefined({ clients: MAX_KEYS, now }));
    limiters.set(id, known);
    return known;
  }

  return {
    begin({ id, rate }, key, { method, headers }) {
      if (rate === undefined) return () => {};
      const limiter = limiterOf(id, rate);
      const isPaid = limiter.take(key.id, FULL);
      const isRevalidation = headers['if-none-match'] !== undefined || headers['if-modified-since'] !== undefined;
      if (!isPaid && !isRevalidation) throw tooMany(limiter.retryAfter(key.id));
      return (status) => {
        const isEmpty = status === 304 || (status === 200 && method === 'HEAD');
        if (isEmpty && isPaid) limiter.giveBack(key.id, FULL - EMPTY);
        else if (status === 304) limiter.overdraw(key.id, EMPTY);
        else if (!isPaid) throw tooMany(limiter.retryAfter(key.id));
      };
    },
  };
}

function tooMany(seconds: number): PublisherError {
  return new PublisherError('too_many_requests', 'This key sent too many requests.', {
    hint: `Try again in ${seconds} seconds, and send If-None-Match: an answer without changes is nearly free.`,
    retryAfter: seconds,
  });
}
