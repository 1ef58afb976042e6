import type { Publication } from '../config/publication.ts';
import { type NamedKey, shortTitle } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type { Day } from '../pages/days.ts';
import { GROUPS, type Group, type GroupKind } from '../pages/index-page.ts';
import { kindOf, OWN_KINDS } from '../pages/kinds.ts';
import type { Headline, ListedFeed, NamedFeed } from '../pages/listed-feed.ts';
import { languageName } from '../pages/words.ts';
import type { Store } from '../store/store.ts';
import { createFeedSearch } from './feed-search.ts';

/** What pages read of a store. */
export type PageStore = Pick<
  Store,
  | 'snapshot'
  | 'archivePage'
  | 'articles'
  | 'glance'
  | 'usedFeeds'
  | 'feedsOfKind'
  | 'feedKeys'
  | 'seenFeeds'
  | 'lastRevision'
>;

interface Parts {
  readonly store: PageStore;
  readonly publication: Publication;
}

interface Found {
  /** Of all feeds that were found; the groups may hold fewer. */
  readonly count: number;
  readonly groups: readonly Group[];
}

interface ListedFeeds {
  /** The feeds, with what readers see in each. */
  readonly listed: (feeds: readonly NamedKey[], at: Instant, days: readonly Day[]) => Promise<readonly ListedFeed[]>;
  /** The groups of the page of all feeds. */
  readonly groups: (at: Instant, days: readonly Day[]) => Promise<readonly Group[]>;
  /** The groups of the feeds whose names answer a search. */
  readonly searched: (text: string, at: Instant, days: readonly Day[]) => Promise<Found>;
}

/** Feeds of each kind that are seen at once. */
const SHOWN: Readonly<Record<GroupKind, number>> = { section: 15, language: 12, tag: 10, author: 10, custom: 10 };
/** Feeds of each kind in all. The others are found by a search. */
const MOST = 100;
/** Feeds of a whole page up to which those that a reader has to open are shown as the others are. */
const MOST_WHOLE = 64;
/** Stories whose sections, topics and authors are ranked by their use. */
const NEWEST = 500;
/** Feeds that a search shows. */
const MOST_FOUND = 60;

const KINDS = Object.keys(GROUPS) as readonly GroupKind[];

/** Finds out which feeds a page lists, in bounded time. */
export function createListedFeeds({ store, publication }: Parts): ListedFeeds {
  const search = createFeedSearch({ store, publication });
  const customById = new Map(publication.feeds.map((feed) => [feed.id, feed]));

  function named({ key, name }: NamedKey): NamedFeed {
    const title = shortTitle({ key, name }, publication);
    if (kindOf(key) !== 'language') {
      return omitUndefined({ key, title, language: customById.get(key)?.language });
    }
    const language = key.slice(key.indexOf('/') + 1);
    return { key, title: languageName(language), language: Intl.getCanonicalLocales(language)[0] ?? 'und' };
  }

  async function listed(feeds: readonly NamedKey[], at: Instant, days: readonly Day[]): Promise<ListedFeed[]> {
    const glances = await Promise.all(feeds.map(({ key }) => store.glance(key, at, { days })));
    const headlines = await headlinesOf(glances.flatMap(({ newest }) => newest?.number ?? []));
    return feeds.map((feed, index): ListedFeed => {
      const { articles = 0, perDay = [], newest } = glances[index] ?? {};
      return omitUndefined({
        ...named(feed),
        description: customById.get(feed.key)?.description,
        articles,
        perDay,
        newest: newest && headlines.get(newest.number),
      });
    });
  }

  async function headlinesOf(numbers: readonly number[]): Promise<ReadonlyMap<number, Headline>> {
    const articles = await store.articles([...new Set(numbers)]);
    return new Map(
      articles.map(({ number, article: { title, url, language, publishedAt } }) => [
        number,
        { title, url, language, publishedAt },
      ]),
    );
  }

  async function keysByKind(at: Instant): Promise<ReadonlyMap<GroupKind, readonly NamedKey[]>> {
    const byKind = new Map<GroupKind, readonly NamedKey[]>();
    for (const kind of OWN_KINDS) {
      const ranked: readonly NamedKey[] = await store.usedFeeds(kind, at, { articles: NEWEST, limit: MOST });
      const keys = new Set(ranked.map(({ key }) => key));
      const others = ranked.length < MOST ? await store.feedsOfKind(kind, at, MOST) : [];
      byKind.set(kind, [...ranked, ...others.filter(({ key }) => !keys.has(key))].slice(0, MOST));
    }
    const custom = publication.feeds.slice(0, MOST).map(({ id }) => id);
    // Not those that are being filled.
    const seen = new Set((await store.seenFeeds(custom, at)).map(({ key }) => key));
    return byKind.set(
      'custom',
      custom.filter((key) => seen.has(key)).map((key) => ({ key, name: '' })),
    );
  }

  async function groups(at: Instant, days: readonly Day[]): Promise<readonly Group[]> {
    const byKind = await keysByKind(at);
    const count = byKind.values().reduce((sum, keys) => sum + keys.length, 0);
    const made = KINDS.map(async (kind): Promise<Group> => {
      const keys = byKind.get(kind) ?? [];
      const [first, rest] = [keys.slice(0, SHOWN[kind]), keys.slice(SHOWN[kind])];
      const more = count <= MOST_WHOLE ? await listed(rest, at, days) : rest.map(named);
      return { kind, feeds: await listed(first, at, days), more };
    });
    return (await Promise.all(made)).filter(({ feeds }) => feeds.length > 0);
  }

  async function searched(text: string, at: Instant, days: readonly Day[]): Promise<Found> {
    const { count, best } = await search(text, at, MOST_FOUND);
    const made = KINDS.map(async (kind): Promise<Group> => {
      const feeds = best.filter(({ key }) => kindOf(key) === kind);
      return { kind, feeds: await listed(feeds, at, days), more: [] };
    });
    return { count, groups: (await Promise.all(made)).filter(({ feeds }) => feeds.length > 0) };
  }

  return { listed, groups, searched };
}
