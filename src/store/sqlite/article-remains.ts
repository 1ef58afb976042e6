import type { DatabaseSync } from 'node:sqlite';
import { type FeedKey, LATEST } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import type { AuditedChange } from '../store.ts';
import type { CheckedArticle } from './check-article.ts';
import { jsonOf } from './check-rows.ts';
import { type AnyRow, ifReadable, isDamage } from './readable-rows.ts';

/** What other tables and the indexes still say of an article whose own row is damaged. */
export interface ArticleRemains {
  readonly id?: string;
  readonly publicId?: string;
  readonly publishedAt?: Instant;
  /** The moment of a withdrawal that feeds list. */
  readonly withdrawnAt?: Instant;
  /** The numbers of the feeds that the article is in by itself; missing where they are not known. */
  readonly feeds?: readonly number[];
  /**
   * `gone`: withdrawn or erased. `listed`: neither, because a feed lists it as an article. `uncertain`: neither can be
   * seen.
   */
  readonly state: 'gone' | 'listed' | 'uncertain';
}

/**
 * @param numbers of the articles whose rows are damaged
 * @param isGone whether the article was withdrawn or erased, as far as indexes and the audit say
 */
export function createRemains(
  db: DatabaseSync,
  numbers: ReadonlySet<number>,
  isGone: (number: number) => boolean,
): (number: number) => ArticleRemains {
  const ids = new Map<number, unknown>();
  const publicIds = new Map<number, unknown>();
  readIndex(db, 'sqlite_autoindex_article_1', 'id', (number, id) => {
    if (numbers.has(number)) ids.set(number, id);
  });
  readIndex(db, 'sqlite_autoindex_article_2', 'public_id', (number, publicId) => {
    if (numbers.has(number)) publicIds.set(number, publicId);
  });
  const first = (sql: string) => {
    const statement = prepared(db, sql);
    return (...values: number[]) => ifReadable(() => statement?.get(...values));
  };
  const placeOf = first('SELECT * FROM place WHERE article = ?');
  const tombstoneOf = first('SELECT at FROM tombstone INDEXED BY tombstone_article WHERE article = ?');
  const entryOf = first('SELECT 1 FROM entry WHERE feed = ? AND published = ? AND tie = ? AND article = ?');
  const latest = Number(ifReadable(() => db.prepare('SELECT number FROM feed WHERE key = ?').get(LATEST))?.number ?? 0);

  function stateOf(number: number, place: AnyRow | undefined, tombstone: AnyRow | undefined): ArticleRemains['state'] {
    if (isGone(number) || tombstone !== undefined || place?.url_hash === null) return 'gone';
    const { published, tie } = place ?? {};
    const isPlaced = Number.isSafeInteger(published) && Number.isSafeInteger(tie);
    const isListed = isPlaced && entryOf(latest, Number(published), Number(tie), number) !== undefined;
    return isListed ? 'listed' : 'uncertain';
  }

  return (number) => {
    const place = placeOf(number);
    const tombstone = tombstoneOf(number);
    const feeds = jsonOf(place?.feeds);
    return {
      ...textOf('id', ids.get(number)),
      ...textOf('publicId', publicIds.get(number)),
      ...numberOf('publishedAt', place?.published),
      ...numberOf('withdrawnAt', tombstone?.at),
      ...(Array.isArray(feeds) && feeds.every(Number.isSafeInteger) ? { feeds } : {}),
      state: stateOf(number, place, tombstone),
    };
  };
}

function textOf<Name extends string>(name: Name, value: unknown): { readonly [N in Name]?: string } {
  return typeof value === 'string' && value !== '' ? ({ [name]: value } as { [N in Name]: string }) : {};
}

function numberOf<Name extends string>(name: Name, value: unknown): { readonly [N in Name]?: number } {
  return Number.isSafeInteger(value) ? ({ [name]: value } as { [N in Name]: number }) : {};
}

/** A statement; undefined where its table or its index is missing in this schema. */
function prepared(db: DatabaseSync, sql: string) {
  try {
    return db.prepare(sql);
  } catch {
    return undefined;
  }
}

/** What indexes and the audit say of the last state of each article. */
export interface Evidence {
  /** The highest revision that the article has anywhere; 0 where none can be read. */
  readonly lastRevision: (number: number) => number;
  /** Whether the article was withdrawn or erased, with that revision or a later one. */
  readonly isGone: (number: number, revision: number) => boolean;
  /** Whether the history says that the last change to the article has that revision, and that the article is not withdrawn. */
  readonly isConfirmed: (number: number, revision: number) => boolean;
  /** The reason of the withdrawal that made this version of the article, as far as the history has one. */
  readonly reasonOf: (article: Pick<CheckedArticle, 'number' | 'head'>) => string | undefined;
}

/**
 * @param last the highest number of an article
 * @param audit whole rows, in the order of their revisions
 */
export function readEvidence(db: DatabaseSync, last: number, audit: Iterable<AnyRow>): Evidence {
  const revisions = new Float64Array(last + 1);
  const goneAt = new Float64Array(last + 1);
  const audited = new Float64Array(last + 1);
  const isGoneByAudit = new Uint8Array(last + 1);
  const reasons = new Map<number, string>(); // by the revision of the withdrawal
  const raise = (values: Float64Array, number: number, revision: unknown) => {
    if (number <= last && Number.isSafeInteger(revision))
      values[number] = Math.max(values[number] ?? 0, Number(revision));
  };
  readIndex(db, 'sqlite_autoindex_article_3', 'revision', (number, revision) => raise(revisions, number, revision));
  readIndex(db, 'article_withdrawn', 'revision', (number, revision) => raise(goneAt, number, revision));
  readIndex(db, 'article_erased', 'revision', (number, revision) => raise(goneAt, number, revision));
  readList(db, 'entry', 'published, tie', (number, revision) => raise(revisions, number, revision));
  readList(db, 'tombstone', 'at', (number, revision) => {
    raise(revisions, number, revision);
    raise(goneAt, number, revision);
  });
  for (const { number, revision, what, reason } of changesIn(audit)) {
    if (number > last) continue;
    if (reason !== undefined) reasons.set(revision, reason);
    raise(revisions, number, revision);
    raise(audited, number, revision);
    if (what !== 'corrected') isGoneByAudit[number] = what === 'withdrawn' || what === 'erased' ? 1 : 0;
    if (isGoneByAudit[number] === 1) raise(goneAt, number, revision);
  }
  return {
    lastRevision: (number) => revisions[number] ?? 0,
    isGone(number, revision) {
      const [gone = 0, lastAudited = 0] = [goneAt[number], audited[number]];
      // Rows of the audit have checksums, and entries of indexes have none.
      const isRefuted = lastAudited >= gone && isGoneByAudit[number] === 0;
      return gone > 0 && gone >= revision && !isRefuted;
    },
    isConfirmed: (number, revision) => audited[number] === revision && isGoneByAudit[number] === 0,
    reasonOf: ({ number, head }) =>
      head !== undefined && audited[number] === head.revision ? reasons.get(head.revision) : undefined,
  };
}

interface Run {
  readonly article: number;
  readonly count: number;
  readonly what: AuditedChange;
  readonly reason?: string;
}

interface AuditedArticle extends Pick<Run, 'what' | 'reason'> {
  readonly number: number;
  readonly revision: number;
}

function* changesIn(audit: Iterable<AnyRow>): Generator<AuditedArticle> {
  for (const row of audit) {
    let revision = Number(row.revision);
    for (const { article, count, ...change } of jsonOf(row.runs) as readonly Run[]) {
      for (let index = 0; index < count; index += 1, revision += 1)
        yield { number: article + index, revision, ...change };
    }
  }
}

/** Reads the revisions of articles in the list of the feed that every article is in, from both ends. */
function readList(
  db: DatabaseSync,
  table: 'entry' | 'tombstone',
  key: string,
  onRow: (number: number, revision: unknown) => void,
): void {
  const where = `WHERE feed = (SELECT number FROM feed WHERE key = '${LATEST}')`;
  const order = (direction: string) =>
    ['feed', ...key.split(', '), 'article'].map((column) => `${column} ${direction}`).join(', ');
  readFromBothEnds(
    db,
    ['ASC', 'DESC'].map(
      (way) => `SELECT article AS number, revision AS value FROM ${table} ${where} ORDER BY ${order(way)}`,
    ),
    onRow,
  );
}

/** What a partial index is of. */
const CONDITIONS: ReadonlyMap<string, string> = new Map([
  ['article_withdrawn', 'withdrawn IS NOT NULL'],
  ['article_erased', 'erased'],
]);

/** Reads an index of the articles from both ends, as far as it can be read. It has the numbers of the rows as well. */
function readIndex(
  db: DatabaseSync,
  index: string,
  column: string,
  onEntry: (number: number, value: unknown) => void,
): void {
  const where = CONDITIONS.get(index) ?? '1';
  readFromBothEnds(
    db,
    ['ASC', 'DESC'].map(
      (way) =>
        `SELECT number, ${column} AS value FROM article INDEXED BY ${index} WHERE ${where} ORDER BY ${column} ${way}`,
    ),
    onEntry,
  );
}

function readFromBothEnds(
  db: DatabaseSync,
  queries: readonly string[],
  onRow: (number: number, value: unknown) => void,
): void {
  for (const sql of queries) {
    try {
      for (const { number, value } of prepared(db, sql)?.iterate() ?? []) {
        if (Number.isSafeInteger(number) && Number(number) > 0) onRow(Number(number), value);
      }
      return;
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  }
}

/** The keys of feeds by their numbers. */
export function keysOf(feeds: readonly number[], keys: ReadonlyMap<number, FeedKey>): readonly FeedKey[] {
  return feeds.flatMap((number) => keys.get(number) ?? []);
}
