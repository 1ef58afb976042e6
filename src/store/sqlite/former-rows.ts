import type { DatabaseSync } from 'node:sqlite';
import type { Article } from '../../article/article.ts';
import type { ArticleText } from '../../article/stored.ts';
import { isFewer } from '../../feed/audience.ts';
import type { FeedKey, NamedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { Stay } from '../partner-store.ts';
import type { KnownArticle } from './article-rows.ts';
import { rowChecksum } from './checksums.ts';
import { damaged } from './damage.ts';
import type { FeedRows } from './feed-rows.ts';
import { wasSeen } from './identity-ledger.ts';
import type { StoreRow } from './store-row.ts';

/** How an article was in a feed that it has left, or that it is in for fewer partners. */
export interface FormerRow {
  readonly article: number;
  readonly feed: number;
  /** The article's revision, and the moment of its last change. */
  readonly revision: number;
  readonly changed: Instant;
  /** When it left last, and with which revision. */
  readonly left_at: Instant;
  readonly left_revision: number;
  /** JSON: a list of `Stay`. */
  readonly stays: string;
  readonly checksum: number;
}

export const FORMER_COLUMNS = ['article', 'feed', 'revision', 'changed', 'left_at', 'left_revision', 'stays'] as const;

/** Stays with different audiences that are kept for an article and a feed. */
const MOST_STAYS = 20;

/** Rows that one transaction removes. */
const MOST_PRUNED = 500;

/** A change of an article that readers could see. */
export interface FollowedChange {
  readonly known: KnownArticle;
  readonly article: ArticleText;
  /** The feeds before the change, and after it. */
  readonly before: readonly NamedKey[];
  readonly after: readonly NamedKey[];
  readonly at: Instant;
  readonly revision: number;
}

/** A feed that an article has left, now or earlier. */
export interface LeftFeed {
  readonly key: FeedKey;
  /** Milliseconds for which readers could see the article there: with a longer delay, no partner could. */
  readonly seenFor: number;
}

export type FormerRows = ReturnType<typeof createFormerRows>;

/** The checked row. @throws PublisherError `store_damaged` */
export function checkedFormer(row: FormerRow): FormerRow {
  if (rowChecksum(FORMER_COLUMNS.map((column) => row[column])) !== row.checksum)
    throw damaged(`what the feeds had of the article number ${row.article} does not match its checksum`);
  return row;
}

/** The articles that have left feeds, as a transaction changes them. */
export function createFormerRows(
  db: DatabaseSync,
  { storeRow, feedRows }: { readonly storeRow: StoreRow; readonly feedRows: FeedRows },
) {
  const ofArticle = db.prepare('SELECT * FROM former_member WHERE article = ?');
  const old = db.prepare('SELECT * FROM former_member WHERE changed < ? LIMIT ?');
  const remove = db.prepare('DELETE FROM former_member WHERE article = ? AND feed = ?');
  const insert = db.prepare(
    `INSERT INTO former_member (${FORMER_COLUMNS.join(', ')}, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );

  function removeRow({ article, feed, changed, left_at, revision, checksum }: FormerRow): void {
    remove.run(article, feed);
    storeRow.remove('formerFeeds', [article, feed, checksum]);
    storeRow.remove('formerMembers', [feed, revision, article, changed, checksum]);
    storeRow.remove('departures', [left_at, article, feed, revision]);
  }

  function addRow(row: Omit<FormerRow, 'checksum'>): void {
    const values = FORMER_COLUMNS.map((column) => row[column]);
    const checksum = rowChecksum(values);
    insert.run(...values, checksum);
    storeRow.add('formerFeeds', [row.article, row.feed, checksum]);
    storeRow.add('formerMembers', [row.feed, row.revision, row.article, row.changed, checksum]);
    storeRow.add('departures', [row.left_at, row.article, row.feed, row.revision]);
  }

  return {
    /**
     * Notes from which feeds a change takes an article, and in which ones it leaves the article to fewer partners. Returns
     * these feeds and those that the article left earlier: documents of partners may change with each change of it.
     */
    follow({ known, article, before, after, at, revision }: FollowedChange): LeftFeed[] {
      const stay = wasSeen(known, at) ? stayOf(known, { at, revision }) : undefined;
      const members = new Set(after.map(({ key }) => key));
      const isForFewer = stay !== undefined && isFewer(stay, article);
      const left = stay === undefined ? [] : before.filter(({ key }) => isForFewer || !members.has(key));
      if (left.length === 0 && !storeRow.has('departures')) return [];
      const rows = new Map((ofArticle.all(known.number) as unknown as FormerRow[]).map((row) => [row.feed, row]));
      const found: LeftFeed[] = [];
      for (const { key } of left) {
        const feed = feedRows.of(key).number;
        const row = rows.get(feed);
        rows.delete(feed);
        if (row !== undefined) removeRow(checkedFormer(row));
        const stays = withStay(row, stay as Stay);
        const times = { revision, changed: at, left_at: at, left_revision: revision };
        addRow({ article: known.number, feed, ...times, stays: JSON.stringify(stays) });
        found.push({ key, seenFor: seenFor(stays) });
      }
      for (const row of rows.values()) {
        const { key } = feedRows.get(row.feed);
        removeRow(checkedFormer(row));
        // An article that is back for all partners that had it is a member as any other.
        const stays = staysOf(row);
        if (members.has(key) && !stays.some((one) => isFewer(one, article))) continue;
        addRow({ ...row, revision, changed: at });
        found.push({ key, seenFor: seenFor(stays) });
      }
      return found;
    },
    /** Removes rows of articles that have not changed since. Returns how many. */
    prune(before: Instant): number {
      const rows = old.all(before, MOST_PRUNED) as unknown as FormerRow[];
      for (const row of rows) removeRow(checkedFormer(row));
      return rows.length;
    },
    hasOlder: (before: Instant): boolean => old.get(before, 1) !== undefined,
  };
}

export function staysOf({ stays }: Pick<FormerRow, 'stays'>): readonly Stay[] {
  return JSON.parse(stays) as readonly Stay[];
}

function seenFor(stays: readonly Stay[]): number {
  return stays.reduce((longest, { publishedAt, until }) => Math.max(longest, until - publishedAt), 0);
}

/** In the JSON of an article, a name in quotes that are not escaped is that of a property. No other part of it has these two. */
const URGENCY = /"urgency":(\d+)/;
const RIGHTS = /"rights":(\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\})/;
const HAS_RIGHTS = '"rights":';

/** How readers could see an article until a change. */
function stayOf(
  { article, published, expires, withdrawn }: KnownArticle,
  { at, revision }: Pick<FollowedChange, 'at' | 'revision'>,
): Stay {
  const { urgency, rights } = audienceOf(article);
  const ends = [expires, rights?.endsAt].filter((end) => end != null);
  const endsAt = ends.length === 0 ? undefined : Math.min(...ends);
  const until = Math.min(at, withdrawn ?? at);
  const left = { leftAt: at, leftRevision: revision };
  return omitUndefined({ publishedAt: published, until, endsAt, urgency, partners: rights?.partners, ...left });
}

/** What of an article decides which partners get it, without parsing its text: most changes of an article take it from nobody. */
function audienceOf(article: string): Pick<Article, 'urgency' | 'rights'> {
  const urgency = URGENCY.exec(article)?.[1];
  const known = urgency === undefined ? {} : { urgency: Number(urgency) };
  if (!article.includes(HAS_RIGHTS)) return known;
  const rights = RIGHTS.exec(article)?.[1];
  return rights === undefined ? (JSON.parse(article) as Article) : { ...known, rights: JSON.parse(rights) };
}

/** The stays of a row and a later one, which stands for the earlier ones of the same audience. */
function withStay(row: FormerRow | undefined, stay: Stay): readonly Stay[] {
  const audience = ({ urgency, partners }: Stay) => JSON.stringify([urgency, partners]);
  const others = row === undefined ? [] : staysOf(row).filter((one) => audience(one) !== audience(stay));
  return [...others, stay].slice(-MOST_STAYS);
}
