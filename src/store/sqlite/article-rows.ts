import type { DatabaseSync } from 'node:sqlite';
import type { ArticleText } from '../../article/stored.ts';
import type { JsonText } from '../../lib/json.ts';
import type { Put } from '../store.ts';
import type { ArticleIndexes } from './article-indexes.ts';
import { type ArticleHead, articleChecksum, headChecksum, recordChecksum, textChecksum } from './checksums.ts';
import { damaged } from './damage.ts';
import type { StoreRow } from './store-row.ts';

/** The columns of an article's head, with their checksum. */
export const HEAD = 'id, public_id, revision, published, updated, expires, withdrawn, erased, checksum';

/** A row of `HEAD`. */
export interface HeadRow extends ArticleHead {
  readonly checksum: number;
}

/** The article in a row; JSON. */
interface TextRow extends HeadRow {
  readonly article: string;
  readonly article_checksum: number;
}

/** The record in a row; JSON. */
interface RecordRow extends HeadRow {
  readonly record: string;
  readonly record_checksum: number;
}

/**
 * Checks the head of an article.
 *
 * @throws PublisherError `store_damaged`
 */
export function checkedHead<Row extends HeadRow>(row: Row): Row {
  if (headChecksum(row) !== row.checksum) throw damaged(`the article “${row.id}” does not match its checksum`);
  return row;
}

/** Checks the head of an article and its text. @throws PublisherError `store_damaged` */
export function checkedArticle<Row extends TextRow>(row: Row): Row {
  const { id, revision, article, article_checksum } = checkedHead(row);
  if (articleChecksum(textChecksum(article), revision) !== article_checksum)
    throw damaged(`the text of the article “${id}” does not match its checksum`);
  return row;
}

/** Checks the head of an article and its record. @throws PublisherError `store_damaged` */
export function checkedRecord<Row extends RecordRow>(row: Row): Row {
  const { id, record, record_checksum } = checkedHead(row);
  if (recordChecksum(textChecksum(record), id) !== record_checksum)
    throw damaged(`the record of the article “${id}” does not match its checksum`);
  return row;
}

/**
 * Checks that a row found by an index is the one that was looked for. For half of a surrogate pair, as the id of a refused
 * record may have, SQLite finds U+FFFD: no article has that id.
 *
 * @throws PublisherError `store_damaged`
 */
export function ofId<Row extends HeadRow>(row: Row | undefined, id: string): Row | undefined {
  if (row === undefined || !id.isWellFormed()) return undefined;
  if (row.id !== id) throw damaged(`the index of articles has “${row.id}” for “${id}”`);
  return row;
}

/** The columns of an article that decide about a change to it. */
export interface KnownArticle extends ArticleHead {
  readonly number: number;
  /** JSON. */
  readonly article: string;
}

/** The article that has a public id. */
export type Owner = Pick<KnownArticle, 'id' | 'erased'>;

export type ArticleRows = ReturnType<typeof createArticleRows>;

/** The articles with their records, one row each. */
export function createArticleRows(
  db: DatabaseSync,
  { storeRow, requireComplete }: { readonly storeRow: StoreRow; readonly requireComplete: ArticleIndexes },
) {
  const byId = db.prepare(`SELECT number, ${HEAD}, article, article_checksum FROM article WHERE id = ?`);
  const recordByNumber = db.prepare(`SELECT ${HEAD}, record, record_checksum FROM article WHERE number = ?`);
  const byPublicId = db.prepare(`SELECT ${HEAD} FROM article WHERE public_id = ?`);
  const insert = db.prepare(`
    INSERT INTO article (id, public_id, revision, published, updated, expires, withdrawn, erased, checksum, article,
      article_checksum, record, record_checksum)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), ?, CAST(? AS TEXT), ?) ON CONFLICT (public_id) DO NOTHING`);
  const update = db.prepare(`
    UPDATE article SET public_id = ?, revision = ?, published = ?, updated = ?, expires = ?, withdrawn = ?, erased = ?,
      checksum = ?, article = CAST(? AS TEXT), article_checksum = ?, record = coalesce(CAST(? AS TEXT), record),
      record_checksum = coalesce(?, record_checksum)
    WHERE number = ?`);
  const updateRevision = db.prepare(
    'UPDATE article SET revision = ?, checksum = ?, article_checksum = ? WHERE number = ?',
  );
  const updateRecord = db.prepare(`
    UPDATE article SET record = CAST(:record AS TEXT), record_checksum = :checksum
    WHERE number = :number AND record <> CAST(:record AS TEXT)`);

  /** Adds an article to the lists of the store. */
  function list(number: number, { revision, published, expires, withdrawn }: ArticleHead): void {
    storeRow.add('articles', [revision, number, published, expires, withdrawn]);
    if (withdrawn !== null) storeRow.add('withdrawn', [revision, number]);
    else if (expires !== null) storeRow.add('expiring', [revision, number, expires]);
  }

  function unlist(number: number, { revision, published, expires, withdrawn }: ArticleHead): void {
    storeRow.remove('articles', [revision, number, published, expires, withdrawn]);
    if (withdrawn !== null) storeRow.remove('withdrawn', [revision, number]);
    else if (expires !== null) storeRow.remove('expiring', [revision, number, expires]);
  }

  function replace(known: KnownArticle, head: ArticleHead, { text }: ArticleText, record?: JsonText): void {
    const { number, id } = known;
    const ofRecord = record === undefined ? null : recordChecksum(textChecksum(record), id);
    const recordColumns = [record ?? null, ofRecord] as const;
    const { public_id, revision, published, updated, expires, withdrawn, erased } = head;
    const sums = [headChecksum(head), text, articleChecksum(textChecksum(text), revision)] as const;
    update.run(public_id, revision, published, updated, expires, withdrawn, erased, ...sums, ...recordColumns, number);
    unlist(number, known);
    list(number, head);
  }

  return {
    find(id: string): KnownArticle | undefined {
      const row = ofId(byId.get(id) as (KnownArticle & TextRow) | undefined, id);
      if (row !== undefined) return checkedArticle(row);
      requireComplete('id');
      return undefined;
    },
    recordOf({ id, number }: KnownArticle): string {
      const row = ofId(recordByNumber.get(number) as RecordRow | undefined, id);
      if (row === undefined) throw damaged(`the article “${id}” is missing`);
      return checkedRecord(row).record;
    },
    /** The article that has this public id. */
    ownerOf(publicId: string): Owner | undefined {
      const row = byPublicId.get(publicId) as HeadRow | undefined;
      if (row === undefined) {
        requireComplete('public_id');
        return undefined;
      }
      const { id, public_id, erased } = checkedHead(row);
      if (public_id !== publicId) throw damaged(`the index of public ids has “${public_id}” for “${publicId}”`);
      return { id, erased };
    },
    /** Returns the new article's number; undefined where another article has its public id. */
    insert(
      {
        article,
        record,
        isErased = false,
        textChecksums,
      }: Pick<Put, 'article' | 'record' | 'isErased' | 'textChecksums'>,
      revision: number,
    ): number | undefined {
      requireComplete('public_id');
      const head = headOf(article, revision, isErased);
      const ofArticle = textChecksums?.article ?? textChecksum(article.text);
      const ofRecord = textChecksums?.record ?? textChecksum(record);
      const { id, text } = article;
      const { public_id, published, updated, expires, withdrawn, erased } = head;
      const { changes, lastInsertRowid } = insert.run(
        ...[id, public_id, revision, published, updated, expires, withdrawn, erased, headChecksum(head)],
        ...[text, articleChecksum(ofArticle, revision), record, recordChecksum(ofRecord, id)],
      );
      if (changes === 0) return undefined;
      list(Number(lastInsertRowid), head);
      return Number(lastInsertRowid);
    },
    /** Without a record, the row keeps the record that it has. */
    update(known: KnownArticle, article: ArticleText, revision: number, record?: JsonText): void {
      replace(known, headOf(article, revision, known.erased === 1), article, record);
    },
    erase(known: KnownArticle, remains: ArticleText, revision: number, record: JsonText): void {
      replace(known, headOf(remains, revision, true), remains, record);
    },
    updateRevision(known: KnownArticle, revision: number): void {
      const head = { ...known, revision };
      updateRevision.run(
        revision,
        headChecksum(head),
        articleChecksum(textChecksum(known.article), revision),
        known.number,
      );
      unlist(known.number, known);
      list(known.number, head);
    },
    updateRecord({ number, id }: KnownArticle, record: JsonText): void {
      updateRecord.run({ number, record, checksum: recordChecksum(textChecksum(record), id) });
    },
  };
}

function headOf(
  { id, publicId, publishedAt, updatedAt, expiresAt, withdrawn }: ArticleText,
  revision: number,
  isErased: boolean,
): ArticleHead {
  return {
    id,
    public_id: publicId,
    revision,
    published: publishedAt,
    updated: updatedAt ?? publishedAt,
    expires: expiresAt ?? null,
    withdrawn: withdrawn?.at ?? null,
    erased: isErased ? 1 : 0,
  };
}
