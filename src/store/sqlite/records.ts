import type { Article } from '../../article/article.ts';
import { LATEST } from '../../feed/feeds.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { Identity, Listed, ListedRecord, ListOptions, StoredArticle, StoredRecord } from '../store.ts';
import type { Statements } from './statements.ts';

interface RecordRow {
  readonly number: number;
  readonly revision: number;
  readonly article: string;
  readonly record: string;
}

interface ListRow {
  readonly id: string;
  readonly public_id: string;
  readonly revision: number;
  readonly published: number;
  readonly expires: number | null;
  readonly withdrawal: string | null;
  readonly record: string;
}

/** Characters of articles and records after which a page ends: five hundred can be gigabytes otherwise. */
const PAGE_TEXT = 8 * 1024 * 1024;

/** Entries of a feed up to which a list of its articles begins with them, rather than with all articles there are. */
const FEW = 5000;

/** The articles with these numbers, in the same order; those that are gone are left out. */
export function articlesOf(sql: Statements, numbers: readonly number[]): StoredArticle[] {
  return numbers.flatMap((number) => {
    const row = sql.articleByNumber.get(number) as { revision: number; article: string } | undefined;
    return row === undefined ? [] : [{ number, revision: row.revision, article: JSON.parse(row.article) as Article }];
  });
}

/** The identities of those articles that are there. */
export function identitiesOf(sql: Statements, ids: readonly string[]): Map<string, Identity> {
  return new Map(
    ids.flatMap((id) => {
      const row = sql.identityById.get(id) as { public_id: string; published: number } | undefined;
      return row === undefined ? [] : [[id, { publicId: row.public_id, publishedAt: row.published }]];
    }),
  );
}

/** An article with its record. */
export function findRecord(sql: Statements, id: string): StoredRecord | undefined {
  const row = sql.recordById.get(id) as RecordRow | undefined;
  return row === undefined ? undefined : storedRecord(row);
}

/** Articles in the order in which they first came, after that number, until they are a page. */
export function pageOfRecords(sql: Statements, after: number, limit: number): StoredRecord[] {
  const rows = sql.page.iterate(after, limit) as Iterable<unknown> as Iterable<RecordRow>;
  return pageOf(rows, ({ article, record }) => article.length + record.length).rows.map(storedRecord);
}

/** Articles in the order of their last change, until they are a page. */
export function listRecords(sql: Statements, options: ListOptions): Listed {
  const revisions = listedRevisions(sql, options);
  // Where another process has changed one since, it has another revision, and comes when that is asked for.
  const rows = revisions.values().flatMap((revision) => sql.listedArticle.all(revision) as unknown as ListRow[]);
  const page = pageOf(rows, ({ record }) => record.length);
  const mayGoOn = page.isCut || revisions.length === options.limit;
  const last = page.isCut ? page.rows.at(-1)?.revision : revisions.at(-1);
  return omitUndefined({ articles: page.rows.map(listedRecord), next: mayGoOn ? last : undefined });
}

/** The revisions of a list's articles, in their order. */
function listedRevisions(sql: Statements, { after, limit, feed, status, at }: ListOptions): number[] {
  const asked = { after, limit, at, feed: feed ?? null };
  if (status === 'embargoed') return revisionsOf(sql.listed.ahead.all({ ...asked, feed: feed ?? LATEST }));
  const isOfFew = feed !== undefined && !sql.isLarger.get({ feed, size: FEW })?.answer;
  return revisionsOf(sql.listed[isOfFew ? 'ofFeed' : 'byRevision'][status ?? 'any'].all(asked));
}

function revisionsOf(rows: readonly Record<string, unknown>[]): number[] {
  return rows.map(({ revision }) => Number(revision));
}

/** Rows until they are a page's worth of text. */
function pageOf<Row>(found: Iterable<Row>, size: (row: Row) => number): { rows: readonly Row[]; isCut: boolean } {
  const rows: Row[] = [];
  let text = 0;
  for (const row of found) {
    rows.push(row);
    text += size(row);
    if (text >= PAGE_TEXT) return { rows, isCut: true };
  }
  return { rows, isCut: false };
}

function storedRecord({ number, revision, article, record }: RecordRow): StoredRecord {
  return { number, revision, article: JSON.parse(article) as Article, record: JSON.parse(record) as unknown };
}

function listedRecord(row: ListRow): ListedRecord {
  const { id, public_id: publicId, published: publishedAt, withdrawal, revision, record } = row;
  const withdrawn = withdrawal === null ? undefined : (JSON.parse(withdrawal) as Article['withdrawn']);
  const article = omitUndefined({ id, publicId, publishedAt, expiresAt: row.expires ?? undefined, withdrawn });
  return { revision, article, record: JSON.parse(record) as unknown };
}
