import type { Publication } from '../config/publication.ts';
import { describeFeed, type FeedKey, ownKeys, type Selection } from '../feed/feeds.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import type { ListedRecord, Status, Store, StoredRecord } from '../store/store.ts';

/** Whether an article is in a feed's current document and, where it is not, the rule that keeps it out. */
export interface FeedMembership {
  readonly feed: FeedKey;
  readonly included: boolean;
  /** Its place in the document, from 1. */
  readonly position?: number;
  readonly rule?: 'withdrawn' | 'embargo' | 'expired' | 'selection' | 'beyond';
  /** The rule in words. */
  readonly reason?: string;
}

/** Where an article stands in time. */
export function statusOf({ article }: Pick<ListedRecord, 'article'>, at: Instant): Status {
  if (article.withdrawn !== undefined) return 'withdrawn';
  if (article.publishedAt > at) return 'embargoed';
  return article.expiresAt !== undefined && article.expiresAt <= at ? 'expired' : 'visible';
}

/** Tells for every feed there is, and every one the article would make, whether the article is in it. */
export async function membershipsOf(
  stored: StoredRecord,
  { store, publication, at }: { store: Store; publication: Publication; at: Instant },
): Promise<FeedMembership[]> {
  const { article } = stored;
  const own = new Set(ownKeys(article).map(({ key }) => key));
  const members = new Set(await store.memberships(stored.number));
  const selections = new Map(publication.feeds.map(({ id, select }) => [id, select]));
  const keys = new Set([...(await store.feeds(at)).map(({ key }) => key), ...own]);
  const hidden = hiddenBecause(stored, at);
  const placements: FeedMembership[] = [];
  for (const feed of [...keys].sort()) {
    const excluded = excludedFrom(feed, own, selections.get(feed));
    if (excluded !== undefined) placements.push({ feed, included: false, rule: 'selection', reason: excluded });
    else if (hidden !== undefined || !members.has(feed))
      placements.push({ feed, included: false, ...(hidden ?? OTHER_RULE) });
    else placements.push(await placeIn(feed, stored, { store, publication, at }));
  }
  return placements;
}

/** What the store holds goes by the rules of the service that was started last, which need not be this one. */
const OTHER_RULE = { rule: 'selection', reason: 'a service that was started later has another rule for it' } as const;

function hiddenBecause(stored: StoredRecord, at: Instant): Pick<FeedMembership, 'rule' | 'reason'> | undefined {
  const { withdrawn, publishedAt, embargoUntil, expiresAt } = stored.article;
  switch (statusOf(stored, at)) {
    case 'withdrawn':
      return { rule: 'withdrawn', reason: `withdrawn at ${rfc3339(withdrawn?.at ?? at)}` };
    case 'embargoed': {
      const word = embargoUntil === publishedAt ? 'embargo until' : 'not published before';
      return { rule: 'embargo', reason: `${word} ${rfc3339(publishedAt)}` };
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

async function placeIn(
  feed: FeedKey,
  { number }: StoredRecord,
  { store, publication, at }: { store: Store; publication: Publication; at: Instant },
): Promise<FeedMembership> {
  const { entries } = describeFeed(feed, '', publication);
  const newer = await store.newerThan(feed, number, at, entries);
  if (newer < entries) return { feed, included: true, position: newer + 1 };
  return { feed, included: false, rule: 'beyond', reason: `beyond the newest ${entries}` };
}
