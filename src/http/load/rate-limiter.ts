import { LRUCache } from 'lru-cache';

/** How much one client may ask for: a bucket of tokens that fills again. */
export interface Rate {
  readonly perMinute: number;
  /** Tokens of a full bucket. */
  readonly burst: number;
}

interface Bucket {
  /** Less than none where the client owes some. */
  tokens: number;
  /** When that many tokens were in it. */
  at: number;
}

export interface Limiter {
  /** Takes the cost from the client's bucket. False, and nothing taken, where it holds less. */
  readonly take: (client: string, cost: number) => boolean;
  /** Takes what the bucket may not hold: it may owe as much as it holds when it is full. False where it would owe more. */
  readonly borrow: (client: string, cost: number) => boolean;
  /** Puts back what turned out not to be spent. */
  readonly giveBack: (client: string, cost: number) => void;
  /** Whole seconds until the bucket is half full: who comes back earlier is soon at its end again. */
  readonly retryAfter: (client: string) => number;
  /** Clients that are remembered. */
  readonly size: () => number;
}

/** Clients that are remembered; the one that was not heard of for longest is forgotten first. */
const MOST_CLIENTS = 50_000;

/**
 * Token buckets, one a client.
 *
 * @param now milliseconds of a clock that is never set back
 */
export function createLimiter(
  { perMinute, burst }: Rate,
  { clients = MOST_CLIENTS, now = () => performance.now() }: { clients?: number; now?: () => number } = {},
): Limiter {
  const buckets = new LRUCache<string, Bucket>({ max: clients });
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
    borrow: (client, cost) => takeDownTo(-burst, client, cost),
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
