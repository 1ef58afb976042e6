import type { DatabaseSync } from 'node:sqlite';
import type { KnownArticle } from './article-rows.ts';
import { rowChecksum, type Value } from './checksums.ts';
import { damaged } from './damage.ts';

/** An article, as the store has it. */
export type Member = Pick<KnownArticle, 'number' | 'revision' | 'published' | 'withdrawn'>;

/** The position of an article within its feeds, and the numbers of its own feeds as JSON. */
export interface Place {
  readonly article: number;
  readonly published: number;
  readonly tie: number;
  readonly expires: number | null;
  readonly feeds: string;
  /** Null where the article is withdrawn. */
  readonly urlHash: number | null;
}

const COLUMNS = 'article, published, tie, expires, feeds, url_hash, checksum';

/** Checks the columns of a place that belongs to a revision of its article. @throws PublisherError `store_damaged` */
export function checkPlace(columns: readonly Value[], revision: number, checksum: unknown): void {
  if (rowChecksum([...columns, revision]) !== checksum)
    throw damaged(`the place of the article number ${columns[0]} does not match its checksum`);
}

/** Where articles are in their feeds. */
export function createPlaces(db: DatabaseSync) {
  const insert = db.prepare(`INSERT INTO place (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const select = db.prepare(`SELECT ${COLUMNS} FROM place WHERE article = ?`);
  select.setReturnArrays(true);
  const remove = db.prepare('DELETE FROM place WHERE article = ?');
  return {
    /**
     * An article that was withdrawn before readers could see it has no place.
     *
     * @throws PublisherError `store_damaged`
     */
    find(member: Member): Place | undefined {
      const { number, revision } = member;
      const row = select.get(number) as unknown as Value[] | undefined;
      if (row === undefined && member.published > (member.withdrawn ?? member.published)) return undefined;
      if (row === undefined) throw damaged(`the place of the article number ${number} is missing`);
      checkPlace(row.slice(0, -1), revision, row.at(-1));
      const [article, published, tie, expires, feeds, urlHash] = row;
      if (article !== number) throw damaged(`the place of the article number ${number} is missing`);
      return { article, published, tie, expires, feeds, urlHash } as Place;
    },
    insert({ article, published, tie, expires, feeds, urlHash }: Place, revision: number): void {
      const checksum = rowChecksum([article, published, tie, expires, feeds, urlHash, revision]);
      insert.run(article, published, tie, expires, feeds, urlHash, checksum);
    },
    remove(article: number): void {
      remove.run(article);
    },
  };
}
