import { hash } from 'node:crypto';
import type { RequestHandler } from 'express';
import type { Publication } from '../config/publication.ts';
import { siteFile } from '../document/site-file.ts';
import type { Instant } from '../lib/instant.ts';
import { defaultIcon } from '../pages/icon.ts';
import { respondWithRedirect } from './respond.ts';
import { respondWithFile } from './site-files.ts';

interface Parts {
  readonly publication: Publication;
  readonly now: () => Instant;
}

/** The icon that browsers and readers look for: it leads to the publication's own, or is the sign for feeds in its colour. */
export function faviconHandler({ publication, now }: Parts): RequestHandler<{ path: string[] }> {
  const { favicon = publication.icon, feedsUrl, maxAge } = publication;
  // Relative, so that it holds below a path of a proxy and at a local address.
  const location = favicon?.startsWith(feedsUrl) ? favicon.slice(feedsUrl.length) : favicon;
  if (location !== undefined && !isOwnAddress(location)) {
    return (_request, response) => respondWithRedirect(response, location);
  }
  const bytes = defaultIcon(publication);
  const file = siteFile({ type: 'image/vnd.microsoft.icon', bytes }, hash('sha256', bytes, 'base64url'));
  return (request, response) => respondWithFile(request, response, file, { maxAge, now: now() });
}

/** Whether a location leads back to this address: the publication names it as its icon, and gives it no other. */
function isOwnAddress(location: string): boolean {
  return /^(?:favicon\.ico)?(?:[?#]|$)/i.test(location);
}
