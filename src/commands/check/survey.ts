import type { Newsroom } from '../../article/newsroom.ts';
import type { Publication } from '../../config/publication.ts';
import { describeFeed, type FeedKey, LATEST, ownKeys } from '../../feed/feeds.ts';
import { customFeedChooser } from '../../feed/selection.ts';
import type { Instant } from '../../lib/instant.ts';
import { nearestWord } from '../../lib/nearest-word.ts';
import type { CheckedArticle } from './checked.ts';
import { createFeedTally, type FeedTally } from './feed-tally.ts';
import { createAddresses, type SurveyedAddresses } from './surveyed-addresses.ts';
import { createUses, type SurveyedUses } from './surveyed-uses.ts';

interface Renamed {
  readonly former: string;
  readonly article: string;
  readonly file: string;
}

/** What is known of a newsroom when all its articles are read. */
export interface Survey extends SurveyedAddresses, SurveyedUses {
  /** Articles that readers see or will see. */
  readonly articles: () => number;
  readonly feeds: () => ReadonlyMap<FeedKey, FeedTally>;
  /** The feed whose key looks most like one that is no feed; undefined if there is none, and after many searches. */
  readonly nearest: (key: FeedKey) => FeedKey | undefined;
  /** Whether a feed has or had an article, or will have one when an embargo ends; or is the operator's. */
  readonly hasFeed: (key: FeedKey) => boolean;
  /** Files that have published one article, and hold another one now. */
  readonly renamed: () => readonly Renamed[];
}

interface Surveyor extends Survey {
  /** The feeds that an article is in. */
  readonly feedsOf: (checked: CheckedArticle) => readonly FeedKey[];
  readonly add: (checked: CheckedArticle, feeds: readonly FeedKey[]) => void;
  /** Adds an article that the next start withdraws. */
  readonly addLeaving: (checked: CheckedArticle) => void;
  readonly addRenamed: (renamed: Renamed) => void;
}

interface SurveyParts {
  readonly publication: Publication;
  readonly newsroom: Newsroom;
  readonly at: Instant;
  readonly load: (ref: number) => Promise<CheckedArticle | undefined>;
}

const DAY = 24 * 60 * 60 * 1000;
/** Searches for a similar key: each compares all feeds. */
const MOST_SEARCHES = 100;
/** Newest articles by which the page of all feeds ranks sections, tags and authors. */
const RANKED = 500;

/**
 * Collects what rules about the whole newsroom need. Of an article, it keeps a few numbers: a million articles take some tens
 * of megabytes.
 */
export function createSurvey({ publication, newsroom, at, load }: SurveyParts): Surveyor {
  const customFeedsOf = customFeedChooser(publication.feeds);
  const customIds = new Set(publication.feeds.map(({ id }) => id));
  const tallies = new Map<FeedKey, FeedTally>();
  const addresses = createAddresses({ newsroom, load });
  const uses = createUses();
  const renamed: Renamed[] = [];
  const listedSince = at - publication.tombstoneDays * DAY;
  let count = 0;
  let searches = 0;

  function tallyOf(key: FeedKey, name: string): FeedTally {
    let tally = tallies.get(key);
    if (tally === undefined) {
      const { entries } = describeFeed(key, '', publication);
      tally = createFeedTally(name, key === LATEST ? Math.max(entries, RANKED) : entries);
      tallies.set(key, tally);
    }
    return tally;
  }

  function add(checked: CheckedArticle, feeds: readonly FeedKey[]): void {
    const { article, status, ref } = checked;
    const { publishedAt, updatedAt = publishedAt } = article;
    const names = new Map(ownKeys(article).map(({ key, name }) => [key, name]));
    for (const key of feeds) tallyOf(key, names.get(key) ?? '').add(status, { ref, publishedAt, updatedAt });
    if (status === 'withdrawn') {
      if ((article.withdrawn?.at ?? at) >= listedSince) addLeaving(checked);
      return;
    }
    addresses.add(checked);
    if (status === 'expired') return;
    count += 1;
    uses.add(checked);
    addresses.addLinks(checked);
  }

  function addLeaving(checked: CheckedArticle): void {
    const { publishedAt, withdrawn } = checked.article;
    const wasSeen = publishedAt <= (withdrawn?.at ?? at);
    if (wasSeen) addresses.addFormer(checked);
  }

  function nearest(key: FeedKey): FeedKey | undefined {
    searches += 1;
    return searches > MOST_SEARCHES ? undefined : nearestFeed(key, [...tallies.keys(), ...customIds]);
  }

  return {
    ...addresses,
    ...uses,
    articles: () => count,
    feeds: () => tallies,
    nearest,
    hasFeed: (key) => key === LATEST || tallies.has(key) || customIds.has(key),
    renamed: () => renamed,
    feedsOf({ article }) {
      const own = ownKeys(article).map(({ key }) => key);
      return [...own, ...customFeedsOf(own)];
    },
    add,
    addLeaving,
    addRenamed: (one) => void renamed.push(one),
  };
}

/** Compares names alone: the words `section/` that two feeds have in common make their names no nearer. */
export function nearestFeed(key: FeedKey, known: readonly FeedKey[]): FeedKey | undefined {
  const kind = key.slice(0, key.indexOf('/') + 1);
  if (!known.some((other) => other.startsWith(kind))) return nearestWord(key, known); // the kind is misspelt
  const names = known.flatMap((other) => {
    const name = other.slice(kind.length);
    return other.startsWith(kind) && (kind !== '' || !name.includes('/')) ? [name] : [];
  });
  const nearest = nearestWord(key.slice(kind.length), names);
  return nearest === undefined ? undefined : kind + nearest;
}
