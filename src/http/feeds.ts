import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import { normalKey } from '../config/feed-keys.ts';
import type { Publication } from '../config/publication.ts';
import { type DocumentCache, documentName } from '../document/cache.ts';
import { PublisherError } from '../errors.ts';
import { type FeedKey, FORMATS, type Format, feedPath, LATEST } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { composed, withoutVariations } from '../lib/text.ts';
import type { Store } from '../store/store.ts';
import { answerTo } from './answer.ts';
import type { KnownAddresses } from './known-addresses.ts';
import { keysIn, meantFeed } from './nearest-feed.ts';
import { noteContent, respondWithDocument, respondWithRedirect } from './respond.ts';

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
const FOREVER = Number.POSITIVE_INFINITY;

interface KnownKeys {
  readonly revision: number;
  readonly from: Instant;
  readonly until: Instant;
  readonly keys: readonly FeedKey[];
}

export function feedHandlers(parts: FeedParts) {
  const { publication, store, documentCache, knownAddresses, now, refuseOverdrawn, keepSlot } = parts;
  const { maxAge, feedsUrl } = publication;
  const retired = new Map(publication.retired.map((feed) => [feed.feed, feed]));

  const feed: RequestHandler<{ path: string[] }> = async (request, response) => {
    keepSlot(request); // a compression that has begun goes on
    const { path } = request.params;
    const { key, format } = parsePath(path.join('/').replace(/\/$/, ''));
    if (format === undefined) throw await unknownAddress(request, key);
    if (path.at(-1) === '') return redirectToFeed(request, response, key, format); // with a slash at its end
    const gone = retired.get(key);
    if (gone?.movedTo !== undefined) return redirectToFeed(request, response, gone.movedTo, format);
    if (gone !== undefined) {
      throw new PublisherError('feed_gone', `The feed ${key} is gone for good.`, {
        hint: 'Remove it from your reader.',
      });
    }
    const representations = await documentCache.get(key, format);
    if (representations === undefined) throw await unknownFeed(request, key, format);
    const context = { now: now(), maxAge, feedsUrl };
    const ready = answerTo(request, representations, context);
    const answer = 'pending' in ready ? await ready.pending() : ready;
    if (answer.status !== 304) refuseOverdrawn(request);
    knownAddresses.remember(request.path, documentName(key, format));
    noteContent(response, answer.body?.length ?? 0, answer.coding);
    respondWithDocument(response, answer);
  };

  /** All feeds, for as long as neither a change nor the end of an embargo adds one. */
  let known: KnownKeys | undefined;

  /** The list is exact: one that is only renewed by a change would tell of a change to a story under embargo. */
  async function knownKeys(): Promise<readonly FeedKey[]> {
    const at = now();
    const revision = await store.lastRevision();
    if (known?.revision !== revision || at < known.from || at >= known.until) {
      const until = (await store.snapshot(LATEST, at, { limit: 1, tombstonesFor: 0 }))?.nextChangeAt ?? FOREVER;
      known = { revision, from: at, until, keys: (await store.feeds(at)).map((feed) => feed.key) };
    }
    return known.keys;
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

/** The location is relative: it holds behind a proxy that serves the feeds below a path prefix. */
function redirectToFeed({ path }: Request<{ path: string[] }>, response: Response, key: FeedKey, format: Format): void {
  const upwards = '../'.repeat(path.split('/').length - 2);
  respondWithRedirect(response, upwards + feedPath(key, format));
}

/** `section/world.rss` → key and format; the format is undefined where the ending names none. */
function parsePath(path: string): { key: FeedKey; format: Format | undefined } {
  const [, key = path, ending] = /^(.+)\.(\w+)$/.exec(path) ?? [];
  return { key: withoutVariations(composed(key)), format: FORMATS.find((name) => name === ending) };
}
