import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import { normalKey } from '../config/feed-keys.ts';
import type { Publication } from '../config/publication.ts';
import { type DocumentCache, documentName } from '../document/cache.ts';
import { seenInPieces } from '../document/seen-feeds.ts';
import { createSharedRead } from '../document/shared-read.ts';
import { excerpt, PublisherError } from '../errors.ts';
import { type DocumentFormat, type FeedKey, FORMATS, type Format, feedPath, LATEST } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { composed, withoutVariations } from '../lib/text.ts';
import { feedAddress } from '../pages/addresses.ts';
import type { Store } from '../store/store.ts';
import { answerTo } from './answer.ts';
import type { CdnParts } from './cdn-headers.ts';
import type { KnownAddresses } from './known-addresses.ts';
import { isNavigation } from './navigation.ts';
import { keysIn, meantFeed } from './nearest-feed.ts';
import { locationOf, redirectToFeed } from './old-addresses.ts';
import { noteAnswer, respondWithDocument, respondWithSeeOther, respondWithTemporaryRedirect } from './respond.ts';
import { isRaw } from './target.ts';

export interface FeedParts extends CdnParts {
  readonly publication: Publication;
  readonly store: Store;
  readonly documentCache: Pick<DocumentCache, 'get'>;
  readonly knownAddresses: Pick<KnownAddresses, 'remember'>;
  readonly now: () => Instant;
  /** @throws PublisherError `too_many_requests` for a request that may have nothing but a 304 */
  readonly refuseOverdrawn: (request: IncomingMessage) => void;
  /** Keeps the slot of a request in the queue until it is handled, even if its client leaves. */
  readonly keepSlot: (request: IncomingMessage) => void;
  /** Answers at an address that an earlier system gave to a feed. Returns whether it did. */
  readonly answerOldAddress: (request: Request<{ path: string[] }>, response: Response) => Promise<boolean>;
}

/** Characters. No typing mistake makes a name longer. */
const LONGEST_NAME = 200;

export function feedHandlers(parts: FeedParts) {
  const { publication, store, documentCache, knownAddresses, now, refuseOverdrawn, keepSlot, answerOldAddress } = parts;
  const { maxAge, feedsUrl, terms } = publication;
  /** Of all feeds that readers can see. The same list while the articles are the same: `meantFeed` prepares it once. */
  const knownKeys = createSharedRead(store, async (at) =>
    (await seenInPieces(store, await store.feedKeys(), at)).map(({ key }) => key),
  );
  const retired = new Map(publication.retired.map((feed) => [feed.feed, feed]));

  const feed: RequestHandler<{ path: string[] }> = async (request, response) => {
    keepSlot(request); // a compression that has begun goes on
    const { path } = request.params;
    const { key, page, format = 'html' } = parsePath(path.join('/').replace(/\/$/, ''));
    if (format === 'html' && (publication.pages === undefined || key === '')) {
      refuseOverdrawn(request);
      if (await answerOldAddress(request, response)) return;
      throw await unknownAddress(key);
    }
    const hasSlash = path.at(-1) === '';
    if (hasSlash && format !== 'html') return redirectToFeed(request, response, addressed(key, page), format);
    const gone = retired.get(key);
    if (gone?.movedTo !== undefined) return redirectToFeed(request, response, gone.movedTo, format);
    if (gone !== undefined) {
      throw new PublisherError('feed_gone', `The feed ${key} is gone for good.`, {
        hint: 'Remove it from your reader.',
      });
    }
    const number = page === undefined ? undefined : numberOf(page);
    const representations = number === 0 ? undefined : await documentCache.get(key, format, number);
    if (representations === undefined) return answerWithout(request, response, { key, page, format });
    if (hasSlash) return redirectToFeed(request, response, addressed(key, page), format);
    const raw = format !== 'html' && isRaw(request.url);
    if (format !== 'html' && !raw && publication.pages !== undefined && isNavigation(request)) {
      refuseOverdrawn(request);
      return respondWithSeeOther(response, locationOf(request, addressed(key, page), 'html'));
    }
    const context = { now: now(), maxAge, feedsUrl, terms, cdn: parts.cdn, isRaw: raw };
    const ready = answerTo(request, representations, context);
    const answer = 'pending' in ready ? await ready.pending() : ready;
    if (answer.status !== 304) refuseOverdrawn(request);
    knownAddresses.remember(request.path, documentName(key, format, number));
    noteAnswer(response, answer, key);
    respondWithDocument(response, answer);
  };

  /** The answer where there is no document. The page that is next in an archive leads to the current document until then. */
  async function answerWithout(
    request: Request<{ path: string[] }>,
    response: Response,
    { key, page, format }: { key: FeedKey; page: string | undefined; format: DocumentFormat },
  ): Promise<void> {
    refuseOverdrawn(request);
    const snapshot = page === undefined ? undefined : await store.snapshot(key, now(), { limit: 1, tombstonesFor: 0 });
    if (page === undefined || snapshot === undefined) {
      if (await answerOldAddress(request, response)) return;
      throw await (format === 'html' ? unknownAddress(key) : unknownFeed(key, format));
    }
    if (snapshot.archive?.open === numberOf(page)) {
      respondWithTemporaryRedirect(response, locationOf(request, key, format));
      return;
    }
    const current = format === 'html' ? feedAddress(key) : feedPath(key, format);
    const hint =
      snapshot.archive === undefined
        ? `The service is dividing the history of this feed into pages. Until then, /${current} has the newest articles.`
        : `Begin at /${current}, and follow its links to older pages.`;
    throw new PublisherError('feed_not_found', `The archive of the feed ${key} has no page “${excerpt(page)}”.`, {
      hint,
    });
  }

  async function unknownFeed(key: FeedKey, format: Format): Promise<PublisherError> {
    const nearest = key.length > LONGEST_NAME ? undefined : meantFeed(key, await knownKeys.get(now()));
    const hint =
      nearest === undefined ? 'Every article is in /feeds/latest.rss.' : `Did you mean /${feedPath(nearest, format)}?`;
    return new PublisherError('feed_not_found', `There is no feed ${key}.`, { hint });
  }

  /** The error for an address below /feeds/ without the ending of a format. */
  async function unknownAddress(path: string): Promise<PublisherError> {
    if (path.length > LONGEST_NAME) return unknownFeed(path, 'rss');
    const named = new Set([
      LATEST,
      ...publication.feeds.map(({ id }) => id),
      ...retired.keys(),
      ...(await knownKeys.get(now())),
    ]);
    const keys = keysIn(path);
    const existing = keys.map(normalKey).find((key) => named.has(key));
    if (existing === undefined) return unknownFeed(keys.at(-1) ?? path, 'rss');
    const addresses = FORMATS.map((format) => `/${feedPath(existing, format)}`);
    return new PublisherError('feed_not_found', `The feed ${existing} is not at this address.`, {
      hint: `Use the ending of a format: ${addresses.join(', ')}`,
    });
  }

  return { feed };
}

/** The key of a feed, or of a page of its archive, as addresses have it. */
function addressed(key: FeedKey, page: string | undefined): string {
  return page === undefined ? key : `${key}/archive/${page}`;
}

interface ParsedPath {
  readonly key: FeedKey;
  /** The part of the path that names a page of the archive. */
  readonly page: string | undefined;
  /** Undefined where the ending names none. */
  readonly format: Format | undefined;
}

/** The key of a feed has one slash at most, so that `section/archive` cannot be mistaken for an archive. */
const ARCHIVE_PAGE = /^(.+)\/archive\/([^/]+)$/;

/** `section/world.rss` → key and format; `section/world/archive/3.rss` → also the page. */
function parsePath(path: string): ParsedPath {
  const [, start = path, ending] = /^(.+)\.(\w+)$/.exec(path) ?? [];
  const format = FORMATS.find((name) => name === ending);
  const whole = withoutVariations(composed(format === undefined ? path : start));
  const [, key = whole, page] = ARCHIVE_PAGE.exec(whole) ?? [];
  return { key, page, format };
}

/** The number of a page in its one spelling; 0 for anything else. */
function numberOf(page: string): number {
  return /^[1-9]\d{0,8}$/.test(page) ? Number(page) : 0;
}
