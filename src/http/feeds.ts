import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { LRUCache } from 'lru-cache';
import type { Publication } from '../config/publication.ts';
import { type DocumentCache, documentName } from '../document/cache.ts';
import { PublisherError } from '../errors.ts';
import { type FeedKey, FORMATS, type Format, feedPath } from '../feed/feeds.ts';
import { httpDate, type Instant } from '../lib/instant.ts';
import type { Store } from '../store/store.ts';
import { type Answer, answerTo } from './answer.ts';
import { nearestFeed } from './nearest-feed.ts';
import { noteContent, respondWithDocument, respondWithRedirect } from './respond.ts';

export interface FeedParts {
  readonly publication: Publication;
  readonly store: Store;
  readonly documentCache: Pick<DocumentCache, 'getIfReady' | 'get'>;
  readonly now: () => Instant;
  /** Whether there are changes on disk that are known and not published yet. */
  readonly hasPending: () => boolean;
  /** Waits for those, within reason. */
  readonly whenIdle: () => Promise<void>;
  /** Throws `too_many_requests` for a request that may have nothing but a 304. */
  readonly refuseSpent: (request: IncomingMessage) => void;
  /** Keeps a request's place in line until it is handled, also where its client leaves. */
  readonly keepPlace: (request: IncomingMessage) => void;
}

/** Addresses that are remembered: every feed in every format, and the spellings that readers make of them. */
const MOST_ADDRESSES = 50_000;
/** Longer ones, with their queries, are answered like all others, and not remembered. */
const LONGEST_ADDRESS = 300;
/** Longer names are nobody's mistake in typing. */
const LONGEST_NAME = 200;
const MINUTE = 60_000;

/** Where Express looks for a feed: in any case, and behind the host where the address is absolute (RFC 9112 §3.2.2). */
const FEED_ADDRESS = /^(?:[a-z][a-z\d+.-]*:\/\/[^/?#]*)?\/feeds\//i;

export function feedHandlers(parts: FeedParts) {
  const { publication, store, documentCache, now, hasPending, whenIdle, refuseSpent, keepPlace } = parts;
  const { maxAge, feedsUrl } = publication;
  /** The names of the documents that were answered there. What was not asked for longest is forgotten first. */
  const addresses = new LRUCache<string, string>({ max: MOST_ADDRESSES });
  const retired = new Map(publication.retired.map((feed) => [feed.feed, feed]));

  const feed: RequestHandler<{ path: string[] }> = async (request, response) => {
    keepPlace(request); // a compression that is begun goes on
    const { key, format } = parsePath(request.params.path.join('/'));
    if (format === undefined) throw await unknownFeed(request, key, 'rss');
    const gone = retired.get(key);
    if (gone?.movedTo !== undefined)
      return respondWithRedirect(response, upwards(request.path) + feedPath(gone.movedTo, format));
    if (gone !== undefined) {
      throw new PublisherError('feed_gone', `The feed ${key} is gone for good.`, { hint: 'Readers may forget it.' });
    }
    const representations = await documentCache.get(key, format);
    if (representations === undefined) throw await unknownFeed(request, key, format);
    const context = { now: now(), maxAge, feedsUrl };
    const ready = answerTo(request, representations, context);
    const answer = 'pending' in ready ? await ready.pending() : ready;
    if (answer.status !== 304) refuseSpent(request);
    const { originalUrl } = request;
    if (originalUrl.length <= LONGEST_ADDRESS) addresses.set(withoutQuery(originalUrl), documentName(key, format));
    noteContent(response, answer.body?.length ?? 0, answer.coding);
    // Node's own date may be of a second ago, and Last-Modified must not be later (RFC 9110 §8.8.2.1).
    respondWithDocument(response, { ...answer, headers: [...answer.headers, 'Date', httpDate(Date.now())] });
  };

  /**
   * The answer to a request for a document that is at hand, without Express: its way in costs more than the answer. Only
   * for addresses that `feed` has answered before, and by the same means, so that both ways give the same bytes.
   *
   * @returns undefined where the long way has something to do first
   */
  function cachedResponse(request: IncomingMessage): Answer | undefined {
    if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
    const name = addresses.get(withoutQuery(request.url ?? ''));
    if (name === undefined || hasPending()) return undefined;
    try {
      const representations = documentCache.getIfReady(name);
      if (representations === undefined) return undefined;
      const answer = answerTo(request, representations, { now: now(), maxAge, feedsUrl });
      return 'pending' in answer ? undefined : answer;
    } catch {
      return undefined; // the long way meets it again, and tells it
    }
  }

  /**
   * Waits until a feed shows what has changed on disk; undefined where there is nothing to wait for. Before the request
   * is let in, so that it takes nobody's place meanwhile.
   */
  function pendingFileChanges({ url = '' }: IncomingMessage): Promise<void> | undefined {
    return hasPending() && FEED_ADDRESS.test(url) ? whenIdle() : undefined;
  }

  /** Whether a document was answered at this address before. */
  function isKnownAddress({ url = '' }: IncomingMessage): boolean {
    return addresses.has(withoutQuery(url));
  }

  /** Of all feeds, as they were at some moment of this minute since the last change: enough for a hint. */
  let known: { readonly revision: number; readonly minute: number; readonly keys: readonly FeedKey[] } | undefined;

  async function knownKeys(): Promise<readonly FeedKey[]> {
    const at = now();
    const minute = Math.floor(at / MINUTE);
    const revision = await store.lastRevision();
    if (known?.revision !== revision || known.minute !== minute) {
      known = { revision, minute, keys: (await store.feeds(at)).map((feed) => feed.key) };
    }
    return known.keys;
  }

  async function unknownFeed(request: IncomingMessage, key: FeedKey, format: Format): Promise<PublisherError> {
    refuseSpent(request);
    const nearest = key.length > LONGEST_NAME ? undefined : nearestFeed(key, await knownKeys());
    const hint =
      nearest === undefined ? 'Every article is in /feeds/latest.rss.' : `Did you mean /${feedPath(nearest, format)}?`;
    return new PublisherError('feed_not_found', `There is no feed ${key}.`, { hint });
  }

  /** Relative, so that it holds behind a proxy that puts the service below a path. */
  const alias =
    (location: string): RequestHandler<{ path: string[] }> =>
    (_request, response) =>
      respondWithRedirect(response, location);

  return { feed, alias, cachedResponse, pendingFileChanges, isKnownAddress };
}

/** Readers put numbers there so that no cache answers them; nothing of a feed's answer depends on it. */
function withoutQuery(url: string): string {
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
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
