import { distance } from 'fastest-levenshtein';
import type { Article } from '../article/article.ts';
import { memo } from '../lib/memo.ts';

/** A feed's name in addresses without the format: `latest`, `section/world`, or the id of an operator's own. */
export type FeedKey = string;

export const FORMATS = ['rss', 'atom', 'json'] as const;
export type Format = (typeof FORMATS)[number];

/** RFC-registered or de-facto media types of the three formats. */
export const MEDIA_TYPES: Readonly<Record<Format, string>> = {
  rss: 'application/rss+xml',
  atom: 'application/atom+xml',
  json: 'application/feed+json',
};

/** How much of a story an entry carries. */
export type Content = 'full' | 'summary';

/** A named selection of articles and how it presents itself. */
export interface Feed {
  readonly key: FeedKey;
  readonly title: string;
  readonly description: string;
  readonly language: string;
  /** How many of the newest articles the current document holds. */
  readonly entries: number;
  readonly content: Content;
}

/** Which articles an operator's feed takes: keys of the feeds that every article is in by itself. */
export interface Selection {
  /** At least one of these, where any are named. */
  readonly any: readonly FeedKey[];
  readonly all: readonly FeedKey[];
  readonly none: readonly FeedKey[];
}

/** A feed that the operator defines, as far as it is about articles. */
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

/** What feeds take from the publication. */
export interface Masthead {
  readonly title: string;
  readonly description: string;
  readonly language: string;
  readonly entries: number;
  readonly feeds: readonly CustomFeed[];
}

/** A feed that exists because of a word on articles, with that word as the newsroom writes it. */
export interface NamedKey {
  readonly key: FeedKey;
  readonly name: string;
}

/** The feed that every article is in. */
export const LATEST = 'latest';

/** The feeds an article is in because of what it is. */
export function ownKeys(article: Article): NamedKey[] {
  const { sections, tags, authors, language } = article;
  // Sections and tags are told apart by their slugs already.
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
 * Tells which of the operator's feeds take an article with these keys of its own. Feeds are looked up by a key they
 * require, so that ten thousand of them cost an article no more than those that may take it.
 */
export function customFeedChooser(feeds: readonly FeedRule[]): (own: readonly FeedKey[]) => FeedKey[] {
  if (feeds.length === 0) return () => [];
  const required = new Map<FeedKey, number>();
  for (const { select } of feeds) {
    for (const key of select.all) required.set(key, (required.get(key) ?? 0) + 1);
  }
  const byKey = new Map<FeedKey, FeedRule[]>();
  const always: FeedRule[] = [];
  for (const feed of feeds) {
    const keys = keysToLookUp(feed.select, required);
    if (keys === undefined) always.push(feed);
    for (const key of new Set(keys)) {
      const those = byKey.get(key);
      if (those === undefined) byKey.set(key, [feed]);
      else those.push(feed);
    }
  }
  return (own) => {
    const keys = new Set(own);
    const candidates = new Set([...always, ...own.flatMap((key) => byKey.get(key) ?? [])]);
    return [...candidates].filter(({ select }) => selects(select, keys)).map(({ id }) => id);
  };
}

/** Keys of which an article must have one to be taken, such that few feeds ask for; undefined where it needs none. */
function keysToLookUp({ any, all }: Selection, required: ReadonlyMap<FeedKey, number>): readonly FeedKey[] | undefined {
  const [rarest] = all.toSorted((one, other) => (required.get(one) ?? 0) - (required.get(other) ?? 0));
  if (rarest !== undefined) return [rarest];
  return any.length > 0 ? any : undefined;
}

function selects({ any, all, none }: Selection, keys: ReadonlySet<FeedKey>): boolean {
  return (
    (any.length === 0 || any.some((key) => keys.has(key))) &&
    all.every((key) => keys.has(key)) &&
    !none.some((key) => keys.has(key))
  );
}

/** A feed as it presents itself. `name` is the newsroom's word for it, as the store knows it. */
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
  const feed = { ...defaults, title: `${masthead.title}: ${name}`, description: `${name}. ${masthead.description}` };
  return key.startsWith('language/') ? { ...feed, language: canonicalLanguage(key) } : feed;
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

/** The language a selection is limited to, where it is limited to one. */
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

/** The path of a feed below the service's address, percent-encoded. */
export function feedPath(key: FeedKey, format: Format): string {
  return `feeds/${key.split('/').map(encodeURIComponent).join('/')}.${format}`;
}

/** The identity of a feed (RFC 4287 §4.2.6): below the site's address, so that it stays when the service moves. */
export function feedId(key: FeedKey, siteUrl: string): string {
  return new URL(`/feeds/${key.split('/').map(encodeURIComponent).join('/')}`, siteUrl).href;
}

/** A word to be compared with others. */
interface Word {
  readonly text: string;
  /** A bit for each of its letters, which some letters share. */
  readonly letters: number;
}

/** A feed as it may be asked for: by its key, or by its name alone. */
interface Spellings {
  /** Its place among all. */
  readonly place: number;
  readonly key: Word;
  readonly name: Word;
}

/** Feeds that are compared letter by letter at most. Those that can be nearest come first. */
const MOST_COMPARED = 300;

const spellings = new WeakMap<readonly FeedKey[], readonly Spellings[]>();

/** Made once for a list: to look at each letter of ten thousand names takes longer than all the rest. */
function spellingsOf(keys: readonly FeedKey[]): readonly Spellings[] {
  let made = spellings.get(keys);
  if (made === undefined) {
    made = keys.map((key, place) => ({ place, key: wordOf(key), name: wordOf(key.slice(key.indexOf('/') + 1)) }));
    spellings.set(keys, made);
  }
  return made;
}

function wordOf(text: string): Word {
  let letters = 0;
  for (let index = 0; index < text.length; index += 1) letters |= 1 << (text.charCodeAt(index) % 32);
  return { text, letters };
}

/**
 * The known key that looks most like the one asked for, where one is near enough to be meant; the first of several. Where
 * very many look alike, it may be that another is nearer.
 */
export function nearestKey(asked: string, known: readonly FeedKey[]): FeedKey | undefined {
  const wanted = wordOf(asked.toLowerCase());
  const most = Math.floor(Math.max(2, wanted.text.length / 3));
  const candidates: Spellings[][] = Array.from({ length: most + 1 }, () => []);
  for (const feed of spellingsOf(known)) {
    candidates[Math.min(leastSteps(wanted, feed.key), 1 + leastSteps(wanted, feed.name))]?.push(feed);
  }
  let nearest: { readonly place: number; readonly steps: number } | undefined;
  let compared = 0;
  for (const [least, feeds] of candidates.entries()) {
    for (const { place, key, name } of feeds) {
      const enough = nearest === undefined ? most : nearest.steps - (place < nearest.place ? 0 : 1);
      if (least > enough) continue;
      if (compared === MOST_COMPARED) break;
      compared += 1;
      const steps = Math.min(stepsWithin(enough, wanted, key), 1 + stepsWithin(enough - 1, wanted, name));
      if (steps <= enough) nearest = { place, steps };
    }
  }
  return nearest === undefined ? undefined : known[nearest.place];
}

/** Steps from one word to the other; not counted where there must be more. */
function stepsWithin(most: number, one: Word, other: Word): number {
  return leastSteps(one, other) > most ? Number.POSITIVE_INFINITY : distance(one.text, other.text);
}

/** Fewer steps do not lead from one word to the other: a step changes the length by one and one letter for another. */
function leastSteps(one: Word, other: Word): number {
  const lengths = Math.abs(one.text.length - other.text.length);
  return Math.max(lengths, count(one.letters & ~other.letters), count(other.letters & ~one.letters));
}

/** The bits that are set: in each pair of them, in each four, in each byte, in all. */
function count(bits: number): number {
  const pairs = bits - ((bits >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
