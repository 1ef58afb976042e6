import { createLru } from '../../lib/lru.ts';

/** How much one client may request: a bucket of tokens that refills. */
export interface Rate {
  readonly perMinute: number;
  /** Tokens of a full bucket. */
  readonly burst: number;
}

interface Bucket {
  /** Negative where the client has overdrawn. */
  tokens: number;
  /** Milliseconds of the clock at which the bucket held that many tokens. */
  at: number;
}

/** Token buckets, one for each client. */
export interface RateLimiter {
  /** Takes the cost from the client's bucket. False, and nothing taken, where the bucket holds less. */
  readonly take: (client: string, cost: number) => boolean;
  /** Takes the cost even if the bucket holds less: a client may overdraw by one full bucket. False beyond that. */
  readonly overdraw: (client: string, cost: number) => boolean;
  readonly giveBack: (client: string, cost: number) => void;
  /** Whole seconds until the bucket is half full: a client that comes earlier soon reaches its limit again. */
  readonly retryAfter: (client: string) => number;
  /** The number of clients that have a bucket. */
  readonly size: () => number;
}

/** The limiter forgets the client first that sent nothing for longest. */
const MAX_CLIENTS = 50_000;

/** @param now milliseconds of a monotonic clock */
export function createRateLimiter(
  { perMinute, burst }: Rate,
  { clients = MAX_CLIENTS, now = () => performance.now() }: { clients?: number; now?: () => number } = {},
): RateLimiter {
  const buckets = createLru<string, Bucket>(clients);
  const perMillisecond = perMinute / 60_000;

  function bucketOf(client: string): Bucket {
    const at = now();
    const known = buckets.get(client);
    if (known === undefined) {
      const bucket = { tokens: burst, at };
      buckets.set(client, bucket);
      return bucket;
    }
    known.tokens = Math.min(burst, known.tokens + (at - known.at) * perMillisecond);
    known.at = at;
    return known;
  }

  function takeDownTo(least: number, client: string, cost: number): boolean {
    const bucket = bucketOf(client);
    if (bucket.tokens - cost < least) return false;
    bucket.tokens -= cost;
    return true;
  }

  return {
    take: (client, cost) => takeDownTo(0, client, cost),
    overdraw: (client, cost) => takeDownTo(-burst, client, cost),
    giveBack(client, cost) {
      const bucket = bucketOf(client);
      bucket.tokens = Math.min(burst, bucket.tokens + cost);
    },
    retryAfter(client) {
      const missing = burst / 2 - bucketOf(client).tokens;
      return Math.max(1, Math.ceil(missing / perMillisecond / 1000));
    },
    size: () => buckets.size,
  };
}
