import { isDeepStrictEqual } from 'node:util';
import type { Publication } from '../config/publication.ts';
import { type CustomFeed, describeFeed, type FeedKey, feedId, LATEST, type Selection } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { restartProblems } from '../publish/refresh.ts';
import { selectArticles } from '../store/sqlite/backfill.ts';
import type { StoredFeeds } from '../store/sqlite/stored-feeds.ts';
import type { ListedFeed } from '../store/store.ts';
import { counted } from './terminal.ts';

/** What a new publication.yaml would do. */
export interface PublicationDiff {
  readonly come: readonly { readonly feed: FeedKey; readonly entries: number }[];
  /** `leadsTo` is the feed to which its readers are redirected; null where they get 410, missing where they get 404. */
  readonly go: readonly { readonly feed: FeedKey; readonly entries: number; readonly leadsTo?: FeedKey | null }[];
  /** Feeds with other rules or sizes. Entries are those of the current documents. */
  readonly change: readonly ChangedFeed[];
  /** The settings that differ, also those of feeds that stay (`feeds.rivers.title`), without the rules of feeds. */
  readonly settings: readonly string[];
  /** Those of them that take effect at a start only. */
  readonly restart: readonly string[];
  readonly ids: {
    /** Stories that readers could see. Each keeps its id. */
    readonly stories: number;
    readonly changedStories: 0;
    /** Feeds whose id in Atom changes. */
    readonly changedFeeds: number;
  };
  /** What readers would get as new although it was published before. */
  readonly again: { readonly entries: number; readonly reasons: readonly Reason[] };
}

export interface ChangedFeed {
  readonly feed: FeedKey;
  readonly before: number;
  readonly after: number;
  readonly arriving: number;
  readonly leaving: number;
}

export interface Reason {
  /** The setting that is the reason. */
  readonly field: string;
  readonly feeds: number;
  readonly entries: number;
  readonly text: string;
}

interface DiffParts {
  readonly before: Publication;
  readonly after: Publication;
  /** Missing where the data folder was never served. */
  readonly store: StoredFeeds | undefined;
  readonly at: Instant;
}

/** Feeds of a page of the list of all. */
const PAGE = 500;

export async function diffPublications({ before, after, store, at }: DiffParts): Promise<PublicationDiff> {
  const listed = store === undefined ? [] : await allFeeds(store, at);
  const totals = new Map(listed.map(({ key, articles }) => [key, articles]));
  const shown = (key: FeedKey, publication: Publication, count = totals.get(key) ?? 0) =>
    Math.min(count, describeFeed(key, '', publication).entries);
  const members = store === undefined ? undefined : createMembers(store, at);
  const rules = { before: rulesOf(before), after: rulesOf(after) };
  const moves = new Map(after.retired.map(({ feed, movedTo }) => [feed, movedTo ?? null]));

  const come: { feed: FeedKey; entries: number }[] = [];
  const change: ChangedFeed[] = [];
  for (const [feed, select] of rules.after) {
    const known = rules.before.get(feed);
    const { entries } = describeFeed(feed, '', after);
    if (known === undefined) come.push({ feed, entries: (await members?.newest(select, entries))?.length ?? 0 });
    else if (!isDeepStrictEqual(known, select) && members !== undefined)
      change.push({
        feed,
        ...differenceOf(
          await members.ofFeed(feed, describeFeed(feed, '', before).entries),
          await members.newest(select, entries),
        ),
      });
  }
  const retired = { before: retiredIn(before), after: retiredIn(after) };
  // Articles name the others: they exist unless they are retired.
  const named = listed.map(({ key }) => key).filter((key) => !rules.before.has(key) && !rules.after.has(key));
  for (const feed of named)
    if (retired.before.has(feed) && !retired.after.has(feed)) come.push({ feed, entries: shown(feed, after) });
  const goes = [
    ...[...rules.before.keys()].filter((feed) => !rules.after.has(feed)),
    ...named.filter((feed) => retired.after.has(feed) && !retired.before.has(feed)),
  ];
  const go = goes.map((feed) => {
    const leadsTo = moves.get(feed);
    return { feed, entries: shown(feed, before), ...(leadsTo === undefined ? {} : { leadsTo }) };
  });
  // Who reads a feed that goes, or that redirects, gets nothing of it again.
  const gone = new Set([...goes, ...retired.before, ...retired.after]);
  const staying = listed.filter(({ key }) => !gone.has(key));
  const changedIds = staying.filter(({ key }) => feedId(key, before.url) !== feedId(key, after.url));
  const reasons = [
    ...hostReasons({ before, after, listed: staying, shown }),
    ...(await moveReasons({ before, after, members, come })),
    ...change.map(arrivals),
    ...sizeReasons({ before, after, listed: staying, shown, changed: new Set(change.map(({ feed }) => feed)) }),
  ].filter(isMet);
  return {
    come,
    go,
    change,
    settings: changedSettings(before, after),
    restart: restartProblems(before, after).map(({ field }) => field),
    ids: { stories: totals.get(LATEST) ?? 0, changedStories: 0, changedFeeds: changedIds.length },
    again: { entries: totalOf(reasons), reasons },
  };
}

/** A data folder that was never served has no entries that a reader could see again. */
function isMet({ entries }: Reason): boolean {
  return entries > 0;
}

/** A change of both addresses shows an entry again once. */
function totalOf(reasons: readonly Reason[]): number {
  const isOfHost = ({ field }: Reason) => field === 'feedsUrl' || field === 'url';
  const [first, ...others] = reasons.filter(isOfHost);
  const counted = reasons.filter((reason) => reason === first || !others.includes(reason));
  return counted.reduce((sum, { entries }) => sum + entries, 0);
}

async function allFeeds(store: StoredFeeds, at: Instant): Promise<ListedFeed[]> {
  const all: ListedFeed[] = [];
  for (let after: FeedKey | undefined = ''; after !== undefined; ) {
    const { feeds, next }: Awaited<ReturnType<StoredFeeds['listFeeds']>> = await store.listFeeds({
      after,
      limit: PAGE,
      at,
    });
    all.push(...feeds);
    after = next;
  }
  return all;
}

function rulesOf({ feeds }: Publication): ReadonlyMap<FeedKey, Selection> {
  return new Map(feeds.map(({ id, select: { any, all, none } }) => [id, { any, all, none }]));
}

function retiredIn({ retired }: Publication): ReadonlySet<FeedKey> {
  return new Set(retired.map(({ feed }) => feed));
}

/** Selects visible articles as the store would, without a change to it. Articles are numbers, newest first. */
function createMembers(store: StoredFeeds, at: Instant) {
  const known = new Map<FeedKey, readonly number[]>();
  let ranks: ReadonlyMap<number, number> | undefined;

  async function inFeed(key: FeedKey): Promise<readonly number[]> {
    const read = known.get(key);
    if (read !== undefined) return read;
    const snapshot = await store.snapshot(key, at, { limit: Number.MAX_SAFE_INTEGER, tombstonesFor: 0 });
    const numbers = snapshot?.entries.map(({ number }) => number) ?? [];
    known.set(key, numbers);
    return numbers;
  }

  return {
    ofFeed: async (key: FeedKey, most: number) => (await inFeed(key)).slice(0, most),
    /** The newest articles that a rule selects. */
    async newest({ any, all, none }: Selection, most: number): Promise<readonly number[]> {
      const groups = [...all.map((key) => [key]), ...(any.length > 0 ? [any] : [])];
      const wanted = groups.length > 0 ? groups : [[LATEST]];
      const named = [...new Set([...wanted.flat(), ...none])];
      const articles = await Promise.all(named.map(async (key) => Float64Array.from(await inFeed(key)).sort()));
      const numbersOf = (keys: readonly FeedKey[]) => keys.map((key) => named.indexOf(key));
      const selected = selectArticles(
        { groups: wanted.map(numbersOf), none: numbersOf(none) },
        (index) => articles[index] ?? new Float64Array(),
      );
      ranks ??= new Map((await inFeed(LATEST)).map((number, rank) => [number, rank]));
      const rankOf = (number: number) => ranks?.get(number) ?? 0;
      return [...selected].sort((one, other) => rankOf(one) - rankOf(other)).slice(0, most);
    },
  };
}

type Members = ReturnType<typeof createMembers>;

function differenceOf(before: readonly number[], after: readonly number[]) {
  const [old, next] = [new Set(before), new Set(after)];
  return {
    before: before.length,
    after: after.length,
    arriving: after.filter((number) => !old.has(number)).length,
    leaving: before.filter((number) => !next.has(number)).length,
  };
}

interface ReasonParts {
  readonly before: Publication;
  readonly after: Publication;
  /** The feeds that readers have, and keep. */
  readonly listed: readonly ListedFeed[];
  /** The entries in the current document of a feed. */
  readonly shown: (key: FeedKey, publication: Publication) => number;
}

function hostReasons({ before, after, listed, shown }: ReasonParts): Reason[] {
  const entries = listed.reduce((sum, { key }) => sum + shown(key, before), 0);
  const all = { feeds: listed.length, entries };
  const reasons: Reason[] = [];
  if (addressOf(before) !== addressOf(after))
    reasons.push({
      field: 'feedsUrl',
      ...all,
      text: `All feeds move from ${addressOf(before)} to ${addressOf(after)}. Redirect every old address with 308: a reader that has to subscribe anew gets every story again.`,
    });
  if (before.url !== after.url)
    reasons.push({
      field: 'url',
      ...all,
      text: `The ids of feeds in Atom begin with ${after.url} instead of ${before.url}. A reader that knows feeds by their ids shows every story again. Stories keep their ids; addresses that records write without a host lead to the new one.`,
    });
  return reasons;
}

/** The address of publication.yaml, not that of this machine instead. */
function addressOf({ feedsUrl, reservedUrl = feedsUrl }: Publication): string {
  return reservedUrl;
}

interface MoveParts extends Pick<ReasonParts, 'before' | 'after'> {
  readonly members: Members | undefined;
  readonly come: readonly { readonly feed: FeedKey }[];
}

/** Feeds whose readers are led to another one, and feeds that come in the place of one that goes. */
async function moveReasons({ before, after, members, come }: MoveParts): Promise<Reason[]> {
  const known = new Set(before.retired.map(({ feed }) => feed));
  const retired = after.retired.filter(({ feed }) => !known.has(feed));
  const rules = { before: rulesOf(before), after: rulesOf(after) };
  const reasons: Reason[] = [];
  for (const { feed, movedTo } of retired) {
    if (movedTo === undefined || members === undefined) continue;
    const { entries: most } = describeFeed(movedTo, '', after);
    const select = rules.after.get(movedTo);
    const target = await (select === undefined ? members.ofFeed(movedTo, most) : members.newest(select, most));
    const source = await members.ofFeed(feed, describeFeed(feed, '', before).entries);
    const { arriving } = differenceOf(source, target);
    const text = `Readers of ${feed} are led to ${movedTo}, which has ${arriving === 1 ? '1 other entry' : `${arriving} other entries`}. A reader that takes it for a new feed, by its address or its id, shows every story again.`;
    reasons.push({ field: 'retired', feeds: 1, entries: target.length, text });
  }
  const led = new Set(after.retired.map(({ feed }) => feed));
  for (const [feed, select] of rules.before) {
    if (rules.after.has(feed) || led.has(feed) || members === undefined) continue;
    const renamed = come.find((other) => isDeepStrictEqual(rules.after.get(other.feed), select));
    if (renamed === undefined) continue;
    const entries = (await members.newest(select, describeFeed(renamed.feed, '', after).entries)).length;
    const text = `${renamed.feed} has the rule of ${feed}, whose readers get 404. A reader that subscribes anew gets every story again: list ${feed} under retired, with movedTo: ${renamed.feed}.`;
    reasons.push({ field: 'feeds', feeds: 1, entries, text });
  }
  return reasons;
}

function arrivals({ feed, arriving }: ChangedFeed): Reason {
  const text = `${feed} gets other stories by its new rule, which its readers see as new.`;
  return { field: 'feeds', feeds: 1, entries: arriving, text };
}

/** Longer documents show older stories, which readers take for new ones. */
function sizeReasons({
  before,
  after,
  listed,
  shown,
  changed,
}: ReasonParts & { readonly changed: ReadonlySet<FeedKey> }): Reason[] {
  const longer = listed.flatMap(({ key }) => {
    const more = changed.has(key) ? 0 : shown(key, after) - shown(key, before);
    return more > 0 ? [more] : [];
  });
  if (longer.length === 0) return [];
  const entries = longer.reduce((sum, more) => sum + more, 0);
  const text = `Longer documents of ${counted(longer.length, 'feed')}: readers see older stories as new.`;
  return [{ field: 'entries', feeds: longer.length, entries, text }];
}

function changedSettings(before: Publication, after: Publication): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const settingOf = (publication: Publication, name: string) => Reflect.get(publication, name) as unknown;
  return [...names]
    .filter((name) => name !== 'feeds' && name !== 'reservedUrl')
    .filter((name) => {
      if (name === 'feedsUrl') return addressOf(before) !== addressOf(after);
      return !isDeepStrictEqual(settingOf(before, name), settingOf(after, name));
    })
    .concat(changedFeedSettings(before, after))
    .sort();
}

function settingOf(feed: CustomFeed, name: (typeof FEED_SETTINGS)[number]) {
  return feed[name] ?? (name === 'content' ? 'full' : undefined);
}

const FEED_SETTINGS = ['title', 'description', 'language', 'entries', 'content'] as const;

/** `feeds.rivers.title`, of feeds that stay. Their rules are a part of their own. */
function changedFeedSettings(before: Publication, after: Publication): string[] {
  const known = new Map(before.feeds.map((feed) => [feed.id, feed]));
  return after.feeds.flatMap((feed) => {
    const old = known.get(feed.id);
    if (old === undefined) return [];
    return FEED_SETTINGS.filter((name) => settingOf(old, name) !== settingOf(feed, name)).map(
      (name) => `feeds.${feed.id}.${name}`,
    );
  });
}
