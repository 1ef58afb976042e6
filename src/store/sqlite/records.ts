import type { DatabaseSync } from 'node:sqlite';
import type { Article } from '../../article/article.ts';
import type { ErasedArticle, Identity, StoredArticle, StoredRecord } from '../store.ts';
import { createRest } from './rest.ts';

interface RecordRow {
  readonly number: number;
  readonly revision: number;
  readonly article: string;
  readonly record: string;
  readonly erased: number;
}

/** Characters of articles and records after which a page ends: reading and writing them takes about 20 ms. */
const PAGE_CHARACTERS = 2 * 1024 * 1024;

/** Articles that one statement searches for one text: a few milliseconds' work. */
const SEARCHED = 500;

/** Reads articles and their records. */
export function createRecords(db: DatabaseSync) {
  const articleByNumber = db.prepare('SELECT revision, article FROM article WHERE number = ?');
  const identityById = db.prepare('SELECT public_id, published FROM article WHERE id = ?');
  const revisionsById = db.prepare(
    'SELECT article.id, revision FROM json_each(?) AS asked CROSS JOIN article ON article.id = asked.value',
  );
  const recordById = db.prepare('SELECT number, revision, article, record, erased FROM article WHERE id = ?');
  const recordsAfter = db.prepare(
    'SELECT number, revision, article, record, erased FROM article WHERE number > ? ORDER BY number LIMIT ?',
  );
  const erasedAfter = db.prepare(
    'SELECT number, revision FROM article WHERE erased AND revision > ? ORDER BY revision',
  );
  const lastNumber = db.prepare('SELECT max(number) AS number FROM article');
  const isInUse = db.prepare(
    'SELECT 1 FROM article WHERE number > :after AND number <= :until AND instr(article, :text) > 0 LIMIT 1',
  );

  async function textsInUse(texts: readonly string[]): Promise<ReadonlySet<string>> {
    const last = texts.length === 0 ? 0 : Number(lastNumber.get()?.number);
    const found = new Set<string>();
    const rest = createRest();
    for (let after = 0; after < last; after += SEARCHED) {
      for (const text of texts) {
        if (!found.has(text) && isInUse.get({ after, until: after + SEARCHED, text }) !== undefined) found.add(text);
        await rest();
      }
    }
    return found;
  }

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
    erasedAfter: (revision: number): ErasedArticle[] =>
      erasedAfter.all(revision).map(({ number, revision: own }) => ({ number: Number(number), revision: Number(own) })),
    textsInUse,
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

function storedRecord({ number, revision, article, record, erased }: RecordRow): StoredRecord {
  const stored = { number, revision, article: JSON.parse(article) as Article, record: JSON.parse(record) as unknown };
  return erased === 1 ? { ...stored, isErased: true } : stored;
}
