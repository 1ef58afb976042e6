import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import { normalKey } from '../config/feed-keys.ts';
import type { Publication } from '../config/publication.ts';
import { type DocumentCache, documentName } from '../document/cache.ts';
import { createKnownFeeds } from '../document/known-feeds.ts';
import { PublisherError } from '../errors.ts';
import {
  type DocumentFormat,
  type FeedKey,
  FORMATS,
  type Format,
  feedPath,
  LATEST,
  type NamedKey,
} from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { composed, withoutVariations } from '../lib/text.ts';
import { feedAddress } from '../pages/addresses.ts';
import type { Store } from '../store/store.ts';
import { answerTo } from './answer.ts';
import type { KnownAddresses } from './known-addresses.ts';
import { isNavigation } from './navigation.ts';
import { keysIn, meantFeed } from './nearest-feed.ts';
import { noteAnswer, respondWithDocument, respondWithRedirect, respondWithSeeOther } from './respond.ts';
import { isRaw } from './target.ts';

export interface FeedParts {
  readonly publication: Publication;
  readonly store: Store;
  readonly documentCache: Pick<DocumentCache, 'get'>;
  readonly knownAddresses: Pick<KnownAddresses, 'remember'>;
  readonly now: () => Instant;
  /** @throws PublisherError `too_many_requests` for a request that may have nothing but a 304 */
  readonly refuseOverdrawn: (request: IncomingMessage) => void;
  /** Keeps the slot of a request in the queue until it is handled, even if its client leaves. */
  readonly keepSlot: (request: IncomingMessage) => void;
}

/** Characters. No typing mistake makes a name longer. */
const LONGEST_NAME = 200;

export function feedHandlers(parts: FeedParts) {
  const { publication, store, documentCache, knownAddresses, now, refuseOverdrawn, keepSlot } = parts;
  const { maxAge, feedsUrl } = publication;
  const knownFeeds = createKnownFeeds(store);
  const keysOfFeeds = new WeakMap<readonly NamedKey[], readonly FeedKey[]>();
  const retired = new Map(publication.retired.map((feed) => [feed.feed, feed]));

  const feed: RequestHandler<{ path: string[] }> = async (request, response) => {
    keepSlot(request); // a compression that has begun goes on
    const { path } = request.params;
    const { key, format = 'html' } = parsePath(path.join('/').replace(/\/$/, ''));
    if (format === 'html' && (publication.pages === undefined || key === '')) throw await unknownAddress(request, key);
    const hasSlash = path.at(-1) === '';
    if (hasSlash && format !== 'html') return redirectToFeed(request, response, key, format);
    const gone = retired.get(key);
    if (gone?.movedTo !== undefined) return redirectToFeed(request, response, gone.movedTo, format);
    if (gone !== undefined) {
      throw new PublisherError('feed_gone', `The feed ${key} is gone for good.`, {
        hint: 'Remove it from your reader.',
      });
    }
    const representations = await documentCache.get(key, format);
    if (representations === undefined) {
      throw await (format === 'html' ? unknownAddress(request, key) : unknownFeed(request, key, format));
    }
    if (hasSlash) return redirectToFeed(request, response, key, format);
    const raw = format !== 'html' && isRaw(request.url);
    if (format !== 'html' && !raw && publication.pages !== undefined && isNavigation(request)) {
      refuseOverdrawn(request);
      return respondWithSeeOther(response, locationOf(request, key, 'html'));
    }
    const context = { now: now(), maxAge, feedsUrl, isRaw: raw };
    const ready = answerTo(request, representations, context);
    const answer = 'pending' in ready ? await ready.pending() : ready;
    if (answer.status !== 304) refuseOverdrawn(request);
    knownAddresses.remember(request.path, documentName(key, format));
    noteAnswer(response, answer, key);
    respondWithDocument(response, answer);
  };

  /** The same list while the feeds are the same: `meantFeed` prepares it once. */
  async function knownKeys(): Promise<readonly FeedKey[]> {
    const feeds = await knownFeeds(now());
    let keys = keysOfFeeds.get(feeds);
    if (keys === undefined) {
      keys = feeds.map(({ key }) => key);
      keysOfFeeds.set(feeds, keys);
    }
    return keys;
  }

  async function unknownFeed(request: IncomingMessage, key: FeedKey, format: Format): Promise<PublisherError> {
    refuseOverdrawn(request);
    const nearest = key.length > LONGEST_NAME ? undefined : meantFeed(key, await knownKeys());
    const hint =
      nearest === undefined ? 'Every article is in /feeds/latest.rss.' : `Did you mean /${feedPath(nearest, format)}?`;
    return new PublisherError('feed_not_found', `There is no feed ${key}.`, { hint });
  }

  /** The error for an address below /feeds/ without the ending of a format. */
  async function unknownAddress(request: IncomingMessage, path: string): Promise<PublisherError> {
    if (path.length > LONGEST_NAME) return unknownFeed(request, path, 'rss');
    refuseOverdrawn(request);
    const named = new Set([
      LATEST,
      ...publication.feeds.map(({ id }) => id),
      ...retired.keys(),
      ...(await knownKeys()),
    ]);
    const keys = keysIn(path);
    const existing = keys.map(normalKey).find((key) => named.has(key));
    if (existing === undefined) return unknownFeed(request, keys.at(-1) ?? path, 'rss');
    const addresses = FORMATS.map((format) => `/${feedPath(existing, format)}`);
    return new PublisherError('feed_not_found', `The feed ${existing} is not at this address.`, {
      hint: `Use the ending of a format: ${addresses.join(', ')}`,
    });
  }

  /** Leads an address of an earlier system to the feed of all articles. */
  const latest =
    (format: Format): RequestHandler<{ path: string[] }> =>
    (request, response) =>
      redirectToFeed(request, response, LATEST, format);

  return { feed, latest };
}

function redirectToFeed(
  request: Request<{ path: string[] }>,
  response: Response,
  key: FeedKey,
  format: DocumentFormat,
): void {
  respondWithRedirect(response, locationOf(request, key, format));
}

/** Relative: it holds behind a proxy that serves the feeds below a path prefix. */
function locationOf({ path }: Request<{ path: string[] }>, key: FeedKey, format: DocumentFormat): string {
  const upwards = '../'.repeat(path.split('/').length - 2);
  return upwards + (format === 'html' ? feedAddress(key) : feedPath(key, format));
}

/** `section/world.rss` → key and format; the format is undefined where the ending names none. */
function parsePath(path: string): { key: FeedKey; format: Format | undefined } {
  const [, key = path, ending] = /^(.+)\.(\w+)$/.exec(path) ?? [];
  const format = FORMATS.find((name) => name === ending);
  return { key: withoutVariations(composed(format === undefined ? path : key)), format };
}
