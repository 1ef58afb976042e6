import type { IncomingMessage, ServerResponse } from 'node:http';
import type { PurgeKind } from '../config/purge-targets.ts';
import { ALL_TAG, feedTag, LISTS_TAG } from '../feed/cache-tags.ts';
import type { DocumentFormat, FeedKey } from '../feed/feeds.ts';
import type { Freshness } from '../store/replica.ts';

type Headers = Readonly<Record<string, string>>;

/** The headers that caches in front of the service read. Every public answer that a cache may keep has them, also a 304. */
export interface CdnHeaders {
  /** Of a document of a feed. The page of all feeds is one of the feed of all articles. */
  readonly ofDocument: (feed: FeedKey, format: DocumentFormat) => Headers;
  /** Of a list of feeds or stories. */
  readonly ofList: Headers;
  /** Of every other public answer. */
  readonly ofOther: Headers;
}

/** For what answers with documents. */
export interface CdnParts {
  /** Missing where no cache in front is purged by tags. */
  readonly cdn?: CdnHeaders | undefined;
}

/**
 * Seconds for which a cache that is purged may keep a document of a feed, whatever is to come: a number that depended on the next
 * change would announce the end of an embargo. The purge at that moment ends the copy.
 */
const KEPT = 86_400;

/** Longer than a poll of any reader: only while the service is down does a cache serve what has expired (RFC 5861 §4). */
const LIFETIME = `max-age=${KEPT}, stale-if-error=${KEPT}`;

/**
 * The lifetime in an answer of a replica that may be older than what a cache was purged for. The cache must not keep what the replica
 * knows to be old. Where it knows nothing, because the database is away, the cache keeps it for as long as readers may.
 */
const LIFETIMES: Readonly<Record<Freshness, string | undefined>> = {
  current: LIFETIME,
  behind: 'max-age=0, no-store',
  unknown: undefined,
};

/** The headers with the tags of an answer, by the kind of cache that reads them. */
const TAG_HEADERS: Readonly<Record<PurgeKind, ((tags: readonly string[]) => Headers) | undefined>> = {
  varnish: (tags) => ({ xkey: tags.join(' ') }),
  fastly: (tags) => ({ 'Surrogate-Key': tags.join(' ') }),
  cloudflare: (tags) => ({ 'Cache-Tag': tags.join(',') }),
  url: undefined,
};

/**
 * The headers for caches of these kinds; undefined where no cache is purged by tags. A cache that is purged by addresses gets
 * none: the service does not know all addresses of a feed, such as those of the pages of its archive.
 *
 * @param freshness whether this replica shows what the others show
 */
export function createCdnHeaders(
  kinds: readonly PurgeKind[],
  freshness: () => Freshness = () => 'current',
): CdnHeaders | undefined {
  const writers = [...new Set(kinds)].flatMap((kind) => TAG_HEADERS[kind] ?? []);
  if (writers.length === 0) return undefined;
  const tagged = (tags: readonly string[]): Headers =>
    Object.assign({}, ...writers.map((write) => write(tags)), {
      'Cache-Groups': tags.map((tag) => `"${tag}"`).join(', '), // RFC 9875 §2
    });
  // RFC 9213. Fastly reads it as Surrogate-Control, and removes that.
  const lifetime = (value: string | undefined): Headers =>
    value === undefined
      ? {}
      : { 'CDN-Cache-Control': value, ...(kinds.includes('fastly') ? { 'Surrogate-Control': value } : {}) };
  return {
    ofList: tagged([LISTS_TAG, ALL_TAG]),
    ofOther: tagged([ALL_TAG]),
    ofDocument(feed, format) {
      // A page for people shows other feeds as well, and the day: it expires with its max-age.
      if (format === 'html') return tagged([feedTag(feed), LISTS_TAG, ALL_TAG]);
      return { ...tagged([feedTag(feed), ALL_TAG]), ...lifetime(LIFETIMES[freshness()]) };
    },
  };
}

/** Every name of a header of this module. */
const NAMES = ['xkey', 'Surrogate-Key', 'Cache-Tag', 'Cache-Groups', 'CDN-Cache-Control', 'Surrogate-Control'];

/**
 * Tags the answer to a request unless its own headers say otherwise: redirects, files and the like. A purge of everything then
 * finds them. Answers that no cache may keep lose the tags again by `untag`.
 */
export function tagOther({ ofOther }: CdnHeaders, { method }: IncomingMessage, response: ServerResponse): void {
  if (method !== 'GET' && method !== 'HEAD') return;
  for (const [name, value] of Object.entries(ofOther)) response.setHeader(name, value);
}

/** Removes the tags that `tagOther` has set. */
export function untag(response: ServerResponse): void {
  if (response.hasHeader('Cache-Groups')) for (const name of NAMES) response.removeHeader(name);
}
