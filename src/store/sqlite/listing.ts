import type { DatabaseSync } from 'node:sqlite';
import type { Article } from '../../article/article.ts';
import { isPartnerFeed } from '../../feed/dialects.ts';
import { type FeedKey, LATEST } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { Listed, ListedRecord, ListOptions, Status } from '../store.ts';
import { checkedArticle, checkedRecord, HEAD } from './article-rows.ts';
import { damaged } from './damage.ts';
import type { FeedReader } from './feed-reader.ts';
import { type FeedRow, listOf } from './feed-rows.ts';
import { countOf, LOWEST } from './list-parts.ts';
import type { Lists, TableRow } from './lists.ts';
import type { Reading } from './reading.ts';
import { untilFull } from './records.ts';
import { createRest } from './rest.ts';
import type { StoreRow } from './store-row.ts';

/** Entries up to which a feed is small: a list of its articles starts from its entries, not from all articles. */
const SMALL_FEED = 5000;

interface ListRow extends Readonly<Parameters<typeof checkedRecord>[0]> {
  /** Null where the article is not withdrawn. */
  readonly article: string | null;
  readonly article_checksum: number;
}

interface ListingParts {
  readonly storeRow: StoreRow;
  readonly lists: Lists;
  readonly feeds: FeedReader;
  /** Runs work that reads in a transaction. */
  readonly reading: Reading;
  /** The feeds that an article belongs to. */
  readonly feedsOf: (article: number) => readonly FeedKey[];
}

/** What decides whether an article is listed. */
interface Candidate {
  readonly revision: number;
  readonly published: number;
  readonly expires: number | null;
  readonly isWithdrawn: boolean;
}

/** Lists articles in the order of their last change. */
export function createListing(
  db: DatabaseSync,
  { storeRow, lists, feeds, reading, feedsOf }: ListingParts,
): (options: ListOptions) => Promise<Listed> {
  const byRevision = db.prepare(`
    SELECT ${HEAD}, CASE WHEN withdrawn IS NOT NULL THEN article END AS article, article_checksum, record, record_checksum
    FROM article WHERE revision = ?`);

  /** The embargoed articles of a feed. */
  function embargoedIn(feed: FeedRow, at: Instant): number[] {
    return [...lists.up(listOf(feed, 'entries'), [at, Number.POSITIVE_INFINITY])].map((row) => Number(row[3]));
  }

  /** The articles of a small feed that have a status. */
  function membersOf(feed: FeedRow, status: Status | undefined, at: Instant): number[] {
    const entries = lists.up(listOf(feed, 'entries'), LOWEST).map(entryCandidate);
    const tombstones = lists.up(listOf(feed, 'tombstones'), LOWEST).map(tombstoneCandidate);
    return [...entries, ...tombstones].filter((one) => hasStatus(one, status, at)).map(({ revision }) => revision);
  }

  /** The next articles in the order of revisions: as many as one part of their list has. */
  function nextOf(status: Status | undefined, after: number): TableRow[] {
    const list = storeRow.list(status === 'withdrawn' ? 'withdrawn' : status === 'expired' ? 'expiring' : 'articles');
    const rows: TableRow[] = [];
    const { parts } = list.parts;
    for (const row of lists.up(list, [after, Number.POSITIVE_INFINITY])) {
      if (rows.length > 0 && parts.some(({ low }) => low[0] === row[0])) break;
      rows.push(row);
    }
    return rows;
  }

  /** In pieces: to find a few articles among a million takes its time. */
  async function scan(options: ListOptions): Promise<number[]> {
    const { after, limit, status } = options;
    const rest = createRest();
    const found: number[] = [];
    for (let last = after; ; ) {
      await rest();
      const rows = reading(() => {
        const next = nextOf(status, last);
        last = Number(next.at(-1)?.[0] ?? last);
        return { next, listed: next.filter((row) => isListed(row, options)) };
      });
      found.push(...rows.listed.map(([revision]) => Number(revision)).slice(0, limit - found.length));
      if (found.length === limit || rows.next.length === 0) return found;
    }
  }

  function isListed(row: TableRow, { feed, status, at }: Omit<ListOptions, 'after' | 'limit'>): boolean {
    const [, number, ...columns] = row;
    const hasIt =
      status === 'withdrawn' ||
      (status === 'expired' ? Number(columns[0]) <= at : hasStatus(articleCandidate(row), status, at));
    return hasIt && (feed === undefined || feedsOf(Number(number)).includes(feed));
  }

  async function revisionsOf(options: ListOptions): Promise<number[]> {
    const { after, limit, status, at } = options;
    const key = options.feed ?? (status === 'embargoed' ? LATEST : undefined);
    if (key === undefined) return scan(options);
    if (isPartnerFeed(key)) return [];
    const revisions = reading(() => {
      const feed = feeds.find(key);
      if (feed === undefined) return [];
      if (status === 'embargoed') return embargoedIn(feed, at);
      const isSmall = countOf(feed.lists.entries) + countOf(feed.lists.tombstones) <= SMALL_FEED;
      return isSmall ? membersOf(feed, status, at) : undefined;
    });
    if (revisions === undefined) return scan(options);
    const newer = revisions.filter((revision) => revision > after);
    return newer.sort((one, other) => one - other).slice(0, limit);
  }

  function rowsOf(revisions: readonly number[]): ListRow[] {
    return revisions.flatMap((revision) => {
      const row = byRevision.get(revision) as ListRow | undefined;
      // An article that another process changes meanwhile has a later revision: a later page lists it.
      if (row === undefined) return [];
      if (row.article !== null) checkedArticle({ ...row, article: row.article });
      if (row.revision !== revision) throw damaged(`the index of revisions has “${row.id}” for revision ${revision}`);
      return checkedRecord(row);
    });
  }

  return async (options) => {
    const before = reading(storeRow.last);
    const revisions = await revisionsOf(options);
    const { page, after } = reading(() => ({
      page: untilFull(
        revisions.values().flatMap((revision) => rowsOf([revision])),
        ({ record }) => record.length,
      ),
      after: storeRow.last(),
    }));
    if (before === after && !page.isCut && page.rows.length < revisions.length)
      throw damaged('the list of articles has an article that is missing');
    const hasMore = page.isCut || revisions.length === options.limit;
    const last = page.isCut ? page.rows.at(-1)?.revision : revisions.at(-1);
    return omitUndefined({ articles: page.rows.map(listedRecord), next: hasMore ? last : undefined });
  };
}

function entryCandidate([published, , , revision, expires]: TableRow): Candidate {
  return {
    revision: Number(revision),
    published: Number(published),
    expires: expires == null ? null : Number(expires),
    isWithdrawn: false,
  };
}

/** Only articles that were visible have tombstones. */
function tombstoneCandidate([at, , revision]: TableRow): Candidate {
  return { revision: Number(revision), published: Number(at), expires: null, isWithdrawn: true };
}

function articleCandidate([revision, , published, expires, withdrawn]: TableRow): Candidate {
  return {
    revision: Number(revision),
    published: Number(published),
    expires: expires == null ? null : Number(expires),
    isWithdrawn: withdrawn !== null,
  };
}

function hasStatus({ published, expires, isWithdrawn }: Candidate, status: Status | undefined, at: Instant): boolean {
  switch (status) {
    case undefined:
      return true;
    case 'withdrawn':
      return isWithdrawn;
    case 'expired':
      return !isWithdrawn && expires !== null && expires <= at;
    case 'embargoed':
      return !isWithdrawn && published > at;
    case 'visible':
      return !isWithdrawn && published <= at && (expires === null || expires > at);
  }
}

function listedRecord(row: ListRow): ListedRecord {
  const { id, public_id: publicId, published: publishedAt, article: text, revision, record } = row;
  const withdrawn = text === null ? undefined : (JSON.parse(text) as Article).withdrawn;
  const article = omitUndefined({ id, publicId, publishedAt, expiresAt: row.expires ?? undefined, withdrawn });
  const listed = { revision, article, record: JSON.parse(record) as unknown };
  return row.erased === 1 ? { ...listed, isErased: true } : listed;
}
