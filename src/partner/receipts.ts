import { setImmediate as pendingEvents } from 'node:timers/promises';
import type { Article } from '../article/article.ts';
import type { Partner } from '../config/partners.ts';
import type { FeedKey } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import type { Coverage, DeliveryStore, RecordedDelivery, WholeOptions } from '../store/delivery-store.ts';
import {
  DATED_AHEAD,
  type FormerMembership,
  type PartnerEnding,
  type PartnerStore,
  type Stay,
  type SyndicationEnd,
} from '../store/partner-store.ts';
import type { Store, StoredArticle } from '../store/store.ts';
import { CHANGES, feedsOf } from './addresses.ts';
import { staysFor } from './standing.ts';
import { storyRefusal } from './story-refusal.ts';
import { hasRights, isFor } from './verdict.ts';

const DAY = 24 * 60 * 60 * 1000;
/** Milliseconds of work, after which others come. */
const SLICE = 10;
/** The least revision of a document that has anything. */
const ANY_REVISION = 1;

/**
 * What is known of a partner that has not fetched a document that carries a withdrawal. `not listed`: the partner has fetched
 * documents since, and none of them had room for it.
 */
export const UNSEEN = ['not seen', 'not listed', 'never fetched', 'not recorded'] as const;
export type Unseen = (typeof UNSEEN)[number];

/** Whether a partner has fetched a document that carries a withdrawal or a correction. */
export type Receipt =
  | {
      readonly state: 'seen';
      readonly partner: string;
      readonly at: Instant;
      readonly key: string;
      readonly feed: string;
    }
  | { readonly state: Unseen; readonly partner: string }
  /** The corrected story breaks a rule of the partner's dialect: no document of the partner has the correction. */
  | { readonly state: 'left out'; readonly partner: string; readonly rule: string }
  /** The partner's documents carry it no more. What was known when the retention ended stays. */
  | { readonly state: 'expired'; readonly partner: string; readonly known: Unseen };

/** A withdrawal, the end of a licence or a correction, with the receipts of all partners that could have the story. */
export interface TrackedEnd extends Omit<SyndicationEnd, 'ending'> {
  /** `rights-changed` where the story goes on for other partners alone. */
  readonly ending: SyndicationEnd['ending'] | Exclude<PartnerEnding, 'rule'>;
  /** Empty where the article was erased. */
  readonly title: string;
  readonly url: string;
  /** The note of a correction. */
  readonly note?: string;
  /** The reason of a withdrawal. */
  readonly reason?: string;
  readonly receipts: readonly Receipt[];
}

export interface ReceiptParts {
  readonly store: Pick<Store, 'articles' | 'memberships' | 'history'> & Pick<PartnerStore, 'formerMemberships'>;
  readonly record: Pick<DeliveryStore, 'firstWhole' | 'coverage'>;
  readonly partners: readonly Partner[];
  /** Days for which deliveries are recorded. */
  readonly deliveryDays: number;
}

/** Finds the receipts of some ends. Others come in between. */
export async function receiptsOf(
  ends: readonly SyndicationEnd[],
  parts: ReceiptParts,
  at: Instant,
): Promise<{ readonly ends: readonly TrackedEnd[]; readonly through: Instant }> {
  const { store, record } = parts;
  const articles = new Map((await store.articles(ends.map(({ number }) => number))).map((each) => [each.number, each]));
  const earliest = ends.reduce((least, { publishedAt }) => Math.min(least, publishedAt), at);
  const coverage = await record.coverage(earliest);
  const context = { ...parts, coverage, at, pause: createPause() };
  const tracked: TrackedEnd[] = [];
  for (const end of ends) {
    const stored = articles.get(end.number);
    const article = stored?.article;
    const members = await store.memberships(end.number);
    const former = await store.formerMemberships(end.number);
    const story = { members, former, article };
    const search = await searchFor(end, store);
    const receipts: Receipt[] = [];
    for (const partner of parts.partners) {
      const feeds = couldHave(partner, end, story);
      if (feeds.length === 0) continue;
      const rule = stored && (await ruleAgainst(stored, end, partner));
      if (rule !== undefined) receipts.push({ state: 'left out', partner: partner.id, rule });
      else receipts.push(await receiptOf(partner, wantedBy(partner, { end, search, feeds }, story), context));
      await context.pause();
    }
    tracked.push({ ...end, ...described(end, article), ending: endingOf(end, { article, receipts }), receipts });
  }
  return { ends: tracked, through: coverage.through };
}

function endingOf(
  { ending }: SyndicationEnd,
  { article, receipts }: { readonly article: Article | undefined; readonly receipts: readonly Receipt[] },
): TrackedEnd['ending'] {
  const isExcluded = ({ partner }: Receipt) => article !== undefined && !hasRights(article, { id: partner });
  return ending === 'moved' && receipts.length > 0 && receipts.every(isExcluded) ? 'rights-changed' : ending;
}

function described(
  { ending }: SyndicationEnd,
  article: Article | undefined,
): Pick<TrackedEnd, 'title' | 'url' | 'note' | 'reason'> {
  const { title = '', url = '', correction, withdrawn } = article ?? {};
  const note = ending === 'corrected' ? correction?.note : undefined;
  const reason = ending === 'withdrawn' ? withdrawn?.reason : undefined;
  return { title, url, ...(note === undefined ? {} : { note }), ...(reason === undefined ? {} : { reason }) };
}

/** The rule of a dialect that leaves out a corrected story: the partner gets no document with the correction. */
async function ruleAgainst(
  stored: StoredArticle,
  { ending, at }: SyndicationEnd,
  partner: Partner,
): Promise<string | undefined> {
  if (ending !== 'corrected') return undefined;
  const { DIALECTS_BY_NAME } = await import('../format/dialect/registry.ts'); // a service without partners loads no dialect
  return storyRefusal(stored, { partner, dialect: DIALECTS_BY_NAME[partner.dialect], at })?.rule;
}

function createPause(): () => Promise<void> {
  let began = performance.now();
  return async () => {
    if (performance.now() - began < SLICE) return;
    await pendingEvents();
    began = performance.now();
  };
}

interface Story {
  readonly members: readonly FeedKey[];
  readonly former: readonly FormerMembership[];
  readonly article: Article | undefined;
}

/**
 * The names of the feeds with which a partner could have a story before it ended for the partner; none if it could not. The
 * rules of the partner's dialect do not matter here.
 */
export function couldHave(
  partner: Partner,
  end: Pick<SyndicationEnd, 'publishedAt' | 'at' | 'ending'>,
  { members, former, article }: Story,
): string[] {
  const { publishedAt, at, ending } = end;
  const feeds = feedsOf(partner);
  const isLicensed = isFor(article ?? {}, partner) && publishedAt + partner.delay <= at;
  const own = isLicensed ? feeds.filter(({ key }) => members.includes(key)) : [];
  const left = former.filter((one) => feeds.some(({ key }) => key === one.feed) && staysFor(one, partner).length > 0);
  if (ending === 'moved' && (own.length > 0 || !isLostBy(left, { partner, at }))) return [];
  const isRemembered = (one: FormerMembership) =>
    ending === 'moved' || at < leftFor(one, partner).leftAt + partner.retention;
  const remembered = ending === 'corrected' ? [] : left.filter(isRemembered);
  const had = feeds.filter((feed) => own.includes(feed) || remembered.some((one) => one.feed === feed.key));
  return had.length === 0 ? [] : [...had.map(({ name }) => name), CHANGES];
}

/** The last stay in which the partner could see the story in a feed. */
function leftFor(former: FormerMembership, partner: Partner): Left {
  return staysFor(former, partner).reduce(laterStay, { leftAt: 0, leftRevision: 0 });
}

type Left = Pick<Stay, 'leftAt' | 'leftRevision'>;

function laterStay(one: Left, other: Left): Left {
  return other.leftRevision > one.leftRevision ? other : one;
}

/** A story that left feeds may have left this partner earlier than others. */
function wantedBy(partner: Partner, { end, search, feeds }: Tracked, story: Story): Wanted {
  if (end.ending !== 'moved') return { end, search, reaches: reachesOf(partner, end, feeds, story) };
  const keys = new Set<FeedKey>(feedsOf(partner).map(({ key }) => key));
  const own = story.former.filter(({ feed }) => keys.has(feed)).map((one) => leftFor(one, partner));
  const { leftAt: at, leftRevision: revision } = own.reduce(laterStay, { leftAt: 0, leftRevision: 0 });
  const lost = { ...end, at, revision };
  const lostSearch = { revision, endedAt: at, isByTime: false };
  return { end: lost, search: lostSearch, reaches: reachesOf(partner, lost, feeds, story) };
}

interface Tracked {
  readonly end: SyndicationEnd;
  readonly search: Search;
  /** The names of the feeds that may have the story. */
  readonly feeds: readonly string[];
}

/** Whether the partner lost the story at that moment by the change, or before: not by an earlier withdrawal. */
function isLostBy(
  left: readonly FormerMembership[],
  { partner, at }: { readonly partner: Partner; readonly at: Instant },
): boolean {
  const last = left.reduce((latest, { leftAt }) => Math.max(latest, leftAt), 0);
  return last === at && left.some((one) => staysFor(one, partner).some(({ until, leftAt }) => until === leftAt));
}

/** What a document must be to carry an end. */
interface Search {
  /** A document with that revision carries it. */
  readonly revision: number;
  /** From that moment on nobody gets the story: a change may date the end back. */
  readonly endedAt: Instant;
  /** Whether every document from that moment on carries it. */
  readonly isByTime: boolean;
}

/** The withdrawal itself may be older than the revision of the article, which an erasure raises. */
async function searchFor({ id, ending, revision, at }: SyndicationEnd, store: Pick<Store, 'history'>): Promise<Search> {
  const history = await store.history(id);
  if (ending !== 'withdrawn') {
    if (ending === 'moved') return { revision, endedAt: at, isByTime: false };
    const endedAt = Math.max(at, history.at(-1)?.at ?? at);
    return { revision, endedAt, isByTime: ending !== 'corrected' };
  }
  const change = history[history.findLastIndex(({ status }) => status !== 'withdrawn') + 1];
  return { revision: change?.revision ?? revision, endedAt: Math.max(at, change?.at ?? at), isByTime: false };
}

interface Context extends ReceiptParts {
  readonly coverage: Coverage;
  readonly at: Instant;
}

interface Wanted {
  readonly end: SyndicationEnd;
  readonly search: Search;
  readonly reaches: readonly WantedReach[];
}

/** Feeds that may have a story, and what their documents must reach to carry its end. */
interface WantedReach extends Pick<WholeOptions, 'story' | 'end'> {
  readonly feeds: readonly string[];
}

/**
 * A full document of a feed that the story has left lists the stories that changed last. Time changes no story: it lists one that
 * time ended only if it reaches back to when the story left.
 */
function reachesOf(
  partner: Partner,
  end: SyndicationEnd,
  names: readonly string[],
  { members, former, article }: Story,
): readonly WantedReach[] {
  const { at, number, publishedAt, ending } = end;
  if (ending === 'corrected') return [{ feeds: names, story: publishedAt }];
  const isByTime = ending === 'expired' || ending === 'rights-ended';
  const isHere = (key: FeedKey) => members.includes(key) && isFor(article ?? {}, partner);
  const left = feedsOf(partner).flatMap(({ name, key }): WantedReach[] => {
    const last = isByTime && names.includes(name) && !isHere(key) ? former.find(({ feed }) => feed === key) : undefined;
    return last === undefined ? [] : [{ feeds: [name], end: { at: Math.min(at, last.leftAt), number } }];
  });
  const others = names.filter((name) => !left.some(({ feeds }) => feeds.includes(name)));
  return [{ feeds: others, end: { at, number } }, ...left];
}

async function receiptOf(partner: Partner, wanted: Wanted, context: Context): Promise<Receipt> {
  const { end } = wanted;
  const expiresAt = end.at + partner.retention;
  const to = Math.min(context.at, expiresAt);
  const seen = await firstCarrying(partner.id, wanted, { record: context.record, to });
  if (seen !== undefined) {
    const { at, key, feed } = seen;
    return { state: 'seen', partner: partner.id, at, key, feed };
  }
  const known = await unseen(partner, { ...wanted, to }, context);
  if (context.at < expiresAt) return { state: known, partner: partner.id };
  return { state: 'expired', partner: partner.id, known };
}

interface Limits {
  readonly record: ReceiptParts['record'];
  readonly to: Instant;
}

async function firstCarrying(
  partner: string,
  { end, search, reaches }: Wanted,
  { record, to }: Limits,
): Promise<RecordedDelivery | undefined> {
  const { revision, endedAt, isByTime } = search;
  const from = end.at - DATED_AHEAD;
  const found: (RecordedDelivery | undefined)[] = [];
  for (const { feeds, ...reached } of reaches) {
    found.push(await record.firstWhole({ partner, feeds, from, to, revision, ...reached }));
    const documents = feeds.filter((feed) => feed !== CHANGES);
    if (isByTime) found.push(await record.firstWhole({ partner, feeds: documents, from: endedAt, to, ...reached }));
  }
  // The last page of the change feed carries all that time has changed; one that is not the last has no revision.
  const last = { feeds: [CHANGES], from: endedAt, to, revision: ANY_REVISION };
  if (isByTime) found.push(await record.firstWhole({ partner, ...last }));
  return found.reduce(earlier, undefined);
}

function earlier(one: RecordedDelivery | undefined, other: RecordedDelivery | undefined): RecordedDelivery | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return other.at < one.at ? other : one;
}

async function unseen(
  { id, delay }: Partner,
  { end, search, reaches, to }: Wanted & { readonly to: Instant },
  { record, coverage: { gaps, since }, at, deliveryDays }: Context,
): Promise<Unseen> {
  const feeds = reaches.flatMap((each) => each.feeds);
  const oldest = at - deliveryDays * DAY;
  const isRecorded = (from: Instant, until: Instant) =>
    from >= oldest && !gaps.some((gap) => gap.from <= until && gap.to >= from);
  // Before the first recording there was no partner.
  const appeared = Math.max(end.publishedAt + delay, Math.min(since ?? 0, end.at));
  if (isRecorded(appeared, search.endedAt)) {
    const fetched = await record.firstWhole({ partner: id, feeds, from: appeared, to: search.endedAt });
    if (fetched === undefined) return 'never fetched';
  }
  if (!isRecorded(end.at, to)) return 'not recorded';
  const later = { partner: id, feeds, from: end.at - DATED_AHEAD, to, revision: search.revision };
  return (await record.firstWhole(later)) === undefined ? 'not seen' : 'not listed';
}
