import type { RequestHandler } from 'express';
import type { Publication } from '../config.ts';
import { PublisherError } from '../errors.ts';
import { type FeedKey, FORMATS, type Format, feedPath, nearestKey } from '../feeds.ts';
import type { Instant } from '../instant.ts';
import type { Prepared } from '../prepared.ts';
import type { Store } from '../store.ts';
import { respondWithDocument, respondWithRedirect } from './respond.ts';

export interface FeedParts {
  readonly publication: Publication;
  readonly store: Store;
  readonly prepared: Prepared;
  readonly now: () => Instant;
  /** Fulfilled when changes on disk that are known by now are published; undefined where there are none. */
  readonly settled: () => Promise<void> | undefined;
}

export function feedHandlers({ publication, store, prepared, now, settled }: FeedParts) {
  const retired = new Map(publication.retired.map((feed) => [feed.feed, feed]));

  const feed: RequestHandler<{ path: string[] }> = async (request, response) => {
    const { key, format } = parsePath(request.params.path.join('/'));
    if (format === undefined) throw await unknownFeed(key, 'rss');
    const gone = retired.get(key);
    if (gone?.movedTo !== undefined)
      return respondWithRedirect(response, upwards(request.path) + feedPath(gone.movedTo, format));
    if (gone !== undefined) {
      throw new PublisherError('feed_gone', `The feed ${key} is gone for good.`, { hint: 'Readers may forget it.' });
    }
    await settled();
    const representations = await prepared.get(key, format);
    if (representations === undefined) throw await unknownFeed(key, format);
    await respondWithDocument(request, response, {
      representations,
      now: now(),
      maxAge: publication.maxAge,
      feedsUrl: publication.feedsUrl,
    });
  };

  async function unknownFeed(key: FeedKey, format: Format): Promise<PublisherError> {
    const known = (await store.feeds(now())).map((feed) => feed.key);
    const nearest = nearestKey(key, known);
    const hint =
      nearest === undefined ? 'Every article is in /feeds/latest.rss.' : `Did you mean /${feedPath(nearest, format)}?`;
    return new PublisherError('feed_not_found', `There is no feed ${key}.`, { hint });
  }

  /** Relative, so that it holds behind a proxy that puts the service below a path. */
  const alias =
    (location: string): RequestHandler<{ path: string[] }> =>
    (_request, response) =>
      respondWithRedirect(response, location);

  return { feed, alias };
}

/** From a request's path, as it was asked for, back to where the service's addresses begin. */
function upwards(path: string): string {
  return '../'.repeat(path.split('/').length - 2);
}

/** `section/world.rss` → key and format; without the format where there is no such one. */
function parsePath(path: string): { key: FeedKey; format: Format | undefined } {
  const [, key = path, ending] = /^(.+)\.(\w+)$/.exec(path) ?? [];
  return { key: key.normalize('NFC'), format: FORMATS.find((name) => name === ending) };
}
