import { type FeedKey, type Format, LATEST } from '../../feed/feeds.ts';
import type { OldAddress } from './old-address.ts';

/** The systems whose addresses the service knows by itself. `common` has the names that many systems use. */
export const SYSTEMS = ['common', 'wordpress', 'ghost', 'hugo', 'jekyll', 'drupal', 'blogger'] as const;
export type System = (typeof SYSTEMS)[number];

/** What an address means in an earlier system. */
export type Meaning =
  | {
      /**
       * A name that all addresses of this feed share in the earlier system: `section/kultur-kurdi`, `category 3`. A redirect
       * for one of the addresses counts for all of them.
       */
      readonly name: string;
      /** The feeds here that it may be, if no redirect names one; the first that exists is meant. */
      readonly keys: readonly FeedKey[];
      readonly format: Format;
    }
  | 'gone';

/** What an address means in each of these systems, the most likely one first. */
export function meaningsOf(address: OldAddress, systems: readonly System[]): Meaning[] {
  // The service's own feeds are below /feeds/, where an ending such as /feed is a mistake.
  const possible = address.segments[0] === 'feeds' ? systems.filter((system) => system === 'blogger') : systems;
  const found = possible.map((system) => READERS[system](address));
  return found.filter((meaning) => meaning !== undefined);
}

type Reader = (address: OldAddress) => Meaning | undefined;

/** The feed of all articles at the address of that name. Other names at the top of a site may be other feeds. */
function all(name: string, format: Format): Meaning {
  return { name, keys: [LATEST], format };
}

function section(slug: string, format: Format): Meaning {
  return { name: `section/${slug}`, keys: [`section/${slug}`], format };
}

function tag(slug: string, format: Format): Meaning {
  return { name: `tag/${slug}`, keys: [`tag/${slug}`], format };
}

function author(slug: string, format: Format): Meaning {
  return { name: `author/${slug}`, keys: [`author/${slug}`], format };
}

/** A feed that is known by a number: only a redirect says which one it is here. */
function numbered(kind: string, number: string, format: Format): Meaning {
  return { name: `${kind} ${number}`, keys: [], format };
}

/** Addresses at the top of a site. */
const COMMON: ReadonlyMap<string, Format> = new Map([
  ['rss.xml', 'rss'],
  ['atom.xml', 'atom'],
  ['feed.json', 'json'],
  ['feed', 'rss'],
  ['rss', 'rss'],
  ['rss2', 'rss'],
  ['atom', 'atom'],
  ['index.rss', 'rss'],
  ['index.rdf', 'rss'],
  ['index.atom', 'atom'],
  ['feed.rss', 'rss'],
  ['feed.atom', 'atom'],
  ['rss.php', 'rss'],
  ['feed/rss.xml', 'rss'],
  ['feed/atom.xml', 'atom'],
]);

/** The addresses of all articles that the service knows, for hints: `/rss.xml`. */
export const COMMON_ADDRESSES: readonly string[] = [
  ...['/rss.xml', '/atom.xml', '/feed.json', '/feed', '/feed/rss', '/feed/rss2', '/feed/rdf', '/feed/atom'],
  '/feed/json',
];

function common({ segments }: OldAddress): Meaning | undefined {
  const path = segments.length <= 2 ? segments.join('/') : '';
  const format = COMMON.get(path);
  return format === undefined ? undefined : all(`/${path}`, format);
}

/** The names of formats in addresses of WordPress. RDF and JSON are those of old versions and of plugins. */
const WORDPRESS_FORMATS: ReadonlyMap<string, Format> = new Map([
  ['feed', 'rss'],
  ['rss', 'rss'],
  ['rss2', 'rss'],
  ['rdf', 'rss'],
  ['atom', 'atom'],
  ['json', 'json'],
]);
/** The files of its first versions, which it still redirects. */
const WORDPRESS_FILES: ReadonlyMap<string, Meaning> = new Map([
  ...['wp-feed.php', 'wp-rss.php', 'wp-rss2.php', 'wp-rdf.php'].map((name) => [name, all('/feed', 'rss')] as const),
  ['wp-atom.php', all('/feed', 'atom')],
  ['wp-commentsrss2.php', 'gone'],
]);
/** Parameters of the feeds of a story's comments, of a search and of a month, which no feed here can be. */
const WORDPRESS_OTHERS = 'p page_id attachment_id name pagename s m year monthnum day w withcomments'.split(' ');

function wordpress(address: OldAddress): Meaning | undefined {
  const { query } = address;
  const isIndex = address.segments[0] === 'index.php';
  const segments = isIndex ? address.segments.slice(1) : address.segments; // for servers that cannot rewrite addresses
  const file = segments.length === 1 ? WORDPRESS_FILES.get(segments[0] ?? '') : undefined;
  if (file !== undefined) return file;
  const ended = feedEnd(segments);
  const path = ended?.path ?? segments;
  const asked = query.get('feed');
  if (asked !== undefined) {
    if (/^comments-(?:rss2?|atom|rdf|feed)$/.test(asked)) return 'gone';
    const format = WORDPRESS_FORMATS.get(asked); // it counts more than the end of the path
    return format === undefined ? undefined : (wordpressQuery(query, format) ?? wordpressPath(path, format));
  }
  return ended && wordpressPath(path, ended.format);
}

/** The end of a path that names a format, `/feed` or `/feed/atom`, and the path before it. */
function feedEnd(segments: readonly string[]): { path: readonly string[]; format: Format } | undefined {
  const last = segments.at(-1) ?? '';
  if (last === 'feed') return { path: segments.slice(0, -1), format: 'rss' };
  const format = segments.at(-2) === 'feed' ? WORDPRESS_FORMATS.get(last) : undefined;
  return format && { path: segments.slice(0, -2), format };
}

function wordpressQuery(query: OldAddress['query'], format: Format): Meaning | undefined {
  const value = (name: string) => query.get(name) ?? '';
  if (/^\d+$/.test(value('cat'))) return numbered('category', value('cat'), format);
  if (/^\d+$/.test(value('author'))) return numbered('author', value('author'), format);
  if (value('category_name') !== '') return section(lastPart(value('category_name')), format);
  if (value('tag') !== '') return tag(value('tag'), format);
  if (value('author_name') !== '') return author(value('author_name'), format);
  return WORDPRESS_OTHERS.some((name) => query.has(name)) ? 'gone' : undefined;
}

/** @param path without the end that names the format */
function wordpressPath(path: readonly string[], format: Format): Meaning | undefined {
  const last = path.at(-1);
  if (last === undefined) return all('/feed', format);
  const base = path.at(-2);
  if (base === 'tag') return tag(last, format);
  if (base === 'author') return author(last, format);
  if (path.slice(0, -1).includes('category')) return section(last, format); // between them are its parents
  if (last === 'comments') return 'gone';
  // Of a story's comments, of a month, of a search.
  if (path.some((part) => /^(?:19|20)\d\d$/.test(part)) || base === 'archives' || base === 'search') return 'gone';
  return section(last, format); // of sites that leave “category” out
}

function lastPart(path: string): string {
  return path.split('/').findLast((part) => part !== '') ?? '';
}

/** `/rss/`, `/tag/{slug}/rss/`, `/author/{slug}/rss/`, and collections of the site's own. */
function ghost({ segments }: OldAddress): Meaning | undefined {
  if (segments.at(-1) !== 'rss') return undefined;
  const [slug, base] = [segments.at(-2), segments.at(-3)];
  if (slug === undefined) return all('/rss', 'rss');
  if (base === 'tag' || base === 'tagged') return tag(slug, 'rss'); // Tumblr has “tagged”
  return base === 'author' ? author(slug, 'rss') : section(slug, 'rss');
}

const HUGO_TAXONOMIES: ReadonlyMap<string, typeof section> = new Map([
  ['tags', tag],
  ['categories', section],
  ['authors', author],
]);

/** `/index.xml`, `/tags/{slug}/index.xml`, `/{section}/index.xml`, and `/{language}/index.xml`. */
function hugo({ segments }: OldAddress): Meaning | undefined {
  if (segments.at(-1) !== 'index.xml') return undefined;
  const [slug, base = ''] = [segments.at(-2), segments.at(-3)];
  if (slug === undefined) return all('/index.xml', 'rss');
  const meaning = HUGO_TAXONOMIES.get(base);
  if (meaning !== undefined) return meaning(slug, 'rss');
  return { name: `section/${slug}`, keys: [`section/${slug}`, `language/${slug}`], format: 'rss' };
}

/** The addresses of the plugin jekyll-feed: `/feed.xml`, `/feed/{category}.xml`, `/feed/by_tag/{tag}.xml`. */
function jekyll({ segments }: OldAddress): Meaning | undefined {
  // The plugin writes Atom.
  const [first, second = '', third = '', ...others] = segments;
  if (first === 'feed.xml' && segments.length === 1) return all('/feed.xml', 'atom');
  if (first !== 'feed' || others.length > 0) return undefined;
  if (third === '' && second.endsWith('.xml')) return section(second.slice(0, -'.xml'.length), 'atom');
  return second === 'by_tag' && third.endsWith('.xml') ? tag(third.slice(0, -'.xml'.length), 'atom') : undefined;
}

/** `/rss.xml`, and `/taxonomy/term/{n}/feed`, which is `/taxonomy/term/{n}/all/feed` in old versions. */
function drupal({ segments }: OldAddress): Meaning | undefined {
  const [first, second, number = '', ...rest] = segments;
  if (first === 'node' && second === 'feed' && segments.length === 2) return all('/rss.xml', 'rss');
  if (first !== 'taxonomy' || second !== 'term' || !/^\d+$/.test(number) || rest.at(-1) !== 'feed') return undefined;
  return rest.length <= 2 ? numbered('term', number, 'rss') : undefined;
}

/** `/feeds/posts/default`, `/feeds/posts/default/-/{label}`, with `?alt=rss`; comments are gone. */
function blogger({ segments, query }: OldAddress): Meaning | undefined {
  const [first, second, third, dash, label, ...others] = segments;
  if (first !== 'feeds') return undefined;
  if (second === 'comments' || third === 'comments') return 'gone';
  if (second !== 'posts' || (third !== 'default' && third !== 'summary') || others.length > 0) return undefined;
  const alt = query.get('alt');
  const format = alt === 'rss' ? 'rss' : alt === 'json' ? 'json' : 'atom';
  if (dash === undefined) return all('/feeds/posts/default', format);
  return dash === '-' && label !== undefined ? tag(label, format) : undefined;
}

const READERS: Readonly<Record<System, Reader>> = { common, wordpress, ghost, hugo, jekyll, drupal, blogger };
