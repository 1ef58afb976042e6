import { type Instant, parseHttpDate } from '../../lib/instant.ts';
import type { PurgeRequest } from './purge-requests.ts';

/** Milliseconds for an answer. */
const DEADLINE = 5000;
/** Characters of an answer that a message quotes. */
const QUOTED = 200;

/** A request that was not done. */
export class SendError extends Error {
  /** No attempt before this moment, as Retry-After says. */
  readonly retryAt: Instant | undefined;

  constructor(message: string, retryAt?: Instant) {
    super(message);
    this.name = 'SendError';
    this.retryAt = retryAt;
  }
}

/** @throws SendError which names the host and what it answers, and never a header: those have secrets */
export async function send(
  { url, absent = [], ...request }: PurgeRequest,
  { signal, now }: { readonly signal: AbortSignal; readonly now: () => Instant },
): Promise<void> {
  const { host } = new URL(url);
  let response: Response;
  let text: string;
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE)]);
    response = await fetch(url, { ...request, redirect: 'manual', signal: limit });
    text = (await response.text()).slice(0, QUOTED).replace(/\s+/g, ' ').trim();
  } catch (error) {
    throw new SendError(`${host} cannot be reached: ${reasonOf(error)}.`);
  }
  if (response.ok || absent.includes(response.status)) return;
  const retryAt = retryAfter(response.headers.get('retry-after'), now());
  throw new SendError(`${host} answers ${response.status}${text === '' ? '' : `: ${text}`}`, retryAt);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${DEADLINE / 1000} s`;
  const { cause } = error;
  return cause instanceof Error ? cause.message || cause.name : error.message;
}

/** Seconds, or a date (RFC 9110 §10.2.3). */
function retryAfter(value: string | null, at: Instant): Instant | undefined {
  if (value === null) return undefined;
  if (/^\d{1,9}$/.test(value)) return at + Number(value) * 1000;
  return parseHttpDate(value);
}
