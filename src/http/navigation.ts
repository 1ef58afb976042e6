import type { IncomingMessage } from 'node:http';

/**
 * Whether a person's browser opens the target itself (Fetch Metadata, Sec-Fetch-Dest). Any other value is a part of a page, a
 * frame or the request of a program. The value is a token, compared exactly; repeated lines are no token.
 */
export function isNavigation({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  return headers['sec-fetch-dest'] === 'document';
}
