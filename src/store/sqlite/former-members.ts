import type { DatabaseSync } from 'node:sqlite';
import type { FormerMember, FormerMembership, PartnerStore } from '../partner-store.ts';
import { damaged } from './damage.ts';
import type { FeedReader } from './feed-reader.ts';
import { checkedFormer, type FormerRow, staysOf } from './former-rows.ts';
import type { Lists } from './lists.ts';
import type { Reading } from './reading.ts';
import type { StoreRow } from './store-row.ts';

interface FormerMembersParts {
  readonly lists: Lists;
  readonly feeds: FeedReader;
  readonly storeRow: StoreRow;
  readonly reading: Reading;
}

/** The feeds that articles have left, for partners: a document of such a feed must say what became of the article. */
export function createFormerMembers(
  db: DatabaseSync,
  { lists, feeds, storeRow, reading }: FormerMembersParts,
): Pick<PartnerStore, 'formerMemberships' | 'formerMembers'> {
  const find = db.prepare('SELECT * FROM former_member WHERE article = ? AND feed = ?');

  /** The row that a list names. */
  function rowOf(article: number, feed: number, checksum: unknown): FormerRow {
    const row = find.get(article, feed) as unknown as FormerRow | undefined;
    if (row === undefined || row.checksum !== checksum || row.article !== article || row.feed !== feed)
      throw damaged(`what the feeds had of the article number ${article} is not what their lists name`);
    return checkedFormer(row);
  }

  function members(key: string, limit: number): FormerMember[] {
    const feed = feeds.find(key);
    const list = storeRow.list('formerMembers');
    if (feed === undefined || list.parts.parts.length === 0) return [];
    const found: FormerMember[] = [];
    for (const [owner, , number, changed, checksum] of lists.down(list, [feed.number, Number.POSITIVE_INFINITY])) {
      if (owner !== feed.number || found.length === limit) break;
      const row = rowOf(Number(number), feed.number, checksum);
      const { article, revision } = row;
      found.push({ ...membership(key, row), number: article, revision, changedAt: Number(changed) });
    }
    return found;
  }

  function memberships(article: number): FormerMembership[] {
    const list = storeRow.list('formerFeeds');
    const found: FormerMembership[] = [];
    for (const [number, feed, checksum] of lists.up(list, [article, Number.NEGATIVE_INFINITY])) {
      if (number !== article) break;
      found.push(membership(feeds.keyOf(Number(feed)), rowOf(article, Number(feed), checksum)));
    }
    return found;
  }

  return {
    formerMemberships: async (number) => reading(() => memberships(number)),
    formerMembers: async (key, limit) => reading(() => members(key, limit)),
  };
}

function membership(feed: string, row: FormerRow): FormerMembership {
  return { feed, leftAt: row.left_at, leftRevision: row.left_revision, stays: staysOf(row) };
}
