import type { Instant } from '../../lib/instant.ts';

/** Limits requests to a number a minute. Some of them may be saved up. */
export class TokenBucket {
  readonly #perMillisecond: number;
  readonly #burst: number;
  #tokens: number;
  #countedAt: Instant;

  constructor({ perMinute, burst }: { readonly perMinute: number; readonly burst: number }, at: Instant) {
    this.#perMillisecond = perMinute / 60_000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#countedAt = at;
  }

  /** How many requests may be made at once now. */
  available(at: Instant): number {
    this.#count(at);
    return Math.floor(this.#tokens + Number.EPSILON * this.#burst);
  }

  take(at: Instant, count: number): void {
    this.#count(at);
    this.#tokens -= count;
  }

  /** The first moment at which a request may be made. */
  readyAt(at: Instant): Instant {
    return this.available(at) >= 1 ? at : at + Math.ceil((1 - this.#tokens) / this.#perMillisecond);
  }

  /** A clock that is set back adds nothing. */
  #count(at: Instant): void {
    const passed = Math.max(0, at - this.#countedAt);
    this.#tokens = Math.min(this.#burst, this.#tokens + passed * this.#perMillisecond);
    this.#countedAt = at;
  }
}
