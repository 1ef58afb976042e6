import { type Addressed, isOneHost, pathPattern, type Stated } from './scope.ts';
import { type RobotsTerms, robotsTerms, type TermsFile, termsByHost } from './statements.ts';

/** The part of a publication that robots.txt depends on. */
export interface RobotsSource extends Stated {
  /** Whether the service has pages for people; missing where it has none. */
  readonly pages?: unknown;
}

/** The robots.txt of the service. It counts for its host if `feedsUrl` has no path. */
export function robotsFile(publication: RobotsSource): TermsFile {
  return { path: 'robots.txt', type: 'text/plain', text: serviceRobots(publication) };
}

/**
 * The lines for the robots.txt of the newspaper's own site (RFC 9309). Its stories are on that host, so that their sitemaps
 * count only if this file names them (sitemaps.org, “Sitemaps & Cross Submits”).
 */
export function siteRobots(publication: RobotsSource): string {
  const terms = termsByHost(publication).at(-1)?.robots ?? robotsTerms(publication);
  const own = terms.group.length === 0 ? [] : ['User-agent: *', ...terms.group];
  return text([terms.global, own, sitemaps(publication, ['sitemap.xml', 'news-sitemap.xml'])]);
}

/** The terms, everything but the API allowed, and the sitemaps with addresses of this host. */
function serviceRobots(publication: RobotsSource): string {
  const { global, group }: RobotsTerms = robotsTerms(publication);
  const api = `Disallow: ${pathPattern(publication.feedsUrl)}api/`;
  return text([global, ['User-agent: *', ...group, api], sitemaps(publication, ownSitemaps(publication))]);
}

function ownSitemaps(publication: RobotsSource): string[] {
  const isOne = isOneHost(publication);
  return [...(isOne || publication.pages !== undefined ? ['sitemap.xml'] : []), ...(isOne ? ['news-sitemap.xml'] : [])];
}

function sitemaps({ feedsUrl }: Addressed, paths: readonly string[]): string[] {
  return paths.map((path) => `Sitemap: ${feedsUrl}${path}`);
}

/** Groups of lines with an empty line between them. */
function text(groups: readonly (readonly string[])[]): string {
  const shown = groups.filter((lines) => lines.length > 0);
  return shown.map((lines) => lines.map((line) => `${line}\n`).join('')).join('\n');
}
