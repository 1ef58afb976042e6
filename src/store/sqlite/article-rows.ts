import type { DatabaseSync } from 'node:sqlite';
import type { ArticleText } from '../../article/stored.ts';
import type { JsonText } from '../../lib/json.ts';

/** The columns of an article that decide about a change to it. */
export interface KnownArticle {
  readonly number: number;
  readonly revision: number;
  readonly public_id: string;
  readonly published: number;
  readonly withdrawn: number | null;
  /** 1 where the article was erased. */
  readonly erased: number;
  /** JSON. */
  readonly article: string;
}

/** The article that has a public id. */
export interface Owner extends Pick<KnownArticle, 'erased'> {
  readonly id: string;
}

export type ArticleRows = ReturnType<typeof createArticleRows>;

/** The articles with their records, one row each. */
export function createArticleRows(db: DatabaseSync) {
  const byId = db.prepare(
    'SELECT number, revision, public_id, published, withdrawn, erased, article FROM article WHERE id = ?',
  );
  const recordByNumber = db.prepare('SELECT record FROM article WHERE number = ?');
  const ownerOfPublicId = db.prepare('SELECT id, erased FROM article WHERE public_id = ?');
  const insert = db.prepare(`
    INSERT INTO article (id, erased, public_id, revision, published, updated, expires, withdrawn, article, record)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT)) ON CONFLICT (public_id) DO NOTHING`);
  const update = db.prepare(`
    UPDATE article SET public_id = ?, revision = ?, published = ?, updated = ?, expires = ?, withdrawn = ?,
      article = CAST(? AS TEXT), record = coalesce(CAST(? AS TEXT), record)
    WHERE number = ?`);
  const erase = db.prepare('UPDATE article SET erased = 1 WHERE number = ?');
  const updateRevision = db.prepare('UPDATE article SET revision = ? WHERE number = ?');
  const updateRecord = db.prepare(
    'UPDATE article SET record = CAST(:record AS TEXT) WHERE id = :id AND record <> CAST(:record AS TEXT)',
  );
  return {
    find: (id: string) => byId.get(id) as KnownArticle | undefined,
    recordOf: (number: number): string => String(recordByNumber.get(number)?.record),
    /** The article that has this public id. */
    ownerOf(publicId: string): Owner | undefined {
      return ownerOfPublicId.get(publicId) as Owner | undefined;
    },
    /** Returns the new article's number; undefined where another article has its public id. */
    insert(article: ArticleText, revision: number, record: JsonText, isErased = false): number | undefined {
      const columns = columnsOf(article, revision, record);
      const { changes, lastInsertRowid } = insert.run(article.id, isErased ? 1 : 0, ...columns);
      return changes === 0 ? undefined : Number(lastInsertRowid);
    },
    /** Without a record, the row keeps the record that it has. */
    update(number: number, article: ArticleText, revision: number, record?: JsonText): void {
      update.run(...columnsOf(article, revision, record), number);
    },
    erase(number: number, remains: ArticleText, revision: number, record: JsonText): void {
      update.run(...columnsOf(remains, revision, record), number);
      erase.run(number);
    },
    updateRevision(number: number, revision: number): void {
      updateRevision.run(revision, number);
    },
    updateRecord(id: string, record: JsonText): void {
      updateRecord.run({ id, record });
    },
  };
}

/** The columns in the order of the statements above. */
function columnsOf(
  { publicId, publishedAt, updatedAt, expiresAt, withdrawn, text }: ArticleText,
  revision: number,
  record: JsonText | undefined,
) {
  const dates = [publishedAt, updatedAt ?? publishedAt, expiresAt ?? null, withdrawn?.at ?? null] as const;
  return [publicId, revision, ...dates, text, record ?? null] as const;
}
