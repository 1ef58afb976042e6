import type { Article } from '../article/article.ts';
import type { Partner } from '../config/partners.ts';
import type { FeedKey } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import type { Ending, FormerMembership, PartnerEnding, Stay } from '../store/partner-store.ts';
import { feedsOf } from './addresses.ts';
import { hasRights, isFor } from './verdict.ts';

/** What a story is in the eyes of a partner at a moment. */
export type Standing =
  /** The partner may not know of it: it has not appeared yet, never did, or is not for this partner. */
  | { readonly kind: 'absent' }
  /** @property since when it appeared for the partner */
  | { readonly kind: 'visible'; readonly since: Instant }
  | ({ readonly kind: 'taken-back' } & Lost)
  /** With its dates, it was over when it would have appeared. With earlier dates, the partner may have seen it. */
  | ({ readonly kind: 'over' } & Lost)
  /** It was in feeds of the partner, and is in none of them any more, or not for this partner. */
  | ({ readonly kind: 'left' } & Lost & Left);

interface Lost {
  readonly since: Instant;
  readonly at: Instant;
  readonly ending: Ending | PartnerEnding;
}

interface Left {
  readonly leftAt: Instant;
  readonly leftRevision: number;
  /** When a feed of the partner lost the story last, for others as well: then the store lists it. */
  readonly listedAt: Instant;
  /** With the dates that it had last, it was over when it would have appeared. */
  readonly wasOver: boolean;
}

const ABSENT: Standing = { kind: 'absent' };

type Eyes = Pick<Partner, 'id' | 'delay' | 'urgency'>;

/** Whose eyes they are. */
type Viewer = Eyes & Pick<Partner, 'retention' | 'feeds' | 'select'>;

/** What of a story decides which partners may have it, and when. */
export type Dated = Pick<Article, 'publishedAt' | 'expiresAt' | 'withdrawn' | 'rights' | 'urgency'>;

/** A story, and the feeds that have it now and had it before. */
export interface Whereabouts {
  readonly article: Dated;
  readonly members: readonly FeedKey[];
  readonly former: readonly FormerMembership[];
}

/** The standing of a story for a partner. It is licensed as long as one feed of the partner has it. */
export function standingOf({ article, members, former }: Whereabouts, partner: Viewer, at: Instant): Standing {
  const keys = keysOf(partner);
  if (members.some((key) => keys.has(key)) && isFor(article, partner)) return standingInFeeds(article, partner, at);
  const left = former.filter((one) => keys.has(one.feed) && licensedStays(one, partner).length > 0);
  return left.length === 0 ? ABSENT : standingOutside(article, { partner, left, at });
}

const keys = new WeakMap<Viewer, ReadonlySet<FeedKey>>();

/** The keys of the partner's feeds: there may be a thousand. */
function keysOf(partner: Viewer): ReadonlySet<FeedKey> {
  const known = keys.get(partner) ?? new Set(feedsOf(partner).map(({ key }) => key));
  keys.set(partner, known);
  return known;
}

/** The stays in which a partner could see the story in a feed, by the dates that the story had at their end. */
export function staysFor(former: Pick<FormerMembership, 'stays'>, partner: Eyes): readonly Stay[] {
  return licensedStays(former, partner).filter(
    ({ publishedAt, until, endsAt = Number.POSITIVE_INFINITY }) =>
      publishedAt + partner.delay <= until && publishedAt + partner.delay < endsAt,
  );
}

/**
 * These, and stays in which the story was over when it would have appeared: with earlier dates, the partner may have seen it. So it
 * may before a withdrawal that was dated back, if only to its second.
 */
function licensedStays({ stays }: Pick<FormerMembership, 'stays'>, partner: Eyes): readonly Stay[] {
  return stays.filter(({ publishedAt, leftAt, partners, urgency }) => {
    const story = { ...(urgency !== undefined && { urgency }), ...(partners && { rights: { partners } }) };
    return publishedAt + partner.delay <= leftAt && isFor(story, partner);
  });
}

function standingInFeeds(article: Dated, partner: Viewer, at: Instant): Standing {
  const since = article.publishedAt + partner.delay;
  if (since > at) return ABSENT;
  const { withdrawn } = article;
  // A withdrawal may be dated up to two seconds ahead: it counts from the change on.
  if (withdrawn !== undefined && withdrawn.at >= since)
    return {
      ...lost(since, Math.min(withdrawn.at, at), 'withdrawn'),
      kind: isOver(article, since) ? 'over' : 'taken-back',
    };
  if (withdrawn !== undefined) return { kind: 'over', ...lost(since, since, 'withdrawn') };
  const end = endByTime(article);
  if (end === undefined || end.at > at) return { kind: 'visible', since };
  if (end.at <= since) return { kind: 'over', ...lost(since, since, end.ending) };
  return { kind: 'taken-back', ...lost(since, end.at, end.ending) };
}

interface Outside {
  readonly partner: Viewer;
  /** The feeds of the partner that had the story for it. */
  readonly left: readonly FormerMembership[];
  readonly at: Instant;
}

/** A later end of the story counts as well, as long as the partner may remember the story. */
function standingOutside(article: Dated, { partner, left, at }: Outside): Standing {
  const seen = left.flatMap((one) => licensedStays(one, partner));
  const { leftAt, leftRevision } = seen.reduce((one, other) => (other.leftRevision > one.leftRevision ? other : one));
  const listedAt = left.reduce((last, one) => Math.max(last, one.leftAt), 0);
  const lostAt = seen.reduce((latest, stay) => Math.max(latest, seenUntil(stay)), 0);
  const since = seen.reduce((first, { publishedAt }) => Math.min(first, publishedAt + partner.delay), leftAt);
  const wasOver = left.every((one) => staysFor(one, partner).length === 0);
  const known = { kind: 'left', since, leftAt, leftRevision, listedAt, wasOver } as const;
  const end = endOf(article, at);
  const goneAt = goneFrom(seen);
  if (end !== undefined && end.at < goneAt + partner.retention && (end.isChange || end.at >= lostAt))
    return { ...known, at: Math.min(Math.max(end.at, lostAt), at), ending: end.ending };
  return { ...known, at: goneAt, ending: hasRights(article, partner) ? 'moved' : 'rights-changed' };
}

/** When the last of these stays ended. A story that was withdrawn when it left had been lost before. */
export function goneFrom(stays: readonly Stay[]): Instant {
  return stays.reduce((last, { until }) => Math.max(last, until), 0);
}

function seenUntil({ until, endsAt = Number.POSITIVE_INFINITY }: Stay): Instant {
  return Math.min(until, endsAt);
}

/** How a story has ended for everybody; undefined where it goes on. */
function endOf(article: Dated, at: Instant): { at: Instant; ending: Ending; isChange: boolean } | undefined {
  const { withdrawn } = article;
  if (withdrawn !== undefined) return { at: withdrawn.at, ending: 'withdrawn', isChange: true };
  const end = endByTime(article);
  return end === undefined || end.at > at ? undefined : { ...end, isChange: false };
}

function lost(since: Instant, at: Instant, ending: Ending): Lost {
  return { since, at, ending };
}

/** Whether time had taken the story before it would have appeared. */
function isOver(article: Dated, since: Instant): boolean {
  const end = endByTime(article);
  return end !== undefined && end.at <= since;
}

/** When time alone gave a story, which is not withdrawn, the standing that it has. */
export function changedByTimeAt(standing: Standing): Instant | undefined {
  if (standing.kind === 'visible') return standing.since;
  return standing.kind === 'taken-back' || standing.kind === 'left' ? standing.at : undefined;
}

/** The first moment at which time takes the story from partners. */
export function endByTime({
  expiresAt,
  rights,
}: Pick<Article, 'expiresAt' | 'rights'>): { at: Instant; ending: Ending } | undefined {
  const endsAt = rights?.endsAt;
  if (expiresAt === undefined || (endsAt !== undefined && endsAt < expiresAt))
    return endsAt === undefined ? undefined : { at: endsAt, ending: 'rights-ended' };
  return { at: expiresAt, ending: 'expired' };
}
