import { COMMON_ADDRESSES } from '../../config/redirects/known-systems.ts';
import { openRecordedRedirects } from '../../config/redirects/recorded-redirects.ts';
import { createOldAddresses } from '../../document/old-addresses.ts';
import { type FeedKey, FORMATS, feedPath, type NamedKey } from '../../feed/feeds.ts';
import { createYieldToLoop } from '../../lib/yield-to-loop.ts';
import { feedAddress } from '../../pages/addresses.ts';
import type { SiteRun } from './site-run.ts';

/** Its name in the site: Netlify, Cloudflare Pages and others read it. */
export const SITE_REDIRECTS = '_redirects';

/** The addresses of sitemaps in WordPress. */
const WORDPRESS_SITEMAPS = ['/sitemap_index.xml', '/wp-sitemap.xml'];

/**
 * The redirects of the service as lines of `_redirects`: those of single addresses without a query. Patterns, other spellings and
 * addresses that are gone are left to the configuration of a server. A redirect leads only to a feed that readers can see.
 *
 * @param path the data folder
 */
export async function redirectLines(run: SiteRun, path: string): Promise<string> {
  const { publication, at } = run;
  const { builtInRedirects: systems, feedsUrl, retired } = publication;
  const table = await openRecordedRedirects(path, { systems, onProblems: () => {} }).table(); // the service reports them
  const store = seenOnce(run);
  const { find } = createOldAddresses({ store, publication, recorded: async () => table });
  const own = publication.redirects.flatMap((redirect) => ('address' in redirect ? [redirect.address] : []));
  const plain = own.flatMap(({ segments, query }) => (query.size === 0 ? [segments] : []));
  const addresses = new Set([
    ...(systems.includes('common') ? COMMON_ADDRESSES : []),
    ...[...plain, ...table.plainPaths().map((text) => text.split('/'))].map(encodedPath),
  ]);
  const { pathname: root } = new URL(feedsUrl);
  const lines: string[] = [];
  const add = (from: string, to: string) => lines.push(`${root}${from.slice(1)} ${root}${to} 308\n`);
  const rest = createYieldToLoop();
  for (const address of addresses) {
    await rest();
    const destination = await find(address, at);
    if (destination !== undefined && destination !== 'gone')
      add(address, feedPath(destination.feed, destination.format));
  }
  for (const { feed, movedTo } of retired) {
    if (movedTo === undefined || (await store.seenFeeds([movedTo], at)).length === 0) continue;
    for (const format of FORMATS) add(`/${feedPath(feed, format)}`, feedPath(movedTo, format));
    if (publication.pages !== undefined) add(`/${feedAddress(feed)}`, feedAddress(movedTo));
  }
  if (systems.includes('wordpress')) for (const address of WORDPRESS_SITEMAPS) add(address, 'sitemap.xml');
  return lines.join('');
}

/** In `_redirects`, a plain `*` stands for everything. */
function encodedPath(segments: readonly string[]): string {
  return `/${segments.map((segment) => encodeURIComponent(segment).replaceAll('*', '%2A')).join('/')}`;
}

/** Many addresses lead to one feed: each is looked up once. */
function seenOnce({ store, at }: SiteRun): Pick<SiteRun['store'], 'feedKeys' | 'seenFeeds'> {
  const known = new Map<FeedKey, Promise<readonly NamedKey[]>>();
  return {
    feedKeys: store.feedKeys,
    async seenFeeds(keys) {
      const found = keys.map((key) => {
        const seen = known.get(key) ?? store.seenFeeds([key], at);
        known.set(key, seen);
        return seen;
      });
      return (await Promise.all(found)).flat();
    },
  };
}
