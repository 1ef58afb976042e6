import type { Publication } from '../config/publication.ts';
import { isPartnerFeed } from '../feed/dialects.ts';
import { describeFeed, type FeedKey, ownKeys, type Selection } from '../feed/feeds.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import { statusAt } from '../store/status.ts';
import type { KeptArticle, Status, Store, StoredRecord } from '../store/store.ts';

/** Whether an article is in a feed's current document and, where it is not, the rule that excludes it. */
export interface FeedMembership {
  readonly feed: FeedKey;
  readonly included: boolean;
  /** Position in the document, from 1. */
  readonly position?: number;
  readonly rule?: 'withdrawn' | 'embargo' | 'expired' | 'selection' | 'beyond';
  /** The rule in words. */
  readonly reason?: string;
}

interface Context {
  readonly store: Store;
  readonly publication: Publication;
  readonly at: Instant;
}

/** The status of an article at a moment. */
export function statusOf(article: Omit<KeptArticle, 'publicId' | 'feeds'>, at: Instant): Status {
  return statusAt(article, at);
}

/** The article's membership of every feed that exists, and of every feed that the article's own fields name. */
export async function feedMemberships(stored: StoredRecord, context: Context): Promise<FeedMembership[]> {
  const { store, publication, at } = context;
  const { article } = stored;
  const members = new Set((await store.memberships(stored.number)).filter((key) => !isPartnerFeed(key)));
  // An erased article names no feed any more, but its tombstone is in feeds.
  const own = stored.isErased === true ? members : new Set(ownKeys(article).map(({ key }) => key));
  const selections = new Map(publication.feeds.map(({ id, select }) => [id, select]));
  const keys = new Set([...(await store.feeds(at)).map(({ key }) => key), ...own]);
  const hidden = hiddenBecause(stored, at);
  const memberships: FeedMembership[] = [];
  for (const feed of [...keys].sort()) {
    const excluded = excludedFrom(feed, own, selections.get(feed));
    if (excluded !== undefined) memberships.push({ feed, included: false, rule: 'selection', reason: excluded });
    else if (hidden !== undefined || !members.has(feed))
      memberships.push({ feed, included: false, ...(hidden ?? OTHER_RULE) });
    else memberships.push(await membershipByPosition(feed, stored, context));
  }
  return memberships;
}

/** The store follows the rules of the service that started last, which may be another one. */
const OTHER_RULE = {
  rule: 'selection',
  reason: 'a service that started later has another rule for this feed',
} as const;

function hiddenBecause(stored: StoredRecord, at: Instant): Pick<FeedMembership, 'rule' | 'reason'> | undefined {
  const { withdrawn, publishedAt, embargoUntil, expiresAt } = stored.article;
  switch (statusOf(stored.article, at)) {
    case 'withdrawn':
      return { rule: 'withdrawn', reason: `withdrawn at ${rfc3339(withdrawn?.at ?? at)}` };
    case 'embargoed': {
      const prefix = embargoUntil === publishedAt ? 'embargo until' : 'not published before';
      return { rule: 'embargo', reason: `${prefix} ${rfc3339(publishedAt)}` };
    }
    case 'expired':
      return { rule: 'expired', reason: `expired at ${rfc3339(expiresAt ?? at)}` };
    case 'visible':
      return undefined;
  }
}

/** The part of a feed's selection that an article with these keys does not meet. */
function excludedFrom(feed: FeedKey, own: ReadonlySet<FeedKey>, select: Selection | undefined): string | undefined {
  if (select === undefined) {
    const [kind] = feed.split('/');
    return own.has(feed) ? undefined : `${kind} is not ${feed.slice(feed.indexOf('/') + 1)}`;
  }
  const missing = select.all.filter((key) => !own.has(key));
  if (missing.length > 0) return `all of: not in ${missing.join(', ')}`;
  const unwanted = select.none.filter((key) => own.has(key));
  if (unwanted.length > 0) return `none of: in ${unwanted.join(', ')}`;
  if (select.any.length > 0 && !select.any.some((key) => own.has(key)))
    return `any of: in none of ${select.any.join(', ')}`;
  return undefined;
}

async function membershipByPosition(
  feed: FeedKey,
  { number }: StoredRecord,
  { store, publication, at }: Context,
): Promise<FeedMembership> {
  const { entries } = describeFeed(feed, '', publication);
  const newer = await store.newerThan(feed, number, at, entries);
  if (newer < entries) return { feed, included: true, position: newer + 1 };
  return { feed, included: false, rule: 'beyond', reason: `beyond the newest ${entries}` };
}
