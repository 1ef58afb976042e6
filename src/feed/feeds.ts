import type { Article } from '../article/article.ts';
import { memo } from '../lib/memo.ts';

/** A feed's name in addresses, without the format: `latest`, `section/world`, or the id of an operator's feed. */
export type FeedKey = string;

export const FORMATS = ['rss', 'atom', 'json'] as const;
export type Format = (typeof FORMATS)[number];

/** The media types of the formats, registered (RFC 4287 §7) or de facto. */
export const MEDIA_TYPES: Readonly<Record<Format, string>> = {
  rss: 'application/rss+xml',
  atom: 'application/atom+xml',
  json: 'application/feed+json',
};

/** What a feed can be made into: its formats for readers, and a page for people. */
export type DocumentFormat = Format | 'html';

/** How much of a story an entry carries. */
export type Content = 'full' | 'summary';

/** A named selection of articles, with the head of its documents. */
export interface Feed {
  readonly key: FeedKey;
  readonly title: string;
  readonly description: string;
  readonly language: string;
  /** The most articles in the current document, newest first. */
  readonly entries: number;
  readonly content: Content;
}

/** The articles of an operator's feed, by the keys of the feeds that they are in by themselves (`ownKeys`). */
export interface Selection {
  /** At least one of these; an empty list allows every article. */
  readonly any: readonly FeedKey[];
  readonly all: readonly FeedKey[];
  readonly none: readonly FeedKey[];
}

/** An operator's feed, without its head. */
export interface FeedRule {
  readonly id: FeedKey;
  readonly select: Selection;
}

/** A feed that the operator defines in publication.yaml. */
export interface CustomFeed extends FeedRule {
  readonly title: string;
  readonly description?: string;
  readonly language?: string;
  readonly entries?: number;
  readonly content?: Content;
}

/** The part of the publication that feeds depend on. */
export interface Masthead {
  readonly title: string;
  readonly description: string;
  readonly language: string;
  readonly entries: number;
  readonly feeds: readonly CustomFeed[];
}

/** A feed that exists because articles name it, with the name as the newsroom writes it. */
export interface NamedKey {
  readonly key: FeedKey;
  readonly name: string;
}

/** The feed that every article is in. */
export const LATEST = 'latest';

/** The feeds that an article is in by itself: its sections, tags, authors and language. */
export function ownKeys(article: Article): NamedKey[] {
  const { sections, tags, authors, language } = article;
  // parseArticle has removed sections and tags with equal slugs, but two authors can share one.
  const distinctAuthors = authors.filter(({ slug }, index) => authors.findIndex((one) => one.slug === slug) === index);
  return [
    { key: LATEST, name: '' },
    ...sections.map(({ slug, name }) => ({ key: `section/${slug}`, name })),
    ...tags.map(({ slug, name }) => ({ key: `tag/${slug}`, name })),
    ...distinctAuthors.map(({ slug, name }) => ({ key: `author/${slug}`, name })),
    { key: `language/${language.toLowerCase()}`, name: languageName(language) },
  ];
}

/**
 * The feed with this key: its head and its size.
 *
 * @param name the newsroom's name of the section, tag, author or language, from the store; empty where its articles are all
 *   erased. Not used for other feeds
 */
export function describeFeed(key: FeedKey, name: string, masthead: Masthead): Feed {
  const defaults = { key, language: masthead.language, entries: masthead.entries, content: 'full' as const };
  const custom = customFeedsById(masthead.feeds).get(key);
  if (custom !== undefined) {
    return {
      key,
      title: custom.title,
      description: custom.description ?? masthead.description,
      language: custom.language ?? onlyLanguage(custom.select) ?? masthead.language,
      entries: custom.entries ?? masthead.entries,
      content: custom.content ?? 'full',
    };
  }
  if (key === LATEST) return { ...defaults, title: masthead.title, description: masthead.description };
  const shown = name === '' ? nameFromKey(key) : name;
  const feed = { ...defaults, title: `${masthead.title}: ${shown}`, description: `${shown}. ${masthead.description}` };
  return key.startsWith('language/') ? { ...feed, language: canonicalLanguage(key) } : feed;
}

/** The name of a feed in a list, where the publication needs no mention. Empty for the feed of all articles. */
export function shortTitle({ key, name }: NamedKey, { feeds }: Pick<Masthead, 'feeds'>): string {
  const custom = customFeedsById(feeds).get(key);
  if (custom !== undefined || key === LATEST) return custom?.title ?? '';
  return name === '' ? nameFromKey(key) : name;
}

function nameFromKey(key: FeedKey): string {
  return key.startsWith('language/') ? languageName(canonicalLanguage(key)) : key.slice(key.indexOf('/') + 1);
}

const feedsById = new WeakMap<readonly CustomFeed[], ReadonlyMap<FeedKey, CustomFeed>>();

function customFeedsById(feeds: readonly CustomFeed[]): ReadonlyMap<FeedKey, CustomFeed> {
  let known = feedsById.get(feeds);
  if (known === undefined) {
    known = new Map(feeds.map((feed) => [feed.id, feed]));
    feedsById.set(feeds, known);
  }
  return known;
}

/** The language of all selected articles; undefined if the selection allows several. */
function onlyLanguage({ any, all }: Selection): string | undefined {
  const required = all.filter((key) => key.startsWith('language/'));
  const [language, ...others] = required.length > 0 ? required : any;
  return language?.startsWith('language/') && others.length === 0 ? canonicalLanguage(language) : undefined;
}

function canonicalLanguage(key: FeedKey): string {
  return Intl.getCanonicalLocales(key.slice('language/'.length))[0] ?? 'und';
}

/** The name of a language in that language, e.g. `ckb` → کوردیی ناوەندی; its tag if Intl knows no name. */
const languageName = memo(
  (language) => {
    const { baseName } = new Intl.Locale(language); // extensions and private-use subtags have no names
    return new Intl.DisplayNames([baseName], { type: 'language' }).of(baseName) ?? language;
  },
  { max: 1000, maxLength: 100 },
);

/** The path of a feed below the service's address, percent-encoded and without a leading slash. */
export function feedPath(key: FeedKey, format: Format): string {
  return `feeds/${key.split('/').map(encodeURIComponent).join('/')}.${format}`;
}

/** The path of a page of a feed's archive, as `feedPath` gives that of the feed. */
export function archivePath(key: FeedKey, page: number, format: Format): string {
  return feedPath(`${key}/archive/${page}`, format);
}

/**
 * The permanent id of a feed (RFC 4287 §4.2.6): below the site's address, so that it survives a move of the service.
 */
export function feedId(key: FeedKey, siteUrl: string): string {
  return new URL(`/feeds/${key.split('/').map(encodeURIComponent).join('/')}`, siteUrl).href;
}
