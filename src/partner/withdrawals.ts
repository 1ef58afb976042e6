import type { Partner } from '../config/partners.ts';
import type { FeedKey } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { createYieldToLoop } from '../lib/yield-to-loop.ts';
import { DATED_AHEAD, type PartnerStore, type SyndicationEnd } from '../store/partner-store.ts';
import { feedsOf } from './addresses.ts';
import { type ReceiptParts, receiptsOf, type TrackedEnd } from './receipts.ts';

/** Receipts after which a page ends. */
const MAX_RECEIPTS = 2000;
/** Ends after which a page ends, however many of them concern a partner: about a second's work. */
const MOST_LOOKED_AT = 20_000;
/** Ends that are read at once, and looked at before other work comes. */
const LOOKED_AT_ONCE = 500;
const LOOKED_TOGETHER = 20;

/** Where a page begins: at the first end of that moment or before it, behind so many that have the same moment. */
export interface WithdrawalCursor {
  readonly at: Instant;
  readonly skipped: number;
}

export interface WithdrawalPage {
  readonly ends: readonly TrackedEnd[];
  /** Missing on the last page. */
  readonly next?: WithdrawalCursor;
  /** The record of deliveries is complete up to that moment, but for its gaps. */
  readonly through: Instant;
}

interface PageOptions {
  readonly after: Instant;
  readonly at: Instant;
  readonly cursor?: WithdrawalCursor | undefined;
  readonly limit: number;
}

export interface WithdrawalParts extends ReceiptParts {
  readonly store: ReceiptParts['store'] & Pick<PartnerStore, 'syndicationEnds'>;
}

/** What was taken away from partners, and what was corrected, newest first, with receipts. Ends that no partner could have are left out. */
export async function withdrawalPage(
  parts: WithdrawalParts,
  { after, at, cursor, limit }: PageOptions,
): Promise<WithdrawalPage> {
  const budget = Math.max(1, Math.ceil(MAX_RECEIPTS / Math.max(1, parts.partners.length)));
  const ends: TrackedEnd[] = [];
  let next: WithdrawalCursor | undefined = cursor ?? { at: at + DATED_AHEAD, skipped: 0 };
  let through = Number.POSITIVE_INFINITY;
  let tracked = 0;
  for (let looked = 0; next !== undefined && (looked === 0 || isWorthMore()); ) {
    const found = await parts.store.syndicationEnds(after, next.at, next.skipped + LOOKED_AT_ONCE + 1);
    const most = Math.max(1, Math.min(limit - ends.length, budget - tracked));
    const { passed, concerned } = await firstOf(found.slice(next.skipped, next.skipped + LOOKED_AT_ONCE), most);
    looked += passed.length;
    const known = await receiptsOf(concerned, parts, at);
    ends.push(...known.ends.filter(({ receipts }) => receipts.length > 0));
    through = Math.min(through, known.through);
    tracked += concerned.length;
    const hasMore: boolean = found.length > next.skipped + passed.length;
    next = hasMore ? cursorBehind(passed, { from: next.at, skipped: next.skipped }) : undefined;
    if (looked >= MOST_LOOKED_AT) break;
  }
  return { ends, ...(next && { next }), through };

  function isWorthMore(): boolean {
    return ends.length < limit && tracked < budget;
  }

  /** The first ends, as far as so many of them may concern a partner. */
  async function firstOf(piece: readonly SyndicationEnd[], most: number) {
    const keys = keysOf(parts.partners);
    const rest = createYieldToLoop();
    const concerned: SyndicationEnd[] = [];
    for (const [index, end] of piece.entries()) {
      if (concerned.length === most) return { passed: piece.slice(0, index), concerned };
      if (index % LOOKED_TOGETHER === 0) await rest();
      if ((end.at <= at || isMade(end)) && (await mayConcern(end, keys))) concerned.push(end);
    }
    return { passed: piece, concerned };
  }

  /** A busy newsroom moves thousands of stories between feeds that no partner has. */
  async function mayConcern({ ending, number }: SyndicationEnd, keys: ReadonlySet<FeedKey>): Promise<boolean> {
    if (ending !== 'moved') return true;
    return (await parts.store.formerMemberships(number)).some(({ feed }) => keys.has(feed));
  }
}

function keysOf(partners: readonly Partner[]): ReadonlySet<FeedKey> {
  return new Set(partners.flatMap((partner) => feedsOf(partner).map(({ key }) => key)));
}

/** Whether a change made it, and not time alone: it may be dated a little ahead. */
function isMade({ ending }: SyndicationEnd): boolean {
  return ending === 'withdrawn' || ending === 'corrected' || ending === 'moved';
}

function cursorBehind(
  page: readonly SyndicationEnd[],
  { from, skipped }: { readonly from: Instant; readonly skipped: number },
): WithdrawalCursor {
  const at = page.at(-1)?.at ?? from;
  const same = page.filter((end) => end.at === at).length;
  return { at, skipped: at === from ? skipped + same : same };
}
