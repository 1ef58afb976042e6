import { parseTrust } from '../http/client.ts';
import type { Rate } from '../http/load/rate-limiter.ts';
import { usage } from './arguments.ts';

/** Which proxies are believed, as they were named; undefined for none. */
export function trustedProxies(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    parseTrust(text);
    return text;
  } catch {
    throw usage(
      `The trusted proxies must be their number, or a list of addresses, networks, loopback and uniquelocal, not “${text}”.`,
    );
  }
}

/** What a client may ask for, as REFILL_PER_MINUTE[:BURST]; undefined for as much as it likes. */
export function rate(text: string): Rate | undefined {
  if (text === 'off') return undefined;
  const [perMinute, burst = perMinute] = numbers(text);
  if (perMinute !== undefined && burst !== undefined) return { perMinute, burst };
  throw usage(`The rate limit must be tokens a minute, and at once, as in 300:300, or off, not “${text}”.`);
}

/** Connections at once, as TOTAL[:PER_CLIENT], the second number or `off`; nothing where it is not said. */
export function connectionCounts(text: string | undefined): { readonly total?: number; readonly perClient?: number } {
  if (text === undefined) return {};
  const [total, perClient] = numbers(text.replace(/:off$/, ''));
  if (total !== undefined && text.endsWith(':off')) return { total, perClient: 0 };
  if (total !== undefined) return perClient === undefined ? { total } : { total, perClient };
  throw usage(
    `The connections must be a number, in all and of one client, as in 10000:256 or 10000:off, not “${text}”.`,
  );
}

/** `1` or `1:2`; nothing where it is neither. */
function numbers(text: string): number[] {
  return /^[1-9]\d{0,8}(?::[1-9]\d{0,8})?$/.test(text) ? text.split(':').map(Number) : [];
}
