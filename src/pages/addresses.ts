import { type FeedKey, FORMATS, type Format, feedPath } from '../feed/feeds.ts';

/** The path of a feed's page below the service's address, percent-encoded and without a leading slash. */
export function feedAddress(key: FeedKey): string {
  return feedPath(key, FORMATS[0]).slice(0, -`.${FORMATS[0]}`.length);
}

/** The same for a page of its archive. */
export function archiveAddress(key: FeedKey, page: number): string {
  return feedAddress(`${key}/archive/${page}`);
}

/** The path at which a browser shows a feed as it is. */
export function rawAddress(key: FeedKey): string {
  return `${feedPath(key, FORMATS[0])}?format=raw`;
}

/** The way from the page of a feed to the root of the service. Addresses on pages hold below any path of a proxy. */
export function rootFrom(key: FeedKey): string {
  return '../'.repeat(key.split('/').length);
}

/** The names of the formats. */
export const FORMAT_NAMES: Readonly<Record<Format, string>> = { rss: 'RSS', atom: 'Atom', json: 'JSON' };

/** The addresses that subscribe to a feed in readers that people use. */
export const READERS: readonly (readonly [name: string, address: (feed: string) => string])[] = [
  ['Feedly', (feed) => `https://feedly.com/i/subscription/feed/${encodeURIComponent(feed)}`],
  ['Inoreader', (feed) => `https://www.inoreader.com/?add_feed=${encodeURIComponent(feed)}`],
  ['NewsBlur', (feed) => `https://www.newsblur.com/?url=${encodeURIComponent(feed)}`],
  ['The Old Reader', (feed) => `https://theoldreader.com/feeds/subscribe?url=${encodeURIComponent(feed)}`],
];
