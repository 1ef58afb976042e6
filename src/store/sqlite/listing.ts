import type { DatabaseSync } from 'node:sqlite';
import type { Article } from '../../article/article.ts';
import { LATEST } from '../../feed/feeds.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { Listed, ListedRecord, ListOptions, Status } from '../store.ts';
import { untilFull } from './records.ts';

/** `embargoed` has a query of its own; `any` lists all articles. */
type ListedStatus = Exclude<Status, 'embargoed'> | 'any';

/** Each condition names :at, because a statement refuses a value for a parameter that it does not have. */
const STATUS: Readonly<Record<ListedStatus, string>> = {
  visible: 'withdrawn IS NULL AND published <= :at AND (expires IS NULL OR expires > :at)',
  expired: 'withdrawn IS NULL AND expires <= :at',
  withdrawn: 'withdrawn IS NOT NULL AND :at IS NOT NULL',
  any: ':at IS NOT NULL',
};

const FEED_NUMBER = '(SELECT number FROM feed WHERE key = :feed)';

/** Revisions of articles with a status, from a scan of all articles or of the index of a rare status. */
export function listedByRevision(status: ListedStatus): string {
  return `
    SELECT revision FROM article
    WHERE revision > :after AND ${STATUS[status]}
      AND (:feed IS NULL
        OR EXISTS (
          SELECT 1 FROM place CROSS JOIN entry USING (article, published, tie)
          WHERE place.article = article.number AND entry.feed = ${FEED_NUMBER})
        OR EXISTS (SELECT 1 FROM tombstone WHERE tombstone.article = article.number AND tombstone.feed = ${FEED_NUMBER}))
    ORDER BY revision LIMIT :limit`;
}

/** The same from the entries of one small feed. */
export function listedOfFeed(status: ListedStatus): string {
  return `
    SELECT revision
    FROM (
      SELECT article FROM entry WHERE feed = ${FEED_NUMBER}
      UNION ALL SELECT article FROM tombstone WHERE feed = ${FEED_NUMBER}
    ) AS member CROSS JOIN article ON article.number = member.article
    WHERE revision > :after AND ${STATUS[status]}
    ORDER BY revision LIMIT :limit`;
}

/** Revisions of the embargoed articles in a feed. */
export const LISTED_EMBARGOED = `
  SELECT revision
  FROM entry CROSS JOIN article ON article.number = entry.article
  WHERE entry.feed = ${FEED_NUMBER} AND entry.published > :at AND revision > :after
  ORDER BY revision LIMIT :limit`;

/** Entries up to which a feed is small: a list of its articles starts from its entries, not from all articles. */
const SMALL_FEED = 5000;

interface ListRow {
  readonly id: string;
  readonly public_id: string;
  readonly revision: number;
  readonly published: number;
  readonly expires: number | null;
  readonly withdrawal: string | null;
  readonly record: string;
  readonly erased: number;
}

/** Lists articles in the order of their last change. */
export function createListing(db: DatabaseSync): (options: ListOptions) => Listed {
  const prepare = (query: (status: ListedStatus) => string) => ({
    visible: db.prepare(query('visible')),
    expired: db.prepare(query('expired')),
    withdrawn: db.prepare(query('withdrawn')),
    any: db.prepare(query('any')),
  });
  const byRevision = prepare(listedByRevision);
  const ofFeed = prepare(listedOfFeed);
  const embargoed = db.prepare(LISTED_EMBARGOED);
  const isLarger = db.prepare(`
    SELECT count(*) > :size AS answer FROM (
      SELECT 1 FROM entry WHERE feed = ${FEED_NUMBER}
      UNION ALL SELECT 1 FROM tombstone WHERE feed = ${FEED_NUMBER}
      LIMIT :size + 1)`);
  const byRevisionNumber = db.prepare(`
    SELECT id, public_id, revision, published, expires,
      CASE WHEN withdrawn IS NOT NULL THEN article -> '$.withdrawn' END AS withdrawal, record, erased
    FROM article WHERE revision = ?`);

  function revisionsOf({ after, limit, feed, status, at }: ListOptions): number[] {
    const values = { after, limit, at, feed: feed ?? null };
    const isSmallFeed = feed !== undefined && !isLarger.get({ feed, size: SMALL_FEED })?.answer;
    const rows =
      status === 'embargoed'
        ? embargoed.all({ ...values, feed: feed ?? LATEST })
        : (isSmallFeed ? ofFeed : byRevision)[status ?? 'any'].all(values);
    return rows.map(({ revision }) => Number(revision));
  }

  return (options) => {
    const revisions = revisionsOf(options);
    // An article that another process changes meanwhile has a later revision: a later page lists it.
    const rows = revisions.values().flatMap((revision) => byRevisionNumber.all(revision) as unknown as ListRow[]);
    const page = untilFull(rows, ({ record }) => record.length);
    const hasMore = page.isCut || revisions.length === options.limit;
    const last = page.isCut ? page.rows.at(-1)?.revision : revisions.at(-1);
    return omitUndefined({ articles: page.rows.map(listedRecord), next: hasMore ? last : undefined });
  };
}

function listedRecord(row: ListRow): ListedRecord {
  const { id, public_id: publicId, published: publishedAt, withdrawal, revision, record } = row;
  const withdrawn = withdrawal === null ? undefined : (JSON.parse(withdrawal) as Article['withdrawn']);
  const article = omitUndefined({ id, publicId, publishedAt, expiresAt: row.expires ?? undefined, withdrawn });
  const listed = { revision, article, record: JSON.parse(record) as unknown };
  return row.erased === 1 ? { ...listed, isErased: true } : listed;
}
