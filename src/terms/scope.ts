import type { Terms } from './terms.ts';

/** The part of a publication that statements depend on which refer to files of this service. */
export interface Addressed {
  readonly feedsUrl: string;
  readonly terms?: Terms | undefined;
}

/** The part of a publication that all statements together depend on. */
export interface Stated extends Addressed {
  readonly title: string;
  readonly url: string;
}

/** Whether the newspaper's own site and this service have one host: lines and files at its root then count for both. */
export function isOneHost({ url, feedsUrl }: Stated): boolean {
  return new URL(url).origin === new URL(feedsUrl).origin;
}

/**
 * The paths of the service on its host, as a pattern of robots.txt (RFC 9309 §2.2.2): all paths, if the site has the same
 * host.
 */
export function ownPaths(stated: Stated): string {
  if (isOneHost(stated)) return '/';
  return pathPattern(stated.feedsUrl);
}

/** The path of an address as a pattern of robots.txt, in which `*` and `$` have a meaning. */
export function pathPattern(address: string): string {
  return new URL(address).pathname.replaceAll('*', '%2A').replaceAll('$', '%24');
}
