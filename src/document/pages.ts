import type { Publication } from '../config/publication.ts';
import { describeFeed, type Feed, type FeedKey, LATEST, shortTitle } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { createYieldToLoop } from '../lib/yield-to-loop.ts';
import { archivePage } from '../pages/archive-page.ts';
import { daysUntil } from '../pages/days.ts';
import { feedPage } from '../pages/feed-page.ts';
import { type Calendar, indexPage } from '../pages/index-page.ts';
import { STORIES } from '../pages/listed-feed.ts';
import type { OlderPage } from '../pages/pager.ts';
import { siteOf } from '../pages/site.ts';
import type { Archive, ArchivePage, EntryRef, FeedSnapshot, StoredArticle } from '../store/store.ts';
import { termsInHeaders } from '../terms/statements.ts';
import { INDEX } from './cache.ts';
import type { Document } from './document.ts';
import { createListedFeeds, type PageStore } from './listed-feeds.ts';

interface PageParts {
  readonly store: PageStore;
  readonly publication: Publication;
  /** Takes an article that cannot be rendered although it was accepted: pages are served without it. */
  readonly report: (article: StoredArticle, error: unknown) => void;
}

export interface Pages {
  /** The page of a feed, or of all feeds. Undefined if no article of that feed was ever visible. */
  readonly arrange: (key: FeedKey, at: Instant) => Promise<Document | undefined>;
  /** A page of a feed's archive. Undefined if there is none, or the page of the feed has all of its stories. */
  readonly archive: (key: FeedKey, page: number, at: Instant) => Promise<Document | undefined>;
  /** The page of the feeds whose names answer a search. */
  readonly search: (text: string, at: Instant) => Promise<Document>;
}

/** The most languages that lead from one page to the others. */
const MOST_LANGUAGES = 30;

/** Arranges pages: the one place that reads the store for them. Only what readers can see at that moment is read. */
export function createPages({ store, publication, report }: PageParts): Pages {
  const site = siteOf(publication);
  const terms = termsInHeaders(publication);
  const { listed, groups, searched } = createListedFeeds({ store, publication });
  const newestOf = (key: FeedKey, at: Instant, limit: number) => store.snapshot(key, at, { limit, tombstonesFor: 0 });

  function document(text: string, feed: Feed, snapshots: readonly (FeedSnapshot | undefined)[]): Document {
    const [next] = snapshots.flatMap((snapshot) => snapshot?.nextChangeAt ?? []).toSorted((one, other) => one - other);
    return omitUndefined({
      feed,
      format: 'html' as const,
      bytes: Buffer.from(text),
      entries: [],
      changedAt: Math.max(0, ...snapshots.map(changeOf)),
      nextChangeAt: next,
      termsInHeaders: terms,
      policy: site.hosts.policy,
    });
  }

  function calendarOf(latest: FeedSnapshot | undefined): Calendar | undefined {
    const newest = latest?.entries[0]?.publishedAt;
    return newest === undefined ? undefined : { newest, days: daysUntil(newest, publication.timeZone) };
  }

  async function index(at: Instant, search?: string): Promise<Document> {
    const latest = await newestOf(LATEST, at, 1);
    const calendar = calendarOf(latest);
    const days = calendar?.days ?? [];
    const found = search === undefined ? undefined : await searched(search, at, days);
    const showsAll = found === undefined || found.count === 0;
    const shown = showsAll ? await groups(at, days) : found.groups;
    const [all] = showsAll ? await listed([{ key: LATEST, name: '' }], at, days) : [];
    const languages = shown.find(({ kind }) => kind === 'language');
    const text = indexPage(
      {
        calendar,
        latest: all,
        languages: (languages?.feeds.length ?? 0) + (languages?.more.length ?? 0),
        groups: shown,
        search: search === undefined ? undefined : { text: search, found: found?.count ?? 0 },
      },
      site,
    );
    return document(text, describeFeed(LATEST, '', publication), [latest]);
  }

  async function feed(key: FeedKey, at: Instant): Promise<Document | undefined> {
    const snapshot = await newestOf(key, at, STORIES);
    if (snapshot === undefined) return undefined;
    const latest = key === LATEST ? snapshot : await newestOf(LATEST, at, 1);
    const calendar = calendarOf(latest);
    const named = { key, name: snapshot.name };
    const [own] = await listed([named], at, calendar?.days ?? []);
    const articles = await store.articles(snapshot.entries.map(({ number }) => number));
    const described = describeFeed(key, snapshot.name, publication);
    const older = snapshot.archive && (await olderThanNewest(key, snapshot.archive, snapshot.entries, at));
    const text = feedPage(
      {
        feed: described,
        listed: own ?? { key, title: shortTitle(named, publication), articles: 0, perDay: [] },
        calendar,
        articles: articles.map(({ article }) => article),
        report: (index, error) => articles[index] !== undefined && report(articles[index], error),
        languages: await store.feedsOfKind('language', at, MOST_LANGUAGES),
        ...omitUndefined({ older }),
      },
      site,
    );
    return document(text, described, [snapshot, latest]);
  }

  /** The page of the archive that has the stories after those on the page of a feed. */
  async function olderThanNewest(
    key: FeedKey,
    { open, newest }: Archive,
    shown: readonly EntryRef[],
    at: Instant,
  ): Promise<OlderPage | undefined> {
    const rest = storiesOf(await store.archivePage(key, open, at));
    if (rest.length > 0) return omitUndefined({ page: open, days: daysOf(rest) });
    // A feed with small documents has small pages: the page of the feed shows the stories of several.
    const numbers = new Set(shown.map(({ number }) => number));
    let page = newest === undefined ? undefined : await store.archivePage(key, newest, at);
    for (let step = 0; page && step < STORIES && page.entries.every(({ number }) => numbers.has(number)); step += 1)
      page = page.older === undefined ? undefined : await store.archivePage(key, page.older, at);
    return olderPage(page);
  }

  async function archive(key: FeedKey, number: number, at: Instant): Promise<Document | undefined> {
    const content = await store.archivePage(key, number, at);
    const stories = storiesOf(content);
    if (content === undefined || (content.isOpen && stories.length === 0)) return undefined;
    const before = content.older === undefined ? undefined : await store.archivePage(key, content.older, at);
    const articles = await store.articles(stories.map((ref) => ref.number));
    const feed = describeFeed(key, content.name, publication);
    const text = archivePage(
      omitUndefined({
        feed,
        page: number,
        title: shortTitle({ key, name: content.name }, publication),
        articles: articles.map(({ article }) => article),
        report: (index: number, error: unknown) => articles[index] !== undefined && report(articles[index], error),
        older: olderPage(before),
        newer: content.newer,
      }),
      site,
    );
    const pages = [content, ...(before === undefined ? [] : [before])];
    return {
      ...document(
        text,
        feed,
        pages.map((page) => ({ ...page, tombstones: [] })),
      ),
      page: number,
    };
  }

  return {
    arrange: (key, at) => (key === INDEX ? index(at) : feed(key, at)),
    archive,
    search: async (text, at) => ({ ...(await index(at, text)), isPassing: true }),
  };
}

/** The stories that a page of an archive shows: the page of the feed shows the newest ones of the open page. */
function storiesOf(page: ArchivePage | undefined): readonly EntryRef[] {
  if (page === undefined) return [];
  return page.isOpen ? page.entries.slice(STORIES) : page.entries;
}

function olderPage(page: ArchivePage | undefined): OlderPage | undefined {
  return page && omitUndefined({ page: page.page, days: daysOf(page.entries) });
}

/** The first and the last date of stories that are in the order of their dates, newest first. */
function daysOf(stories: readonly EntryRef[]): readonly [Instant, Instant] | undefined {
  const [newest, oldest] = [stories[0], stories.at(-1)];
  return newest && oldest && [oldest.publishedAt, newest.publishedAt];
}

/**
 * Does what the first page of all feeds needs, and drops that page: loads texts and formats of dates, has functions compiled,
 * and reads the parts of lists that charts need. The event loop goes round in between.
 */
export async function warmUpPages(parts: PageParts, at: Instant): Promise<void> {
  const { store } = parts;
  const rest = createYieldToLoop();
  const inPieces =
    <Arguments extends unknown[], Result>(read: (...given: Arguments) => Promise<Result>) =>
    async (...given: Arguments): Promise<Result> => {
      await rest();
      return read(...given);
    };
  const { snapshot, usedFeeds, feedsOfKind, glance, articles } = store;
  const slowly = {
    snapshot: inPieces(snapshot),
    usedFeeds: inPieces(usedFeeds),
    feedsOfKind: inPieces(feedsOfKind),
    glance: inPieces(glance),
    articles: inPieces(articles),
  };
  await createPages({ ...parts, store: { ...store, ...slowly } }).arrange(INDEX, at);
}

/** When what readers see of a feed changed last. */
function changeOf(snapshot: FeedSnapshot | undefined): Instant {
  if (snapshot === undefined) return 0;
  return Math.max(snapshot.changedAt, snapshot.entries[0]?.publishedAt ?? 0, snapshot.removedAt ?? 0);
}
