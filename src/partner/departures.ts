import type { Article } from '../article/article.ts';
import type { Partner } from '../config/partners.ts';
import type { FeedKey } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { createLru } from '../lib/lru.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { createYieldToLoop } from '../lib/yield-to-loop.ts';
import { DATED_AHEAD, type FormerMember, MOST_TAKEN_BACK, type PartnerStore } from '../store/partner-store.ts';
import type { Store } from '../store/store.ts';
import { type Dated, endByTime, goneFrom, standingOf, staysFor, type Whereabouts } from './standing.ts';
import type { Gone } from './stories.ts';
import { isFor } from './verdict.ts';

export type DepartureStore = Pick<PartnerStore, 'formerMembers' | 'formerMemberships'> &
  Pick<Store, 'articles' | 'memberships' | 'lastRevision'>;

/** What became of the stories that a feed of a partner has lost. */
export interface Departures {
  /** Those that the partner has to remove, and may not have removed yet. */
  readonly gone: readonly Gone[];
  /** When time alone changed this last. */
  readonly changedAt: Instant;
  /** When time alone will change it. */
  readonly nextChangeAt: Instant;
  /** Ends before this moment may be missing. Of a story that left the feed before it, also later ones that time alone made. */
  readonly from: Instant;
  /** Whether a story has changed while the others were read. */
  readonly isStale: boolean;
}

/** The most stories that a document looks at: those that left its feed last. */
const MOST_READ = 2000;
/** Stories whose articles are read together. */
const PIECE = 8;
/** Stories whose places are remembered, about 1 kB each. */
const MOST_REMEMBERED = 8000;
/** Feeds whose former members are remembered, up to 1 MB each. */
const MOST_FEEDS = 20;

interface Looking {
  readonly partner: Partner;
  readonly key: FeedKey;
  readonly at: Instant;
}

/** Where a story is, and when it changed last. Nothing of its text. */
interface LastKnown extends Whereabouts {
  readonly article: Dated & Pick<Article, 'updatedAt'>;
}

/** Undefined for a story that has changed since. */
type Read = (members: readonly FormerMember[]) => Promise<readonly (LastKnown | undefined)[]>;

/**
 * Reads what became of the stories that a feed has lost. A story is not lost if another feed of the partner has it. A busy newsroom
 * moves thousands: each is read once for all partners. Which feeds have it changes with its revision, or with the publication.
 */
export function createDepartures(store: DepartureStore): (looking: Looking) => Promise<Departures> {
  const known = createLru<string, LastKnown>(MOST_REMEMBERED);
  const formerMembersOf = createSharedMembers(store);
  const nameOf = ({ number, revision }: FormerMember) => `${number} ${revision}`;

  async function remember(members: readonly FormerMember[]): Promise<void> {
    // Before the articles: an article that has its revision still was in these feeds with that revision.
    const places = new Map<number, Omit<Whereabouts, 'article'>>();
    for (const { number } of members) {
      const [own, former] = [await store.memberships(number), await store.formerMemberships(number)];
      places.set(number, { members: own, former });
    }
    const articles = new Map((await store.articles([...places.keys()])).map((one) => [one.number, one]));
    for (const member of members) {
      const stored = articles.get(member.number);
      const where = places.get(member.number);
      if (where === undefined || stored?.revision !== member.revision) continue;
      known.set(nameOf(member), { ...where, article: withoutText(stored.article) });
    }
  }

  async function read(members: readonly FormerMember[], rest: () => Promise<void>): ReturnType<Read> {
    const missing = members.filter((member) => !known.has(nameOf(member)));
    if (missing.length > 0) {
      await rest();
      await remember(missing);
    }
    return members.map((member) => known.get(nameOf(member)));
  }

  return async ({ partner, key, at }) => {
    const members = await formerMembersOf(key);
    const rest = createYieldToLoop();
    return departuresOf(members, { partner, key, at }, (some) => read(some, rest));
  };
}

/** Reads the former members of a feed once for all partners, until an article changes: 2000 of them take 12 ms. */
function createSharedMembers(store: DepartureStore): (key: FeedKey) => Promise<readonly FormerMember[]> {
  const known = createLru<FeedKey, SharedMembers>(MOST_FEEDS);
  return async (key) => {
    // Before the members: what is read later has at least this revision.
    const revision = await store.lastRevision();
    const kept = known.get(key);
    if (kept?.revision === revision) return kept.members;
    const shared: SharedMembers = { revision, members: store.formerMembers(key, MOST_READ) };
    known.set(key, shared);
    shared.members.catch(() => known.delete(key));
    return shared.members;
  };
}

interface SharedMembers {
  /** The last revision of the store before the members were read. */
  readonly revision: number;
  readonly members: Promise<readonly FormerMember[]>;
}

function withoutText({ publishedAt, updatedAt, expiresAt, withdrawn, rights, urgency }: Article): LastKnown['article'] {
  const end = withdrawn && { at: withdrawn.at };
  return omitUndefined({ publishedAt, updatedAt, expiresAt, withdrawn: end, rights, urgency });
}

async function departuresOf(
  members: readonly FormerMember[],
  { partner, key, at }: Looking,
  read: Read,
): Promise<Departures> {
  const own = members.filter((member) => staysFor(member, partner).length > 0);
  const gone: Gone[] = [];
  const moments: Instant[] = [];
  let isStale = false;
  let last = members.length < MOST_READ ? undefined : members.at(-1);
  for (let next = 0; next < own.length; next += PIECE) {
    if (gone.length >= MOST_TAKEN_BACK) {
      last = own[next - 1];
      break;
    }
    const piece = own.slice(next, next + PIECE);
    const newest = piece[0]?.changedAt ?? 0;
    // The first moment before all that is listed dates the document.
    if (newest <= at - 2 * partner.retention && moments.some((moment) => moment <= at)) break;
    for (const [index, where] of (await read(piece)).entries()) {
      const member = piece[index];
      if (member === undefined || where === undefined) isStale = true;
      if (member === undefined || where === undefined) continue;
      const end = endFor(member, where, { partner, key, at });
      moments.push(...momentsOf(end, partner));
      if (end.gone !== undefined && end.gone.at > at - partner.retention) gone.push(end.gone);
    }
  }
  return {
    gone,
    changedAt: moments.reduce((latest, moment) => (moment <= at ? Math.max(latest, moment) : latest), 0),
    nextChangeAt: moments.reduce((first, moment) => (moment > at ? Math.min(first, moment) : first), NEVER),
    from: last === undefined || last.changedAt <= at - 2 * partner.retention ? 0 : last.changedAt + DATED_AHEAD,
    isStale,
  };
}

const NEVER = Number.POSITIVE_INFINITY;

/** How the partner lost a story, or when it will. */
interface EndForPartner {
  readonly gone?: Gone;
  readonly endsAt?: Instant;
}

function endFor(member: FormerMember, where: LastKnown, { partner, key, at }: Looking): EndForPartner {
  const { number, revision } = member;
  const { article, members } = where;
  if (members.includes(key) && isFor(article, partner)) return {}; // the feed itself says it
  const standing = standingOf(where, partner, at);
  const endsAt = standing.kind === 'visible' ? endByTime(article)?.at : undefined;
  if (endsAt !== undefined) return { endsAt };
  if (standing.kind !== 'taken-back' && standing.kind !== 'left') return {};
  if (standing.at >= goneFrom(staysFor(member, partner)) + partner.retention) return {};
  const { publishedAt, updatedAt = publishedAt } = article;
  const { at: endedAt, ending } = standing;
  return { gone: { number, revision, publishedAt, updatedAt, at: endedAt, ending, hasLeft: true } };
}

function momentsOf({ gone, endsAt }: EndForPartner, { retention }: Partner): readonly Instant[] {
  if (gone !== undefined) return [gone.at, gone.at + retention];
  return endsAt === undefined ? [] : [endsAt];
}
