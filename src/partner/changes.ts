import { hash } from 'node:crypto';
import type { Article } from '../article/article.ts';
import type { Partner } from '../config/partners.ts';
import type { FeedKey } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { createRest } from '../lib/rest.ts';
import type { ArticleEvent, Ending, FormerMembership, PartnerEnding } from '../store/partner-store.ts';
import type { AuditEntry, StoredArticle } from '../store/store.ts';
import { feedsOf } from './addresses.ts';
import type { Position } from './change-cursor.ts';
import { type ChangeReads, type ChangeStore, createChangeReads } from './change-reads.ts';
import { type LastChange, lastChangeIn } from './last-change.ts';
import { changedByTimeAt, type Standing, standingOf, type Whereabouts } from './standing.ts';

/** What a partner learns of a story. */
export interface PartnerChange {
  readonly change: 'published' | 'corrected' | 'withdrawn';
  /** When it happened for this partner. */
  readonly at: Instant;
  readonly stored: StoredArticle;
  /** Why the partner loses the story. */
  readonly reason?: Ending | PartnerEnding;
  /** In words: the reason of a withdrawal, the note of a correction, or the rule of the dialect that the story breaks. */
  readonly note?: string;
  /** The story has left the partner's feeds: the partner has no licence for its present words. */
  readonly hasLeft?: true;
  /** When the story itself changed. */
  readonly last?: LastChange;
}

/** What changed for a partner after a position, oldest first. */
export interface ChangePage {
  readonly changes: readonly PartnerChange[];
  /** The position behind the page. */
  readonly position: Position;
  /** Whether the next page is there already. It may be empty: the changes behind this page may be of other partners. */
  readonly hasMore: boolean;
}

interface ChangeFeedParts {
  readonly store: ChangeStore;
  readonly now: () => Instant;
  /** The rule of level `refuse` that leaves a story out of the partner's feeds, in words; undefined where there is none. */
  readonly refusalOf: (stored: StoredArticle, partner: Partner, at: Instant) => string | undefined;
  /** Milliseconds of a monotonic clock. */
  readonly clock?: () => number;
}

export interface ChangeFeed {
  /** The position before all stories of the partner's retention: those that it can see now, and those that it lost. */
  readonly begin: (partner: Partner) => Promise<Position>;
  /** @param reads those that other partners may share */
  readonly page: (partner: Partner, from: Position, limit: number, reads?: ChangeReads) => Promise<ChangePage>;
}

/** Changes that are read together. */
const BATCH = 50;
/** Changes to read for one page at most: most may be of stories that other partners get. */
const MOST_READ = 10_000;
/** The keys of a partner's feeds in the store. */
export function feedKeysOf(partner: Partner): readonly FeedKey[] {
  return feedsOf(partner).map(({ key }) => key);
}

/**
 * The change feed of partners: what was published, corrected and withdrawn, from the articles alone. Nothing is kept for a
 * partner, so that a change costs nothing until somebody asks for it.
 *
 * A position is a revision and a moment. What comes after it has two parts: first, what time alone changed since that moment
 * in articles up to that revision; then the articles with greater revisions, as they are now. An article that the partner
 * may not see yet is passed over: time brings it into the first part later.
 */
export function createChangeFeed(parts: ChangeFeedParts): ChangeFeed {
  const { store, now, clock } = parts;

  async function begin(partner: Partner): Promise<Position> {
    const time = now() - partner.retention;
    const revision = await store.lastRevision();
    const { delay } = partner;
    const read = { readAt: time, readRevision: revision };
    return { revision, time, number: 0, ...read, isBeginning: true, delay, selection: selectionOf(partner) };
  }

  async function page(
    partner: Partner,
    from: Position,
    limit: number,
    reads: ChangeReads = createChangeReads(store),
  ): Promise<ChangePage> {
    const at = now();
    const keys = new Set(feedKeysOf(partner));
    const changes: PartnerChange[] = [];
    let position = asConfigured(from, partner, at);
    let read = 0;
    const rest = createRest(clock);

    /** Adds what the partner learns of these events; false where the page is full before the last one. */
    async function take(
      events: readonly ArticleEvent[],
      see: See,
      pass: (event: ArticleEvent) => Position,
    ): Promise<boolean> {
      for (const [event, known] of await knownOf(events, keys, reads)) {
        await rest();
        const change = known && (await see(event, known));
        if (change !== undefined && changes.length === limit) return false;
        if (change !== undefined) changes.push({ ...change, last: await lastChangeOf(change.stored, reads) });
        position = pass(event);
      }
      read += events.length;
      return true;
    }
    const full = () => ({ changes, position, hasMore: true });

    const context: Context = { partner, at, reads, refusalOf: parts.refusalOf };
    if (position.isBeginning) await requireFilled(partner, at, reads);
    for (let isLast = false; !isLast; ) {
      if (read >= MOST_READ) return full();
      const events = await nextByTime(partner, position, at, reads);
      isLast = events.length < BATCH;
      const hasRoom = await take(
        events,
        (event, known) => seenByTime(event, known, position, context),
        (event) => ({ ...position, time: event.at, number: event.number }),
      );
      if (!hasRoom) return full();
    }
    position = { ...position, time: at, number: 0, isBeginning: false };
    for (let isLast = false; !isLast; ) {
      if (read >= MOST_READ) return full();
      const events = await reads.changedAfter(position.revision, BATCH);
      isLast = events.length < BATCH;
      const hasRoom = await take(
        events,
        (_event, known) => seenInChange(known, position, context),
        (event) => ({ ...position, revision: event.revision }),
      );
      if (!hasRoom) return full();
    }
    return { changes, position: { ...position, readAt: at, readRevision: position.revision }, hasMore: false };
  }

  return { begin, page };
}

async function lastChangeOf({ article, revision }: StoredArticle, reads: ChangeReads): Promise<LastChange> {
  return lastChangeIn(await reads.history(article.id), revision);
}

/** A story that a feed of the partner has, or had. */
interface Known extends Whereabouts {
  readonly article: Article;
  readonly stored: StoredArticle;
}

type See = (event: ArticleEvent, known: Known) => Promise<PartnerChange | undefined>;

interface Context extends Pick<ChangeFeedParts, 'refusalOf'> {
  readonly partner: Partner;
  readonly at: Instant;
  readonly reads: ChangeReads;
}

/** The events, with the articles of those that the partner's feeds have or had, and that have not changed again since. */
async function knownOf(
  events: readonly ArticleEvent[],
  keys: ReadonlySet<FeedKey>,
  reads: ChangeReads,
): Promise<[ArticleEvent, Known | undefined][]> {
  const found = new Map<ArticleEvent, Pick<Whereabouts, 'members' | 'former'>>();
  // Before the articles: an article that has its revision still was in these feeds with that revision.
  for (const event of events) {
    const members = await reads.memberships(event.number);
    const former: readonly FormerMembership[] = await reads.formerMemberships(event.number);
    const isKnown = members.some((key) => keys.has(key)) || former.some(({ feed }) => keys.has(feed));
    if (isKnown) found.set(event, { members, former });
  }
  const articles = new Map((await reads.articles([...found.keys()])).map((stored) => [stored.number, stored]));
  return events.map((event) => {
    const where = found.get(event);
    const stored = articles.get(event.number);
    return [event, where && stored && { ...where, stored, article: stored.article }];
  });
}

/** What happened at a moment after the position, in articles up to its revision. */
function nextByTime(
  { delay }: Partner,
  { revision: upTo, time: from, number }: Position,
  to: Instant,
  reads: ChangeReads,
): Promise<readonly ArticleEvent[]> {
  const within = number === 0 ? {} : { after: number };
  return reads.changedByTime({ from, ...within, to, delay, upTo, limit: BATCH });
}

/** Rejects with `feed_filling` while the store fills the partner's own selection: the beginning would lack stories. */
async function requireFilled(partner: Partner, at: Instant, reads: ChangeReads): Promise<void> {
  const { delay, select } = partner;
  if (select === undefined) return;
  for (const key of feedKeysOf(partner)) await reads.partnerSnapshot(key, at, { limit: 1, delay, retention: 1 });
}

/** What the partner learns of a story because time passed a moment that the story names. */
async function seenByTime(
  event: ArticleEvent,
  known: Known,
  { isBeginning }: Position,
  context: Context,
): Promise<PartnerChange | undefined> {
  const { partner, at } = context;
  const { stored } = known;
  const standing = standingOf(known, partner, at);
  if (standing.kind === 'absent' || standing.kind === 'over') return undefined;
  const { withdrawn } = stored.article;
  // A withdrawal is a change: a reader that has reached the present learns of it as of others.
  if ((withdrawn !== undefined || isOwnEnding(standing)) && !isBeginning) return undefined;
  // A story that appeared and ended since occurs once, at its end.
  const listedAt = isOwnEnding(standing) ? standing.listedAt : changedByTimeAt(standing);
  if (event.at !== (withdrawn?.at ?? listedAt)) return undefined;
  if (isOwnEnding(standing) && standing.at <= at - partner.retention) return undefined;
  if (standing.kind !== 'visible') return takenBack(stored, standing, context);
  const { age = Number.POSITIVE_INFINITY } = partner.window;
  if (isBeginning && standing.since <= at - age) return undefined;
  if (context.refusalOf(stored, partner, at) !== undefined) return undefined;
  return { change: 'published', at: standing.since, stored };
}

/** What the partner learns of a story because its article changed. */
async function seenInChange(known: Known, position: Position, context: Context): Promise<PartnerChange | undefined> {
  const { partner, at, reads, refusalOf } = context;
  const { stored, article } = known;
  const standing = standingSince(position.readAt, known, context);
  if (standing.kind === 'absent') return undefined;
  if (isOwnEnding(standing) && wasRead(standing, position)) return undefined;
  if (standing.kind !== 'visible')
    return standing.at <= at - partner.retention ? undefined : takenBack(stored, standing, context);
  const hasAppeared = standing.since <= position.readAt;
  const history = hasAppeared ? await reads.history(article.id) : [];
  const isKnown = hasAppeared && !isNewSince(history, position, partner.delay);
  const refusal = refusalOf(stored, partner, at);
  const changedAt = history.findLast((entry) => entry.revision <= stored.revision)?.at ?? at;
  const between = (moment: Instant) => clamped(moment, standing.since, at);
  // The partner lost the story with the change, whatever date its record gives the correction.
  if (refusal !== undefined)
    return isKnown ? { change: 'withdrawn', at: between(changedAt), stored, reason: 'rule', note: refusal } : undefined;
  if (!isKnown) return { change: 'published', at: standing.since, stored };
  const corrected = between(article.updatedAt ?? changedAt);
  return omitUndefined({ change: 'corrected' as const, at: corrected, stored, note: article.correction?.note });
}

/**
 * The standing of a story for a partner that has read its change feed at that moment. If the clock was set back since, a story
 * that the partner has seen can be one of the future again: the partner learns of its withdrawal or its leaving now, or
 * never.
 */
function standingSince(readAt: Instant, known: Known, { partner, at }: Context): Standing {
  const standing = standingOf(known, partner, at);
  if (standing.kind !== 'absent' || readAt <= at) return standing;
  const then = standingOf(known, partner, readAt);
  return known.article.withdrawn !== undefined || then.kind === 'left' ? then : standing;
}

/** A story that breaks a rule of the dialect never appeared, unless a correction made it break the rule. */
async function takenBack(
  stored: StoredArticle,
  standing: Extract<Standing, { kind: 'taken-back' | 'over' | 'left' }>,
  { partner, reads, refusalOf }: Context,
): Promise<PartnerChange | undefined> {
  const { article } = stored;
  const { since, at, ending } = standing;
  const hasLeft = standing.kind === 'left';
  const history = await reads.history(article.id);
  const before = hasLeft ? standing.leftRevision : Number.POSITIVE_INFINITY;
  if (!(hasLeft && !standing.wasOver) && !wasVisible(history, article, { since, at, delay: partner.delay, before }))
    return undefined;
  const isErased = article.url === '';
  const isRefused = !isErased && refusalOf(stored, partner, at) !== undefined;
  if (isRefused && !hasLeft && !isCorrectedAfter(history, since)) return undefined;
  const note = ending === 'withdrawn' ? article.withdrawn?.reason : undefined;
  const known = omitUndefined({ change: 'withdrawn' as const, at, stored, reason: ending, note });
  return hasLeft ? { ...known, hasLeft } : known;
}

/** Whether a partner lost a story that goes on elsewhere. */
function isOwnEnding(standing: Standing): standing is Extract<Standing, { kind: 'left' }> {
  return standing.kind === 'left' && (standing.ending === 'moved' || standing.ending === 'rights-changed');
}

/** Whether the partner has read its change feed since it lost a story. */
function wasRead(
  { leftAt, leftRevision }: Extract<Standing, { kind: 'left' }>,
  { readAt, readRevision }: Position,
): boolean {
  return leftAt <= readAt && leftRevision <= readRevision;
}

/** Whether the partner could not see the story yet when it read its change feed last. */
function isNewSince(history: readonly AuditEntry[], { readAt, readRevision }: Position, delay: number): boolean {
  const before = history.findLast(({ revision }) => revision <= readRevision);
  if (before === undefined) return history[0]?.what === 'published' || history[0]?.what === 'republished';
  if (before.status === 'embargoed') return (before.until ?? readAt) + delay > readAt;
  return before.status !== 'visible';
}

interface Span {
  readonly since: Instant;
  readonly at: Instant;
  /** Milliseconds. */
  readonly delay: number;
  /** The revision with which the story left the partner: what it is from then on, it is for others. */
  readonly before: number;
}

/**
 * Whether the partner may have seen a story between the moment from which its dates allow it and its end. What was imported after its
 * end was never there. A history that does not begin with the publication proves nothing: its beginning was removed.
 */
function wasVisible(
  history: readonly AuditEntry[],
  { withdrawn }: Article,
  { since, at: end, delay, before }: Span,
): boolean {
  if (history[0]?.what !== 'published') return true;
  return history.some(({ status, at, until, revision }, index) => {
    if (revision >= before) return false;
    const next = history[index + 1];
    // Earlier revisions may have had other dates. One under embargo appeared when the embargo had ended, if it did.
    const appeared = status === 'embargoed' && until !== undefined ? until + delay : since;
    if (next !== undefined)
      return (status === 'visible' || status === 'embargoed') && Math.max(at, appeared) <= next.at;
    return withdrawn === undefined && Math.max(at, since) < end;
  });
}

function isCorrectedAfter(history: readonly AuditEntry[], moment: Instant): boolean {
  return history.some(({ what, at }) => what === 'corrected' && at > moment);
}

function clamped(moment: Instant, least: Instant, most: Instant): Instant {
  return Math.min(Math.max(moment, least), most);
}

/**
 * The position for a partner whose settings may have changed since. With another selection, the partner begins with all that it can
 * see now. With a shorter delay, stories appear that the longer one held back.
 */
function asConfigured(position: Position, partner: Partner, at: Instant): Position {
  const { delay } = partner;
  const selection = selectionOf(partner);
  if (position.selection !== selection) {
    const time = Math.min(position.time, at - partner.retention);
    return { ...position, time, number: 0, readAt: time, isBeginning: true, delay, selection };
  }
  if (position.delay === delay) return position;
  const gained = Math.max(0, position.delay - delay);
  return { ...position, time: position.time - gained, readAt: position.readAt - gained, number: 0, delay };
}

const selections = new WeakMap<Partner, number>();

/** 48 bits of what decides which stories a partner gets, besides its delay. */
function selectionOf(partner: Partner): number {
  const known = selections.get(partner);
  if (known !== undefined) return known;
  const { feeds, select, urgency, dialect, contentType } = partner;
  const digest = hash('sha256', JSON.stringify([feeds, select, urgency, dialect, contentType]), 'buffer');
  const selection = digest.readUIntBE(0, 6);
  selections.set(partner, selection);
  return selection;
}
