import type { Request, RequestHandler, Response } from 'express';
import type { OldAddresses } from '../document/old-addresses.ts';
import { PublisherError } from '../errors.ts';
import { type DocumentFormat, type FeedKey, feedPath } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { feedAddress } from '../pages/addresses.ts';
import { noteOldAddress } from './observe.ts';
import { respondWithError, respondWithMethods, respondWithRedirect } from './respond.ts';
import { pathOf } from './target.ts';

export interface OldAddressParts {
  readonly oldAddresses: Pick<OldAddresses, 'find'>;
  readonly now: () => Instant;
}

type Handler = RequestHandler<{ path: string[] }>;

const METHODS = ['GET', 'HEAD', 'OPTIONS'];

/** Answers at addresses of earlier systems. */
export function oldAddressHandlers({ oldAddresses, now }: OldAddressParts) {
  /** Answers a request at an old address. Returns whether it did. */
  async function answer(request: Request<{ path: string[] }>, response: Response): Promise<boolean> {
    const { url, method, path } = request;
    const query = url.indexOf('?');
    const destination = await oldAddresses.find(pathOf(url) + (query < 0 ? '' : url.slice(query)), now());
    if (destination === undefined) return false;
    noteOldAddress(request);
    if (method === 'OPTIONS') respondWithMethods(request, response, METHODS);
    else if (method !== 'GET' && method !== 'HEAD') refuseMethod(request, response);
    else if (destination === 'gone') throw gone(path);
    else redirectToFeed(request, response, destination.feed, destination.format);
    return true;
  }

  /** Answers at every address that no other route has. */
  const handle: Handler = async (request, response, next) => {
    if (!(await answer(request, response))) next();
  };

  /** Answers requests whose query is one of an earlier system, and leaves the others to a handler. */
  const before =
    (handler: Handler): Handler =>
    async (request, response, next) => {
      if (request.url.includes('?') && (await answer(request, response))) return;
      await handler(request, response, next);
    };

  return { answer, handle, before };
}

function refuseMethod(request: Request<{ path: string[] }>, response: Response): void {
  const error = new PublisherError('method_not_allowed', `${request.path} does not allow ${request.method}.`);
  respondWithError(request, response, error, { Allow: METHODS.join(', ') });
}

function gone(path: string): PublisherError {
  return new PublisherError('feed_gone', `The feed at ${path} is gone for good.`, {
    hint: 'Remove it from your reader.',
  });
}

export function redirectToFeed(
  request: Pick<Request, 'path'>,
  response: Response,
  key: FeedKey,
  format: DocumentFormat,
): void {
  respondWithRedirect(response, locationOf(request, key, format));
}

/** Relative: it holds behind a proxy that serves the feeds below a path prefix. */
export function locationOf({ path }: Pick<Request, 'path'>, key: FeedKey, format: DocumentFormat): string {
  const upwards = '../'.repeat(Math.max(0, path.split('/').length - 2));
  return upwards + (format === 'html' ? feedAddress(key) : feedPath(key, format));
}
