import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { onTestFinished } from 'vitest';

/** How a request was answered: by a document at hand, or through Express (docs/decisions/0004). */
export type Way = 'at hand' | 'Express';

/** Longer addresses are answered through Express each time. */
const LONGEST_ADDRESS = 300;

/** The address in absolute form (RFC 9112 §3.2.2), behind a host that makes it too long to be remembered. */
export function unmemorable(address: string): string {
  return `http://${'0'.repeat(LONGEST_ADDRESS)}${address.replace(/^http:\/\/[^/]*/, '')}`;
}

/** Watches all servers of this process until the test is over, and tells the ways of the answers since it was asked last. */
export function watchWays(): () => Way[] {
  const requests: object[] = [];
  const note = (message: unknown) => {
    const request: unknown = Reflect.get(Object(message), 'request');
    if (typeof request === 'object' && request !== null) requests.push(request);
  };
  subscribe('http.server.request.start', note);
  onTestFinished(() => {
    unsubscribe('http.server.request.start', note);
  });
  // Express makes a request it is handed one of its own kind.
  return () => requests.splice(0).map((request) => ('app' in request ? 'Express' : 'at hand'));
}
