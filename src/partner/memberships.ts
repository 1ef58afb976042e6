import type { Article } from '../article/article.ts';
import type { Partner } from '../config/partners.ts';
import type { Publication } from '../config/publication.ts';
import type { Representations } from '../document/representation.ts';
import type { FeedKey, Format } from '../feed/feeds.ts';
import type { Dialect } from '../format/dialect/dialect.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import { createYieldToLoop } from '../lib/yield-to-loop.ts';
import { statusAt } from '../store/status.ts';
import type { StoredArticle } from '../store/store.ts';
import { feedsOf, type PartnerFeed, partnerPath } from './addresses.ts';
import { storyRefusal } from './story-refusal.ts';
import { hasRights, isUrgentEnough } from './verdict.ts';

/** Why a partner does not get a story. The last is a rule of its dialect. */
export const MEMBERSHIP_RULES = [
  'withdrawn',
  'embargo',
  'delay',
  'expired',
  'rights-ended',
  'selection',
  'rights',
  'urgency',
  'beyond',
  'dialect',
] as const;
type MembershipRule = (typeof MEMBERSHIP_RULES)[number];

/** Whether a story is in a feed of a partner now and, where it is not, the rule that excludes it. */
export interface PartnerMembership {
  readonly partner: string;
  /** The feed's name in addresses. Missing where no feed of the partner selects the story. */
  readonly feed?: string;
  readonly included: boolean;
  /** The address of the feed, without a key. */
  readonly address?: string;
  /** Position among the stories of the document, from 1. */
  readonly position?: number;
  readonly rule?: MembershipRule;
  /** The id of the dialect's rule. */
  readonly dialectRule?: string;
  /** The rule in words. */
  readonly reason?: string;
}

interface MembershipParts {
  readonly publication: Publication;
  readonly dialectOf: (partner: Partner) => Dialect | undefined;
  readonly formats: (partner: Partner) => readonly Format[];
  readonly get: (partner: Partner, name: FeedKey, format: Format) => Promise<Representations | undefined>;
}

/** Feeds whose documents are made to find the position of a story. Each takes a few milliseconds. */
const MAX_DOCUMENTS = 500;

/**
 * Whether each partner gets a story. Where more than a few hundred partners do, the window of the others is not looked at: they
 * have no position.
 *
 * @param members the feeds that hold the story in the store, by their keys
 */
export async function partnerMemberships(
  { article, number, revision }: StoredArticle,
  members: ReadonlySet<FeedKey>,
  at: Instant,
  { publication, dialectOf, formats, get }: MembershipParts,
): Promise<readonly PartnerMembership[]> {
  const rest = createYieldToLoop();
  const memberships: PartnerMembership[] = [];
  let documents = 0;
  for (const partner of publication.partners ?? []) {
    const { id } = partner;
    const feeds = feedsOf(partner).filter(({ key }) => members.has(key));
    if (feeds.length === 0) memberships.push({ partner: id, included: false, ...NOT_SELECTED });
    for (const own of feeds) {
      await rest();
      const excluded = exclusion(article, { partner, dialect: dialectOf(partner), revision, at });
      if (excluded !== undefined) memberships.push({ partner: id, feed: own.name, included: false, ...excluded });
      else memberships.push(await byPosition(partner, own));
    }
  }
  return memberships;

  async function byPosition(partner: Partner, own: PartnerFeed): Promise<PartnerMembership> {
    const { id } = partner;
    const [format] = formats(partner);
    if (format === undefined) return { partner: id, feed: own.name, included: false, ...NOT_SELECTED };
    const address = publication.feedsUrl + partnerPath(id, own.name, format);
    documents += 1;
    if (documents > MAX_DOCUMENTS) return { partner: id, feed: own.name, included: true, address };
    const document = (await get(partner, own.name, format))?.document;
    const index = document?.partner?.articles.indexOf(number) ?? -1;
    if (index < 0) return { partner: id, feed: own.name, included: false, ...BEYOND };
    return { partner: id, feed: own.name, included: true, address, position: index + 1 };
  }
}

const NOT_SELECTED = { rule: 'selection', reason: 'no feed of the partner has the story' } as const;
const BEYOND = { rule: 'beyond', reason: 'beyond the window of the partner' } as const;

interface Excluding {
  readonly partner: Partner;
  readonly dialect: Dialect | undefined;
  readonly revision: number;
  readonly at: Instant;
}

type Exclusion = Pick<PartnerMembership, 'rule' | 'reason' | 'dialectRule'>;

/** The first rule that keeps a story from a partner, apart from the window. */
function exclusion(article: Article, excluding: Excluding): Exclusion | undefined {
  const { partner, at } = excluding;
  const { publishedAt, expiresAt, withdrawn, rights } = article;
  const endsAt = rights?.endsAt ?? Number.POSITIVE_INFINITY;
  switch (statusAt(article, at)) {
    case 'withdrawn':
      return { rule: 'withdrawn', reason: `withdrawn at ${rfc3339(withdrawn?.at ?? at)}` };
    case 'embargoed':
      return { rule: 'embargo', reason: `not published before ${rfc3339(publishedAt)}` };
    case 'expired':
      return { rule: 'expired', reason: `expired at ${rfc3339(expiresAt ?? at)}` };
    case 'visible':
      break;
  }
  if (!hasRights(article, partner)) return { rule: 'rights', reason: 'its rights name other partners' };
  if (endsAt <= at) return { rule: 'rights-ended', reason: `its rights ended at ${rfc3339(endsAt)}` };
  if (publishedAt + partner.delay > at)
    return { rule: 'delay', reason: `held back until ${rfc3339(publishedAt + partner.delay)}` };
  if (!isUrgentEnough(article, partner)) return { rule: 'urgency', reason: `less urgent than ${partner.urgency}` };
  return refusal(article, excluding);
}

/** The rule of the dialect that the story breaks. */
function refusal(article: Article, { revision, ...judging }: Excluding): Exclusion | undefined {
  const first = storyRefusal({ article, revision }, judging);
  return first && { rule: 'dialect', dialectRule: first.rule, reason: first.reason };
}
