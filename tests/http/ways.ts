import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { onTestFinished, vi } from 'vitest';
import { FAST_PATH } from '../helpers.ts';

/** How a request was answered: by a document at hand (0004 and 0012 in docs/decisions), or through Express. */
export type Way = 'at hand' | 'Express';

/** How a document that is ready is answered in this run: through Express as well, if FAST_PATH=off. */
export const READY_WAY: Way = FAST_PATH ? 'at hand' : 'Express';

/** Longer addresses are answered through Express each time. */
const LONGEST_ADDRESS = 300;

/** The address in absolute form (RFC 9112 §3.2.2), behind a host that makes it too long to be remembered. */
export function unmemorable(address: string): string {
  return `http://${'0'.repeat(LONGEST_ADDRESS)}${address.replace(/^http:\/\/[^/]*/, '')}`;
}

/** Watches all servers of this process until the test is over. Each call returns the ways of the answers since the last call. */
export function watchWays(): () => Way[] {
  const requests: object[] = [];
  const note = (message: unknown) => {
    const request: unknown = Reflect.get(Object(message), 'request');
    if (typeof request === 'object' && request !== null) requests.push(request);
  };
  watch('http.server.request.start', note);
  watch(REPEATED, note);
  // Express gives a request that it handles the member `app`.
  return () => requests.splice(0).map((request) => ('app' in request ? 'Express' : 'at hand'));
}

/** Counts, until the test is over, the answers of this process that were written without a response of Node's. */
export function countRepeats(): () => number {
  let count = 0;
  watch(REPEATED, () => {
    count += 1;
  });
  return () => count;
}

/** Stops the clock of this process until the test is over: everything happens within one second. */
export function stopClock(): void {
  const clock = vi.spyOn(Date, 'now').mockReturnValue(Date.now());
  onTestFinished(() => clock.mockRestore());
}

const REPEATED = 'feed-publisher.answer.repeated';

function watch(channel: string, note: (message: unknown) => void): void {
  subscribe(channel, note);
  onTestFinished(() => {
    unsubscribe(channel, note);
  });
}
