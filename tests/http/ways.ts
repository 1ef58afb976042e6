import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { onTestFinished } from 'vitest';

/** How a request was answered: by src/http/fast-path.ts, or through Express. */
export type Way = 'fast path' | 'Express';

/** Whether services that tests start have the fast path (`npm test` and `FAST_PATH=off npm test` run them both ways). */
export const hasFastPath = process.env.FAST_PATH !== 'off';

/** How a request for a document that is ready in the cache is answered. */
export const CACHED: Way = hasFastPath ? 'fast path' : 'Express';

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
  watch(REPEATED, note);
  // Express makes a request it is handed one of its own kind.
  return () => requests.splice(0).map((request) => ('app' in request ? 'Express' : 'fast path'));
}

/** Counts, until the test is over, the answers of this process that were written without a response of Node's. */
export function countAnswersWithoutResponse(): () => number {
  let count = 0;
  watch(REPEATED, () => {
    count += 1;
  });
  return () => count;
}

const REPEATED = 'feed-publisher.fast-path.answered';

function watch(channel: string, note: (message: unknown) => void): void {
  subscribe(channel, note);
  onTestFinished(() => {
    unsubscribe(channel, note);
  });
}
