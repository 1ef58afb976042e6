import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { Article } from '../article.ts';
import { compact } from '../compact.ts';
import type { FeedKey, NamedKey } from '../feeds.ts';
import type { Instant } from '../instant.ts';
import type { Change, FeedSnapshot, Outcome, Put, Store, Withdraw } from '../store.ts';

const SCHEMA = `
  CREATE TABLE revision (last INTEGER NOT NULL) STRICT;
  INSERT INTO revision VALUES (0);

  CREATE TABLE article (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    public_id TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    withdrawn INTEGER,
    article TEXT NOT NULL,
    record TEXT NOT NULL
  ) STRICT;

  CREATE TABLE feed (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    declared INTEGER NOT NULL DEFAULT 0,
    changed INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  -- tie: articles of the same second stand in an order that does not depend on who came first
  CREATE TABLE entry (
    feed INTEGER NOT NULL REFERENCES feed (number),
    published INTEGER NOT NULL,
    tie INTEGER NOT NULL,
    article INTEGER NOT NULL REFERENCES article (number),
    expires INTEGER,
    PRIMARY KEY (feed, published, tie, article)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX entry_article ON entry (article);
  CREATE INDEX entry_expires ON entry (feed, expires) WHERE expires IS NOT NULL;

  CREATE TABLE tombstone (
    feed INTEGER NOT NULL REFERENCES feed (number),
    at INTEGER NOT NULL,
    article INTEGER NOT NULL REFERENCES article (number),
    PRIMARY KEY (feed, at, article)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tombstone_article ON tombstone (article);
`;

interface ArticleRow {
  readonly number: number;
  readonly revision: number;
  readonly article: string;
  readonly withdrawn: number | null;
}

/**
 * The store on SQLite.
 *
 * @param file the database's path, or `:memory:` for one that ends with the process
 */
export function openSqliteStore(file: string): Store {
  const db = new DatabaseSync(file);
  db.exec('PRAGMA foreign_keys = ON');
  db.exec(SCHEMA);
  const sql = prepare(db);

  function transaction<Result>(work: () => Result): Result {
    db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      db.exec('COMMIT');
      return result;
    } catch (error) {
      db.exec('ROLLBACK');
      throw error;
    }
  }

  function apply(change: Change): Outcome {
    return change.kind === 'put' ? put(change) : withdraw(change);
  }

  function put({ article, record, feeds, changedAt }: Put): Outcome {
    const text = JSON.stringify(article);
    const known = sql.articleById.get(article.id) as ArticleRow | undefined;
    const before = known === undefined ? [] : feedsOf(known.number);
    const after = feeds.map(({ key }) => key);
    if (known !== undefined && known.article === text && sameSet(before, after)) {
      return { id: article.id, result: 'unchanged', revision: known.revision, touched: [] };
    }
    const { number, revision } = save(article, text, JSON.stringify(record));
    place(number, article, feeds);
    return {
      id: article.id,
      result: known === undefined ? 'created' : 'updated',
      revision,
      touched: touch([...before, ...after], changedAt),
    };
  }

  function withdraw({ id, reason, changedAt }: Withdraw): Outcome {
    const known = sql.articleById.get(id) as ArticleRow | undefined;
    if (known === undefined) return { id, result: 'absent', revision: 0, touched: [] };
    if (known.withdrawn !== null) return { id, result: 'unchanged', revision: known.revision, touched: [] };
    const article: Article = {
      ...(JSON.parse(known.article) as Article),
      withdrawn: compact({ at: changedAt, reason }),
    };
    const before = feedsOf(known.number);
    const { number, revision } = save(article, JSON.stringify(article));
    place(
      number,
      article,
      before.map((key) => ({ key, name: '' })),
    );
    return { id, result: 'withdrawn', revision, touched: touch(before, changedAt) };
  }

  function save(article: Article, text: string, record?: string): { number: number; revision: number } {
    const { last: revision } = sql.nextRevision.get() as { last: number };
    const updated = article.updatedAt ?? article.publishedAt;
    const row = sql.saveArticle.get({
      id: article.id,
      public_id: article.publicId,
      revision,
      updated,
      withdrawn: article.withdrawn?.at ?? null,
      article: text,
      record: record ?? null,
    }) as { number: number };
    return { number: row.number, revision };
  }

  /** Puts an article into its feeds, or its tombstone where it was visible before it was taken back. */
  function place(number: number, article: Article, feeds: readonly NamedKey[]): void {
    sql.deleteEntries.run(number);
    sql.deleteTombstones.run(number);
    for (const { key, name } of feeds) {
      const feed = (sql.feedNumber.get(key, name) as { number: number }).number;
      if (article.withdrawn === undefined) {
        sql.insertEntry.run(feed, article.publishedAt, tieOf(article.publicId), number, article.expiresAt ?? null);
      } else if (article.publishedAt <= article.withdrawn.at) {
        sql.insertTombstone.run(feed, article.withdrawn.at, number);
      }
    }
  }

  function feedsOf(number: number): FeedKey[] {
    return sql.feedsOfArticle.all({ number }).map((row) => row.key as string);
  }

  function touch(keys: readonly FeedKey[], changedAt: Instant): FeedKey[] {
    const touched = [...new Set(keys)];
    for (const key of touched) sql.touchFeed.run(changedAt, key);
    return touched;
  }

  function snapshot(key: FeedKey, at: Instant, limit: number): FeedSnapshot | undefined {
    const feed = sql.feed.get({ key, at }) as
      | { number: number; name: string; changed: number; seen: number; opens: number | null; removed: number | null }
      | undefined;
    if (feed === undefined || feed.seen === 0) return undefined;
    const rows = sql.newest.all({ feed: feed.number, at, limit }) as unknown as {
      number: number;
      revision: number;
      published: number;
      updated: number;
      expires: number | null;
    }[];
    const expiries = rows.flatMap(({ expires }) => (expires === null ? [] : [expires]));
    const nextChangeAt = Math.min(feed.opens ?? Number.POSITIVE_INFINITY, ...expiries);
    return compact({
      name: feed.name,
      entries: rows.map(({ number, revision, published, updated }) => ({
        number,
        revision,
        publishedAt: published,
        updatedAt: updated,
      })),
      changedAt: feed.changed,
      removedAt: feed.removed ?? undefined,
      nextChangeAt: Number.isFinite(nextChangeAt) ? nextChangeAt : undefined,
    });
  }

  return {
    declareFeeds: async (keys) =>
      transaction(() => {
        for (const key of keys) sql.declareFeed.run(key);
      }),
    apply: async (changes) => transaction(() => changes.map(apply)),
    snapshot: async (key, at, limit) => snapshot(key, at, limit),
    articles: async (numbers) =>
      numbers.flatMap((number) => {
        const row = sql.articleByNumber.get(number) as { revision: number; article: string } | undefined;
        return row === undefined
          ? []
          : [{ number, revision: row.revision, article: JSON.parse(row.article) as Article }];
      }),
    feeds: async (at) =>
      sql.visibleFeeds.all({ at }).map((row) => ({ key: row.key as string, name: row.name as string })),
    close: async () => db.close(),
  };
}

function prepare(db: DatabaseSync) {
  return {
    nextRevision: db.prepare('UPDATE revision SET last = last + 1 RETURNING last'),
    articleById: db.prepare('SELECT number, revision, article, withdrawn FROM article WHERE id = ?'),
    articleByNumber: db.prepare('SELECT revision, article FROM article WHERE number = ?'),
    saveArticle: db.prepare(`
      INSERT INTO article (id, public_id, revision, updated, withdrawn, article, record)
      VALUES (:id, :public_id, :revision, :updated, :withdrawn, :article, coalesce(:record, ''))
      ON CONFLICT (id) DO UPDATE SET
        revision = :revision, updated = :updated, withdrawn = :withdrawn, article = :article,
        record = coalesce(:record, record)
      RETURNING number`),
    deleteEntries: db.prepare('DELETE FROM entry WHERE article = ?'),
    deleteTombstones: db.prepare('DELETE FROM tombstone WHERE article = ?'),
    insertEntry: db.prepare('INSERT INTO entry (feed, published, tie, article, expires) VALUES (?, ?, ?, ?, ?)'),
    insertTombstone: db.prepare('INSERT INTO tombstone (feed, at, article) VALUES (?, ?, ?)'),
    // The update that changes nothing makes RETURNING give the row that was there already.
    feedNumber: db.prepare(`
      INSERT INTO feed (key, name) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET key = key RETURNING number`),
    declareFeed: db.prepare(`
      INSERT INTO feed (key, name, declared) VALUES (?, '', 1) ON CONFLICT (key) DO UPDATE SET declared = 1`),
    feedsOfArticle: db.prepare(`
      SELECT feed.key FROM entry JOIN feed ON feed.number = entry.feed WHERE entry.article = :number
      UNION
      SELECT feed.key FROM tombstone JOIN feed ON feed.number = tombstone.feed WHERE tombstone.article = :number`),
    touchFeed: db.prepare('UPDATE feed SET changed = max(changed, ?) WHERE key = ?'),
    feed: db.prepare(`
      SELECT number, name, changed,
        declared
          OR EXISTS (SELECT 1 FROM entry WHERE feed = feed.number AND published <= :at)
          OR EXISTS (SELECT 1 FROM tombstone WHERE feed = feed.number) AS seen,
        (SELECT min(published) FROM entry WHERE feed = feed.number AND published > :at) AS opens,
        (SELECT max(at) FROM (
          SELECT max(at) AS at FROM tombstone WHERE feed = feed.number AND at <= :at
          UNION ALL
          SELECT max(expires) FROM entry WHERE feed = feed.number AND expires <= :at)) AS removed
      FROM feed WHERE key = :key`),
    newest: db.prepare(`
      SELECT article.number, article.revision, entry.published, article.updated, entry.expires
      FROM entry JOIN article ON article.number = entry.article
      WHERE entry.feed = :feed AND entry.published <= :at AND (entry.expires IS NULL OR entry.expires > :at)
      ORDER BY entry.published DESC, entry.tie DESC
      LIMIT :limit`),
    visibleFeeds: db.prepare(`
      SELECT key, name FROM feed
      WHERE declared
        OR EXISTS (SELECT 1 FROM entry WHERE feed = feed.number AND published <= :at)
        OR EXISTS (SELECT 1 FROM tombstone WHERE feed = feed.number)
      ORDER BY key`),
  };
}

/** 48 bits of the public id: an order among articles of one second that is the same in every store. */
function tieOf(publicId: string): number {
  return createHash('sha256').update(publicId).digest().readUIntBE(0, 6);
}

function sameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && new Set([...one, ...other]).size === one.length;
}
