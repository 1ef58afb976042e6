import type { DatabaseSync } from 'node:sqlite';
import type { Article } from '../../article/article.ts';
import { isPartnerFeed } from '../../feed/dialects.ts';
import type { FeedKey, NamedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { ArchivePage, EntryRef, FeedSnapshot, ListedPage, SnapshotOptions, Tombstone } from '../store.ts';
import { type ArchiveReader, dateOf } from './archive-reader.ts';
import { checkedArticle, checkedHead, HEAD, type HeadRow } from './article-rows.ts';
import { damaged } from './damage.ts';
import { nameAt, namedAt } from './feed-names.ts';
import { type FeedReader, first, nextAfter, until } from './feed-reader.ts';
import { type FeedRow, listOf } from './feed-rows.ts';
import type { List, Lists, TableRow } from './lists.ts';

/** The most tombstones in a document: a folder that is emptied must not fill it. */
const MAX_TOMBSTONES = 500;

type ArticleRow = Parameters<typeof checkedArticle>[0];

interface SnapshotParts {
  readonly lists: Lists;
  readonly feeds: FeedReader;
  readonly archive: ArchiveReader;
}

export type Snapshots = ReturnType<typeof createSnapshots>;

/** Reads the feeds as they are at one moment. Call it in a transaction. */
export function createSnapshots(db: DatabaseSync, { lists, feeds, archive }: SnapshotParts) {
  const headByNumber = db.prepare(`SELECT ${HEAD} FROM article WHERE number = ?`);
  const articleByNumber = db.prepare(`SELECT ${HEAD}, article, article_checksum FROM article WHERE number = ?`);
  const placeOf = db.prepare('SELECT published, tie FROM place WHERE article = ?');

  /** The entries that readers can see, newest first. */
  function* visible(feed: FeedRow, at: Instant): Generator<TableRow> {
    for (const row of until(lists, listOf(feed, 'entries'), at)) {
      const [, , , , expires] = row;
      if (expires === null || Number(expires) > at) yield row;
    }
  }

  function entryOf([published, , number, revision, expires]: TableRow): EntryRef {
    const head = headByNumber.get(Number(number)) as HeadRow | undefined;
    if (head === undefined) throw damaged(`the article number ${number} is missing`);
    const { id, updated } = checkedHead(head);
    const isSame = head.revision === revision && head.published === published && head.expires === expires;
    if (!isSame || head.withdrawn !== null) throw damaged(`the article “${id}” is not the one that its feeds have`);
    return { number: Number(number), revision: head.revision, publishedAt: head.published, updatedAt: updated };
  }

  function tombstoneOf([at, number, revision]: TableRow): Tombstone {
    const row = articleByNumber.get(Number(number)) as ArticleRow | undefined;
    if (row === undefined) throw damaged(`the article number ${number} is missing`);
    const { id, public_id: publicId, withdrawn, article } = checkedArticle(row);
    if (row.revision !== revision || withdrawn !== at)
      throw damaged(`the article “${id}” is not the one that its feeds have`);
    const { reason } = (JSON.parse(article) as Article).withdrawn ?? {};
    return omitUndefined({ publicId, at: Number(at), reason });
  }

  /** The moments that date a feed, and the next at which time alone changes it. */
  function momentsOf(feed: FeedRow, at: Instant, tombstonesFor: number) {
    const [entries, expiries, tombstones] = (['entries', 'expiries', 'tombstones'] as const).map((name) =>
      listOf(feed, name),
    ) as [List, List, List];
    const moment = (row: TableRow | undefined) => (row === undefined ? undefined : Number(row[0]));
    return {
      opens: moment(nextAfter(lists, entries, at)),
      expires: moment(nextAfter(lists, expiries, at)),
      withdraws: moment(nextAfter(lists, tombstones, at)),
      withdrawn: moment(first(until(lists, tombstones, at))),
      expired: moment(first(until(lists, expiries, at))),
      forgotten: moment(first(until(lists, tombstones, at - tombstonesFor))),
    };
  }

  function* tombstonesIn(feed: FeedRow, at: Instant, since: Instant): Generator<Tombstone> {
    for (const row of until(lists, listOf(feed, 'tombstones'), at)) {
      if (Number(row[0]) <= since) return;
      yield tombstoneOf(row);
    }
  }

  const newest = (feed: FeedRow, at: Instant, limit: number): EntryRef[] =>
    [...visible(feed, at).take(limit)].map(entryOf);

  return {
    newest,
    entryOf,
    feeds: (at: Instant): NamedKey[] =>
      feeds.all().flatMap(([key, number]) => {
        const feed = feeds.get(number, key);
        return feeds.isSeen(feed, at) ? [{ key, name: nameAt(lists, feed, at) }] : [];
      }),
    newerThan(key: FeedKey, number: number, at: Instant, limit: number): number {
      const feed = isPartnerFeed(key) ? undefined : feeds.find(key);
      const place = placeOf.get(number);
      if (feed === undefined || place === undefined) return 0;
      const [published, tie] = [Number(place.published), Number(place.tie)];
      let newer = 0;
      for (const row of visible(feed, at)) {
        const isNewer = Number(row[0]) > published || (row[0] === published && Number(row[1]) > tie);
        if (!isNewer || newer === limit) return newer;
        newer += 1;
      }
      return newer;
    },
    snapshot(key: FeedKey, at: Instant, { limit, tombstonesFor }: SnapshotOptions): FeedSnapshot | undefined {
      const feed = feeds.findSeen(key, at);
      if (feed === undefined) return undefined;
      const entries = newest(feed, at, limit);
      const tombstones = [...tombstonesIn(feed, at, at - tombstonesFor).take(MAX_TOMBSTONES)];
      const { opens, expires, withdraws, withdrawn, expired, forgotten } = momentsOf(feed, at, tombstonesFor);
      const after = (moment: Instant | undefined) => (moment === undefined ? undefined : moment + tombstonesFor);
      return omitUndefined({
        name: nameAt(lists, feed, at),
        entries,
        tombstones,
        changedAt: latest(feed.changed, after(forgotten)) ?? 0,
        removedAt: latest(withdrawn, expired),
        nextChangeAt: earliest(opens, expires, withdraws, after(tombstones.at(-1)?.at)),
        archive: archive.archiveAt(feed, at),
      });
    },
    archivePages(key: FeedKey, at: Instant): ListedPage[] {
      const feed = feeds.findSeen(key, at);
      if (feed === undefined) return [];
      const { since } = namedAt(lists, feed, at);
      const changedAt = Math.max(feed.headChanged, since);
      return archive
        .closedPages(feed, at)
        .map(({ page, changed }) => ({ page, changedAt: Math.max(changed, changedAt) }))
        .toArray();
    },
    archivePage(key: FeedKey, page: number, at: Instant): ArchivePage | undefined {
      const feed = feeds.findSeen(key, at);
      if (feed === undefined) return undefined;
      const range = archive.rangeOf(feed, page, at);
      if (range === undefined) return undefined;
      const rows = [...archive.rows(feed, range, at)];
      const expiries = rows.flatMap((row) => (row[4] === null ? [] : Number(row[4])));
      const visible = rows.filter((row) => row[4] === null || Number(row[4]) > at);
      const opens = range.isOpen ? nextAfter(lists, listOf(feed, 'entries'), at)?.[0] : undefined;
      const newest = range.isOpen && rows[0] ? Number(rows[0][0]) : undefined;
      const { name, since, until } = namedAt(lists, feed, at);
      return omitUndefined({
        name,
        page,
        isOpen: range.isOpen,
        entries: visible.map(entryOf),
        changedAt:
          latest(range.changed, feed.headChanged, since, newest, ...expiries.filter((moment) => moment <= at)) ?? 0,
        nextChangeAt: earliest(
          ...expiries.filter((moment) => moment > at),
          opens === undefined ? undefined : Number(opens),
          until,
        ),
        date: dateOf(range) ?? feed.changed,
        older: range.older,
        newer: range.newer,
      });
    },
  };
}

function latest(...moments: readonly (Instant | undefined)[]): Instant | undefined {
  const known = moments.filter((moment) => moment !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function earliest(...moments: readonly (Instant | undefined)[]): Instant | undefined {
  const known = moments.filter((moment) => moment !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
