import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { onTestFinished } from 'vitest';
import { FAST_PATH } from '../helpers.ts';

/** How a request was answered: by src/http/fast-path.ts, or through Express. */
export type Way = 'fast path' | 'Express';

/** How a document that is ready is answered in this run: through Express as well, if FAST_PATH=off. */
export const READY_WAY: Way = FAST_PATH ? 'fast path' : 'Express';

/** Longer addresses are answered through Express each time. */
const LONGEST_ADDRESS = 300;

/** The address in absolute form (RFC 9112 §3.2.2), behind a host that makes it too long to be remembered. */
export function unmemorable(address: string): string {
  return `http://${'0'.repeat(LONGEST_ADDRESS)}${address.replace(/^http:\/\/[^/]*/, '')}`;
}

/** Watches all servers of this process until the test is over. Returns the ways of the answers since the last call. */
export function watchWays(): () => Way[] {
  const requests: object[] = [];
  const note = (message: unknown) => {
    const request: unknown = Reflect.get(Object(message), 'request');
    if (typeof request === 'object' && request !== null) requests.push(request);
  };
  watch('http.server.request.start', note);
  watch(ANSWERED_WITHOUT_RESPONSE, note);
  // Express makes a request it is handed one of its own kind.
  return () => requests.splice(0).map((request) => ('app' in request ? 'Express' : 'fast path'));
}

/** Counts, until the test is over, the answers of this process that were written without a response of Node's. */
export function countAnswersWithoutResponse(): () => number {
  let count = 0;
  watch(ANSWERED_WITHOUT_RESPONSE, () => {
    count += 1;
  });
  return () => count;
}

const ANSWERED_WITHOUT_RESPONSE = 'feed-publisher.fast-path.answered';

function watch(channel: string, note: (message: unknown) => void): void {
  subscribe(channel, note);
  onTestFinished(() => {
    unsubscribe(channel, note);
  });
}
