import type { DatabaseSync } from 'node:sqlite';
import { LATEST } from '../../feed/feeds.ts';
import type { Status } from '../store.ts';
import { NO_READERS, READERS } from './database.ts';

/** Whether a feed was ever visible: by a declared name, an article whose time had come, one that left, or a tombstone. */
const SEEN = `(
  feed.declared
  OR coalesce(feed.visible_from <= :at, 0)
  OR EXISTS (SELECT 1 FROM entry WHERE entry.feed = feed.number AND entry.published <= :at)
  OR EXISTS (SELECT 1 FROM tombstone WHERE tombstone.feed = feed.number)
)`;

/** Statuses that are looked for among articles, and none. */
type Looked = Exclude<Status, 'embargoed'> | 'any';

/** Each names :at, because a statement refuses values it has no place for. */
const STATUS: Readonly<Record<Looked, string>> = {
  visible: 'withdrawn IS NULL AND published <= :at AND (expires IS NULL OR expires > :at)',
  expired: 'withdrawn IS NULL AND expires <= :at',
  withdrawn: 'withdrawn IS NOT NULL AND :at IS NOT NULL',
  any: ':at IS NOT NULL',
};

/** The number of the feed that is asked for. */
const FEED = '(SELECT number FROM feed WHERE key = :feed)';

/** The revisions of a list's articles that have a status: a walk through all, or through an index of the few. */
export function listedByRevision(status: Looked): string {
  return `
    SELECT revision FROM article
    WHERE revision > :after AND ${STATUS[status]}
      AND (:feed IS NULL
        OR EXISTS (
          SELECT 1 FROM place CROSS JOIN entry USING (article, published, tie)
          WHERE place.article = article.number AND entry.feed = ${FEED})
        OR EXISTS (SELECT 1 FROM tombstone WHERE tombstone.article = article.number AND tombstone.feed = ${FEED}))
    ORDER BY revision LIMIT :limit`;
}

/** The same of a feed that holds few. */
export function listedOfFeed(status: Looked): string {
  return `
    SELECT revision
    FROM (
      SELECT article FROM entry WHERE feed = ${FEED}
      UNION ALL SELECT article FROM tombstone WHERE feed = ${FEED}
    ) AS member CROSS JOIN article ON article.number = member.article
    WHERE revision > :after AND ${STATUS[status]}
    ORDER BY revision LIMIT :limit`;
}

/** The same of those in a feed whose time is to come. */
export const LISTED_AHEAD = `
  SELECT revision
  FROM entry CROSS JOIN article ON article.number = entry.article
  WHERE entry.feed = ${FEED} AND entry.published > :at AND revision > :after
  ORDER BY revision LIMIT :limit`;

/** The second that Last-Modified shows for a moment: rounded up. */
const shown = (moment: string) => `(CAST(${moment} AS INTEGER) + 999) / 1000`;

/**
 * When a feed has changed that changes at :at. Who was answered before this change is on disk may know any second up to
 * that of the change before. So it gets a later one: its own; where that is the same, the next; where a change has that
 * already, it is shared, because nobody was told of a second to come. A clock that was set back gets the second after all
 * that it told before.
 */
const CHANGED = `CASE
  WHEN ${shown('changed')} < ${shown(':at')} THEN :at
  WHEN ${shown('changed')} = ${shown(':at')} + 1 THEN changed
  ELSE ${shown('changed')} * 1000 + 1
END`;

export type Statements = ReturnType<typeof prepareStatements>;

/** Every statement of the store, prepared once. */
export function prepareStatements(db: DatabaseSync) {
  const byStatus = (listed: (status: Looked) => string) => ({
    visible: db.prepare(listed('visible')),
    expired: db.prepare(listed('expired')),
    withdrawn: db.prepare(listed('withdrawn')),
    any: db.prepare(listed('any')),
  });
  const dataVersion = db.prepare('PRAGMA data_version');
  dataVersion.setReturnArrays(true); // asked in every turn of the event loop, and an object costs as much as the question
  return {
    saveRevision: db.prepare('UPDATE revision SET last = ?'),
    lastRevision: db.prepare('SELECT last FROM revision'),
    dataVersion,

    articleById: db.prepare(
      'SELECT number, revision, public_id, published, withdrawn, article FROM article WHERE id = ?',
    ),
    identityById: db.prepare('SELECT public_id, published FROM article WHERE id = ?'),
    articleByNumber: db.prepare('SELECT revision, article FROM article WHERE number = ?'),
    recordById: db.prepare('SELECT number, revision, article, record FROM article WHERE id = ?'),
    recordByNumber: db.prepare('SELECT record FROM article WHERE number = ?'),
    ownerOfPublicId: db.prepare('SELECT id FROM article WHERE public_id = ?'),
    insertArticle: db.prepare(`
      INSERT INTO article (id, public_id, revision, published, updated, expires, withdrawn, article, record)
      VALUES (?, ?, ?, ?, ?, ?, ?, CAST(? AS TEXT), CAST(? AS TEXT)) ON CONFLICT (public_id) DO NOTHING`),
    updateArticle: db.prepare(`
      UPDATE article SET public_id = ?, revision = ?, published = ?, updated = ?, expires = ?, withdrawn = ?,
        article = CAST(? AS TEXT), record = coalesce(CAST(? AS TEXT), record)
      WHERE number = ?`),
    saveArticleRevision: db.prepare('UPDATE article SET revision = ? WHERE number = ?'),
    keepRecord: db.prepare(
      'UPDATE article SET record = CAST(:record AS TEXT) WHERE id = :id AND record <> CAST(:record AS TEXT)',
    ),
    listed: {
      byRevision: byStatus(listedByRevision),
      ofFeed: byStatus(listedOfFeed),
      ahead: db.prepare(LISTED_AHEAD),
    },
    isLarger: db.prepare(`
      SELECT count(*) > :size AS answer FROM (
        SELECT 1 FROM entry WHERE feed = ${FEED}
        UNION ALL SELECT 1 FROM tombstone WHERE feed = ${FEED}
        LIMIT :size + 1)`),
    listedArticle: db.prepare(`
      SELECT id, public_id, revision, published, expires,
        CASE WHEN withdrawn IS NOT NULL THEN article -> '$.withdrawn' END AS withdrawal, record
      FROM article WHERE revision = ?`),
    page: db.prepare('SELECT number, revision, article, record FROM article WHERE number > ? ORDER BY number LIMIT ?'),
    count: db.prepare('SELECT count(*) AS count FROM article'),

    // Of several spellings of a name the least one holds, whichever came first: every store has the same.
    feedNumber: db.prepare(`
      INSERT INTO feed (key, name) VALUES (?, ?)
      ON CONFLICT (key) DO UPDATE SET name = min(name, excluded.name) RETURNING number`),
    numberOfFeed: db.prepare('SELECT number FROM feed WHERE key = ?'),
    setRule: db.prepare(`
      INSERT INTO feed (key, name, declared, rule) VALUES (?, '', 1, ?)
      ON CONFLICT (key) DO UPDATE SET declared = 1, rule = excluded.rule RETURNING number`),
    // The feed's number stays: other processes know it, and hear of what becomes of it.
    forgetFeed: db.prepare(
      'UPDATE feed SET declared = 0, rule = NULL, visible_from = NULL WHERE key = ? RETURNING number',
    ),
    // Of entries and of tombstones: the articles in a feed, and articles as they are in latest put into it, or taken out.
    placing: [
      {
        read: db.prepare('SELECT json_group_array(article) AS articles FROM entry WHERE feed = ?'),
        insert: db.prepare(`
          INSERT INTO entry (feed, published, tie, article, expires)
          SELECT :feed, published, tie, article, expires
          FROM json_each(:articles) AS chosen CROSS JOIN place ON article = chosen.value`),
        remove: db.prepare(`
          DELETE FROM entry WHERE (feed, published, tie, article) IN (
            SELECT :feed, published, tie, article
            FROM json_each(:articles) AS chosen CROSS JOIN place ON article = chosen.value)`),
      },
      {
        read: db.prepare('SELECT json_group_array(article) AS articles FROM tombstone WHERE feed = ?'),
        insert: db.prepare(`
          INSERT INTO tombstone (feed, at, article)
          SELECT :feed, own.at, own.article
          FROM json_each(:articles) AS chosen CROSS JOIN tombstone AS own
          WHERE own.article = chosen.value AND own.feed = (SELECT number FROM feed WHERE key = '${LATEST}')`),
        remove: db.prepare(`
          DELETE FROM tombstone WHERE feed = :feed AND article IN (SELECT value FROM json_each(:articles))`),
      },
    ],
    rules: db.prepare('SELECT key AS id, rule FROM feed WHERE rule IS NOT NULL ORDER BY number'),
    rulesVersion: db.prepare('SELECT rules FROM revision'),
    raiseRulesVersion: db.prepare('UPDATE revision SET rules = rules + 1'),
    keepVisible: db.prepare(
      'UPDATE feed SET visible_from = min(coalesce(visible_from, :from), :from) WHERE number = :number',
    ),
    touchFeed: db.prepare(`UPDATE feed SET changed = ${CHANGED}, revision = :revision WHERE key = :key`),
    touchAllFeeds: db.prepare(`UPDATE feed SET changed = ${CHANGED}, revision = :revision`),
    dateFeed: db.prepare('UPDATE feed SET changed = max(changed, ?), revision = ? WHERE key = ?'),
    isRenamed: db.prepare('SELECT 1 FROM feed WHERE key = ? AND name > ?'),
    touchedSince: db.prepare('SELECT key FROM feed WHERE revision > ?'),
    feeds: db.prepare(`SELECT key, name FROM feed WHERE ${SEEN} ORDER BY key`),
    feed: db.prepare(`
      SELECT number, name, changed, ${SEEN} AS seen,
        (SELECT min(published) FROM entry WHERE feed = feed.number AND published > :at) AS opens,
        (SELECT min(expires) FROM entry WHERE feed = feed.number AND expires > :at) AS expires,
        (SELECT min(at) FROM tombstone WHERE feed = feed.number AND at > :at) AS withdraws,
        (SELECT max(at) FROM tombstone WHERE feed = feed.number AND at <= :at) AS withdrawn,
        (SELECT max(expires) FROM entry WHERE feed = feed.number AND expires <= :at) AS expired,
        (SELECT max(at) FROM tombstone WHERE feed = feed.number AND at <= :since) AS forgotten
      FROM feed WHERE key = :key`),

    // FAIL: a statement of many rows could end in the middle, for which SQLite would keep a copy of each page that it
    // changes. Where one does, its transaction is taken back.
    insertEntries: db.prepare(`
      INSERT OR FAIL INTO entry (feed, published, tie, article, expires)
      SELECT value, ?, ?, ?, ? FROM json_each(?)`),
    insertTombstones: db.prepare(
      'INSERT OR FAIL INTO tombstone (at, article, feed) SELECT ?, ?, value FROM json_each(?)',
    ),
    deleteEntry: db.prepare('DELETE FROM entry WHERE feed = ? AND published = ? AND tie = ? AND article = ?'),
    deleteTombstones: db.prepare('DELETE FROM tombstone WHERE article = ?'),
    insertPlace: db.prepare('INSERT INTO place (article, published, tie, expires, feeds) VALUES (?, ?, ?, ?, ?)'),
    place: db.prepare('SELECT published, tie, feeds FROM place WHERE article = ?'),
    deletePlace: db.prepare('DELETE FROM place WHERE article = ?'),
    namedFeeds: db.prepare('SELECT key, name FROM feed WHERE number IN (SELECT value FROM json_each(?))'),
    newest: db.prepare(NEWEST),
    tombstones: db.prepare(`
      SELECT article.public_id, tombstone.at, article.article ->> '$.withdrawn.reason' AS reason
      FROM tombstone JOIN article ON article.number = tombstone.article
      WHERE tombstone.feed = :feed AND tombstone.at <= :at AND tombstone.at > :since
      ORDER BY tombstone.at DESC, tombstone.article DESC LIMIT :limit`),
    newerThan: db.prepare(`
      SELECT count(*) AS newer FROM (
        SELECT 1 FROM entry JOIN feed ON feed.number = entry.feed
        WHERE feed.key = :key AND published <= :at AND (expires IS NULL OR expires > :at)
          AND (published, tie) > (SELECT published, tie FROM place WHERE place.article = :number)
        LIMIT :limit)`),

    hasSource: db.prepare('SELECT 1 FROM source WHERE id = ?'),
    sources: db.prepare('SELECT id, path, signature, media FROM source'),
    saveSource: db.prepare(`
      INSERT INTO source (id, path, signature, media) VALUES (?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET path = excluded.path, signature = excluded.signature, media = excluded.media`),
    loseSource: db.prepare('UPDATE source SET path = NULL WHERE path = ? AND id <> ?'),
    removeSource: db.prepare('DELETE FROM source WHERE id = ?'),
    setting: db.prepare('SELECT value FROM setting WHERE name = ?'),
    saveSetting: db.prepare(`
      INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`),

    createKey: db.prepare('INSERT INTO key (id, name, scope, hash, created) VALUES (?, ?, ?, ?, ?)'),
    key: db.prepare('SELECT id, name, scope, hash, created, revoked FROM key WHERE id = ?'),
    keys: db.prepare('SELECT id, name, scope, hash, created, revoked FROM key ORDER BY created, id'),
    revokeKey: db.prepare('UPDATE key SET revoked = ? WHERE id = ? AND revoked IS NULL'),
  };
}

/** The revision of the last change. */
export function lastRevision(sql: Statements): number {
  return Number(sql.lastRevision.get()?.last);
}

/** Whether anybody may have been answered from the store. */
export function hasReaders(sql: Statements): boolean {
  return sql.setting.get(READERS)?.value !== NO_READERS;
}

/** The newest visible entries of a feed: a range of the primary key, read backwards. */
export const NEWEST = `
  SELECT article.number, article.revision, entry.published, article.updated
  FROM entry JOIN article ON article.number = entry.article
  WHERE entry.feed = :feed AND entry.published <= :at AND (entry.expires IS NULL OR entry.expires > :at)
  ORDER BY entry.published DESC, entry.tie DESC
  LIMIT :limit`;
