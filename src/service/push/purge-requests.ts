import type { PurgeKind, PurgeTarget } from '../../config/purge-targets.ts';
import { ALL_TAG, feedTag, LISTS_TAG } from '../../feed/cache-tags.ts';
import { type FeedKey, FORMATS, feedPath, LATEST } from '../../feed/feeds.ts';
import { batchesOf } from '../../lib/batches.ts';
import type { OutboxMessage } from '../../store/outbox-store.ts';

/** A request to a cache, or to the API of its provider. */
export interface PurgeRequest {
  readonly method: 'POST' | 'PURGE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Statuses that say that there is nothing to purge. */
  readonly absent?: readonly number[];
}

export type PurgeMessage = Pick<OutboxMessage, 'feeds' | 'hasRemovals'>;

export interface PurgeRules {
  /** The most feeds that a message names. */
  readonly most: number;
  /** The most tags of one request. */
  readonly tags: number;
  /** Requests a minute, and how many may be saved up. */
  readonly rate: { readonly perMinute: number; readonly burst: number };
}

/** What each kind of cache takes. */
export const PURGE_RULES: Readonly<Record<PurgeKind, PurgeRules>> = {
  // A line of a head may have 8,192 bytes (http_req_hdr_len), and a tag has eleven with its space.
  varnish: { most: 1000, tags: 400, rate: { perMinute: 1200, burst: 100 } },
  // https://www.fastly.com/documentation/reference/api/purging/ (November 2026)
  fastly: { most: 1000, tags: 256, rate: { perMinute: 60, burst: 60 } },
  // https://developers.cloudflare.com/cache/how-to/purge-cache/ (November 2026): those of the free plan
  cloudflare: { most: 300, tags: 100, rate: { perMinute: 5, burst: 25 } },
  url: { most: 50, tags: 1, rate: { perMinute: 6000, burst: 1000 } },
};

/** The addresses of the APIs, which end in a slash. */
export interface ProviderApis {
  readonly fastly: string;
  readonly cloudflare: string;
}

export const PROVIDER_APIS: ProviderApis = {
  fastly: 'https://api.fastly.com/',
  cloudflare: 'https://api.cloudflare.com/client/v4/',
};

interface PurgeOptions {
  /** Whether a cache may keep what has expired, for the time in which the service is down. */
  readonly isSoft: boolean;
  readonly token: string | undefined;
  readonly apis?: ProviderApis;
}

/**
 * The requests that purge what a message names. A story that has left a feed is never purged softly: no cache may serve it
 * again, even if the service is down.
 */
export function purgeRequests(target: PurgeTarget, message: PurgeMessage, options: PurgeOptions): PurgeRequest[] {
  const { apis = PROVIDER_APIS, token, isSoft } = options;
  const softly = isSoft && !message.hasRemovals;
  const bearer = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const groups = batchesOf(tagsOf(message), () => 1, {
    count: PURGE_RULES[target.kind].tags,
    size: Number.POSITIVE_INFINITY,
  });
  switch (target.kind) {
    case 'varnish':
      return groups.map((tags) => ({
        method: 'PURGE',
        url: target.at,
        headers: { ...bearer, [softly ? 'xkey-softpurge' : 'xkey-purge']: tags.join(' ') },
      }));
    case 'fastly':
      return groups.map((tags) => ({
        method: 'POST',
        url: `${apis.fastly}service/${target.at}/purge`,
        headers: { ...JSON_BODY, 'Fastly-Key': token ?? '', ...(softly ? { 'Fastly-Soft-Purge': '1' } : {}) },
        body: JSON.stringify({ surrogate_keys: tags }),
      }));
    case 'cloudflare':
      return groups.map((tags) => ({
        method: 'POST',
        url: `${apis.cloudflare}zones/${target.at}/purge_cache`,
        headers: { ...JSON_BODY, ...bearer },
        body: JSON.stringify({ tags }),
      }));
    case 'url':
      return pathsOf(message).flatMap((path) =>
        CODINGS.map((coding) => ({
          method: 'PURGE',
          url: target.at + path,
          headers: { ...bearer, 'Accept-Encoding': coding },
          absent: ABSENT,
        })),
      );
  }
}

const JSON_BODY = { 'Content-Type': 'application/json', Accept: 'application/json' };

function tagsOf({ feeds }: PurgeMessage): string[] {
  return feeds === undefined ? [ALL_TAG] : [...feeds.map(feedTag), LISTS_TAG];
}

/** What nginx and Squid answer for an address that they have no copy of: 412 in the module of FRiCKLE. */
const ABSENT = [404, 412];

/** A cache may have a copy in each. */
const CODINGS = ['identity', 'gzip'];

/** What every change may change. */
const LISTS = ['', 'feeds.opml', 'sitemap.xml', 'news-sitemap.xml'];

/** Where everything may have changed, the copies of other feeds expire with their max-age: there is no end to the addresses. */
function pathsOf({ feeds = [LATEST] }: PurgeMessage): string[] {
  return [...feeds.flatMap(feedPaths), ...LISTS];
}

function feedPaths(key: FeedKey): string[] {
  const page = feedPath(key, 'rss').replace(/\.rss$/, '');
  return [...FORMATS.map((format) => feedPath(key, format)), page];
}
