import type { DatabaseSync } from 'node:sqlite';
import type { Article } from '../../article/article.ts';
import type { ErasedArticle, Identity, StoredArticle, StoredRecord } from '../store.ts';
import type { ArticleIndexes } from './article-indexes.ts';
import { checkedArticle, checkedHead, checkedRecord, HEAD, type HeadRow, ofId } from './article-rows.ts';
import { damaged } from './damage.ts';
import type { Member } from './places.ts';
import { createRest } from './rest.ts';

type RecordRow = Parameters<typeof checkedArticle>[0] &
  Parameters<typeof checkedRecord>[0] & { readonly number: number };

/** All that is needed of an article with its record. */
const RECORD = `number, ${HEAD}, article, article_checksum, record, record_checksum`;

/** Characters of articles and records after which a page ends: reading and writing them takes about 20 ms. */
const PAGE_CHARACTERS = 2 * 1024 * 1024;

/** Articles that one statement searches for one text: a few milliseconds' work. */
const SEARCHED = 500;

/** Reads articles and their records. */
export function createRecords(db: DatabaseSync, requireComplete: ArticleIndexes) {
  const articleByNumber = db.prepare(`SELECT number, ${HEAD}, article, article_checksum FROM article WHERE number = ?`);
  const headByNumber = db.prepare(`SELECT ${HEAD} FROM article WHERE number = ?`);
  const headById = db.prepare(`SELECT ${HEAD} FROM article WHERE id = ?`);
  const recordById = db.prepare(`SELECT ${RECORD} FROM article WHERE id = ?`);
  const recordsAfter = db.prepare(`SELECT ${RECORD} FROM article WHERE number > ? ORDER BY number LIMIT ?`);
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

  function headOf(id: string): HeadRow | undefined {
    const row = ofId(headById.get(id) as HeadRow | undefined, id);
    if (row !== undefined) return checkedHead(row);
    requireComplete('id');
    return undefined;
  }

  return {
    articles: (numbers: readonly number[]): StoredArticle[] =>
      numbers.flatMap((number) => {
        const row = articleByNumber.get(number) as RecordRow | undefined;
        if (row === undefined) return [];
        const { revision, article } = checkedArticle(row);
        return [{ number, revision, article: JSON.parse(article) as Article }];
      }),
    identities: (ids: readonly string[]): Map<string, Identity> =>
      new Map(
        ids.flatMap((id) => {
          const head = headOf(id);
          return head === undefined ? [] : [[id, { publicId: head.public_id, publishedAt: head.published }]];
        }),
      ),
    revisions: (ids: readonly string[]): Map<string, number> =>
      new Map(
        ids.flatMap((id) => {
          const head = headOf(id);
          return head === undefined ? [] : [[id, head.revision]];
        }),
      ),
    /** The id of the article with this number. */
    idOf(number: number): string {
      const row = headByNumber.get(number) as HeadRow | undefined;
      if (row === undefined) throw damaged(`the article number ${number} is missing`);
      return checkedHead(row).id;
    },
    /** The article with this number, without its text. */
    member(number: number): (HeadRow & Member) | undefined {
      const row = articleByNumber.get(number) as RecordRow | undefined;
      return row === undefined ? undefined : checkedHead(row);
    },
    find(id: string): StoredRecord | undefined {
      const row = ofId(recordById.get(id) as RecordRow | undefined, id);
      if (row !== undefined) return storedRecord(row);
      requireComplete('id');
      return undefined;
    },
    page(after: number, limit: number): StoredRecord[] {
      const rows = recordsAfter.iterate(after, limit) as Iterable<unknown> as Iterable<RecordRow>;
      return untilFull(rows, ({ article, record }) => article.length + record.length).rows.map(storedRecord);
    },
    erasedAfter: (revision: number): ErasedArticle[] =>
      erasedAfter.all(revision).map(({ number, revision: own }) => ({ number: Number(number), revision: Number(own) })),
    textsInUse,
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

function storedRecord(row: RecordRow): StoredRecord {
  const { number, revision, article, erased } = checkedArticle(row);
  const { record } = checkedRecord(row);
  const stored = { number, revision, article: JSON.parse(article) as Article, record: JSON.parse(record) as unknown };
  return erased === 1 ? { ...stored, isErased: true } : stored;
}
