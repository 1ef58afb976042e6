import type { DatabaseSync } from 'node:sqlite';
import type { Article } from '../../article/article.ts';
import type { Identity, StoredArticle, StoredRecord } from '../store.ts';

interface RecordRow {
  readonly number: number;
  readonly revision: number;
  readonly article: string;
  readonly record: string;
}

/** Characters of articles and records after which a page ends: five hundred records could be gigabytes. */
const PAGE_CHARACTERS = 8 * 1024 * 1024;

/** Reads articles and their records. */
export function createRecords(db: DatabaseSync) {
  const articleByNumber = db.prepare('SELECT revision, article FROM article WHERE number = ?');
  const identityById = db.prepare('SELECT public_id, published FROM article WHERE id = ?');
  const revisionsById = db.prepare(
    'SELECT article.id, revision FROM json_each(?) AS asked CROSS JOIN article ON article.id = asked.value',
  );
  const recordById = db.prepare('SELECT number, revision, article, record FROM article WHERE id = ?');
  const recordsAfter = db.prepare(
    'SELECT number, revision, article, record FROM article WHERE number > ? ORDER BY number LIMIT ?',
  );
  const count = db.prepare('SELECT count(*) AS count FROM article');
  return {
    articles: (numbers: readonly number[]): StoredArticle[] =>
      numbers.flatMap((number) => {
        const row = articleByNumber.get(number) as { revision: number; article: string } | undefined;
        return row === undefined
          ? []
          : [{ number, revision: row.revision, article: JSON.parse(row.article) as Article }];
      }),
    identities: (ids: readonly string[]): Map<string, Identity> =>
      new Map(
        ids.flatMap((id) => {
          const row = identityById.get(id) as { public_id: string; published: number } | undefined;
          return row === undefined ? [] : [[id, { publicId: row.public_id, publishedAt: row.published }]];
        }),
      ),
    revisions: (ids: readonly string[]): Map<string, number> =>
      new Map(revisionsById.all(JSON.stringify(ids)).map(({ id, revision }) => [String(id), Number(revision)])),
    find(id: string): StoredRecord | undefined {
      const row = recordById.get(id) as RecordRow | undefined;
      return row === undefined ? undefined : storedRecord(row);
    },
    page(after: number, limit: number): StoredRecord[] {
      const rows = recordsAfter.iterate(after, limit) as Iterable<unknown> as Iterable<RecordRow>;
      return untilFull(rows, ({ article, record }) => article.length + record.length).rows.map(storedRecord);
    },
    count: (): number => Number(count.get()?.count),
  };
}

/** Reads rows until they fill a page. */
export function untilFull<Row>(found: Iterable<Row>, size: (row: Row) => number): { rows: Row[]; isCut: boolean } {
  const rows: Row[] = [];
  let characters = 0;
  for (const row of found) {
    rows.push(row);
    characters += size(row);
    if (characters >= PAGE_CHARACTERS) return { rows, isCut: true };
  }
  return { rows, isCut: false };
}

function storedRecord({ number, revision, article, record }: RecordRow): StoredRecord {
  return { number, revision, article: JSON.parse(article) as Article, record: JSON.parse(record) as unknown };
}
