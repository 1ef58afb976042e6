import { DOCUMENT_SIZES } from '../store.ts';

/** The checksums of all tables but feeds, and the lists of feeds. */
const SEAL_ROWS = `
  UPDATE article SET
    checksum = row_checksum(id, public_id, revision, published, updated, expires, withdrawn, erased),
    article_checksum = article_checksum(article, revision),
    record_checksum = record_checksum(record, id);

  UPDATE entry SET revision = coalesce((SELECT revision FROM article WHERE number = entry.article), 0);

  UPDATE tombstone SET revision = coalesce((SELECT revision FROM article WHERE number = tombstone.article), 0);

  UPDATE place SET checksum = row_checksum(
    article, published, tie, expires, feeds, url_hash, (SELECT revision FROM article WHERE number = place.article));

  UPDATE source SET checksum = row_checksum(id, path, signature, media);

  UPDATE setting SET checksum = row_checksum(name, value);

  UPDATE key SET checksum = row_checksum(id, name, scope, hash, created, revoked);

  UPDATE audit SET checksum = row_checksum(revision, at, lowest, highest, actor, runs);

  UPDATE feed SET
    entries = (
      SELECT list_parts(published, tie, article, revision, expires ORDER BY published, tie)
      FROM entry WHERE feed = feed.number),
    expiries = (
      SELECT list_parts(expires, article ORDER BY expires, article)
      FROM entry WHERE feed = feed.number AND expires IS NOT NULL),
    tombstones = (
      SELECT list_parts(at, article, revision ORDER BY at, article) FROM tombstone WHERE feed = feed.number),
    coming = (
      SELECT list_parts(published, article, text_checksum(name) ORDER BY published, article)
      FROM coming_name WHERE feed = feed.number);
`;

/** How many entries each page of an archive has, and the pages of each feed. */
const SEAL_PAGES = `
  UPDATE archive_page SET entries = (
    SELECT count(*) FROM entry
    WHERE entry.feed = archive_page.feed
      AND (entry.published, entry.tie) >= (archive_page.published, archive_page.tie)
      AND (entry.published, entry.tie) < (
        SELECT newer.published, newer.tie FROM archive_page AS newer
        WHERE newer.feed = archive_page.feed
          AND (newer.published, newer.tie) > (archive_page.published, archive_page.tie)
        ORDER BY newer.published, newer.tie LIMIT 1));

  UPDATE feed SET
    archived = (SELECT coalesce(sum(archive_page.entries), 0) FROM archive_page WHERE feed = feed.number),
    newest_page = coalesce((
      SELECT page FROM archive_page WHERE feed = feed.number ORDER BY published DESC, tie DESC LIMIT 1 OFFSET 1), 0),
    open_page = coalesce((
      SELECT page FROM archive_page WHERE feed = feed.number ORDER BY published DESC, tie DESC LIMIT 1), 0),
    pages = (
      SELECT list_parts(published, tie, page, archive_page.entries, archive_page.changed ORDER BY published, tie)
      FROM archive_page WHERE feed = feed.number);
`;

/** The columns under the checksum of a feed, as they are now. */
const FEED_COLUMNS = `number, key, name, declared, changed, revision, visible_from, rule, archived, newest_page, open_page,
    head_changed, shown_revision, aged_changes, entries, expiries, tombstones, coming, pages, rights`;

/** These columns before there was an outbox. */
const FEED_COLUMNS_13 = `number, key, name, declared, changed, revision, visible_from, rule, archived, newest_page, open_page,
    head_changed, aged_changes, entries, expiries, tombstones, coming, pages, rights`;

/** These columns before there were partners. */
const FEED_COLUMNS_11 = `number, key, name, declared, changed, revision, visible_from, rule, archived, newest_page, open_page,
    head_changed, entries, expiries, tombstones, coming, pages`;

/** These columns before feeds had archives. */
const FEED_COLUMNS_10 = `
    number, key, name, declared, changed, revision, visible_from, rule, entries, expiries, tombstones, coming`;

const OUTBOX_COLUMNS = `target, kind, program, epoch, revision, at, sent_revision, sent_at, due, again_at, not_before, owner,
    lease_until, failures, failing_since, last_error, named_by`;

const OUTBOX_COLUMNS_14 = `target, kind, program, epoch, revision, at, sent_revision, sent_at, due, not_before, owner,
    lease_until, failures, failing_since, last_error`;

const KEY_COLUMNS = 'id, name, scope, hash, created, revoked, expires, partner';

const KEY_COLUMNS_11 = 'id, name, scope, hash, created, revoked';

const FORMER_MEMBER_COLUMNS = 'article, feed, revision, changed, left_at, left_revision, stays';

/** The columns under the checksum of the store's row, as they are now. */
const STORE_COLUMNS = `last, rules, articles, withdrawn, expiring, single_audits, range_audits, syndication, corrections,
    former_feeds, former_members, departures, media_uses, feeds, sources`;

/** These columns before stories could leave the feeds of partners. */
const STORE_COLUMNS_12 = `last, rules, articles, withdrawn, expiring, single_audits, range_audits, syndication, corrections,
    feeds, sources`;

const STORE_COLUMNS_11 = 'last, rules, articles, withdrawn, expiring, single_audits, range_audits, feeds, sources';

/** What is known for partners. */
const SEAL_SYNDICATION = `
  UPDATE syndication SET revision = coalesce((SELECT revision FROM article WHERE number = syndication.article), 0);

  UPDATE rights_end SET revision = coalesce((SELECT revision FROM article WHERE number = rights_end.article), 0);

  UPDATE feed SET rights = (
    SELECT list_parts(at, article, revision ORDER BY at, article) FROM rights_end WHERE feed = feed.number);

  UPDATE revision SET
    syndication = (SELECT list_parts(article, revision, rights_end, corrected ORDER BY article) FROM syndication),
    corrections = (
      SELECT list_parts(corrected, article, revision ORDER BY corrected, article)
      FROM syndication WHERE corrected IS NOT NULL);

  UPDATE key SET checksum = row_checksum(${KEY_COLUMNS});
`;

/** The stories that have left feeds. */
const SEAL_FORMER_MEMBERS = `
  UPDATE former_member SET revision = coalesce(
    (SELECT revision FROM article WHERE number = former_member.article), former_member.revision);

  UPDATE former_member SET checksum = row_checksum(${FORMER_MEMBER_COLUMNS});

  UPDATE revision SET
    former_feeds = (SELECT list_parts(article, feed, checksum ORDER BY article, feed) FROM former_member),
    former_members = (
      SELECT list_parts(feed, revision, article, changed, checksum ORDER BY feed, revision) FROM former_member),
    departures = (
      SELECT list_parts(left_at, article, feed, revision ORDER BY left_at, article) FROM former_member);
`;

/** The files that articles name. */
const SEAL_MEDIA_USES = `
  UPDATE media_use SET path_checksum = text_checksum(path);

  UPDATE revision SET media_uses = (
    SELECT list_parts(path_checksum, article ORDER BY path_checksum, article) FROM media_use);
`;

/** Says that no start has set how many entries documents have, unless one has. */
export const SET_NO_SIZES = `
  INSERT OR IGNORE INTO setting SELECT name, value, row_checksum(name, value)
  FROM (SELECT '${DOCUMENT_SIZES}' AS name, 'null' AS value);
`;

/** The lists of the whole store. */
const SEAL_STORE = `
  UPDATE revision SET
    articles = (SELECT list_parts(revision, number, published, expires, withdrawn ORDER BY revision) FROM article),
    withdrawn = (SELECT list_parts(revision, number ORDER BY revision) FROM article WHERE withdrawn IS NOT NULL),
    expiring = (
      SELECT list_parts(revision, number, expires ORDER BY revision)
      FROM article WHERE expires IS NOT NULL AND withdrawn IS NULL),
    single_audits = (
      SELECT list_parts(lowest, revision ORDER BY lowest, revision) FROM audit WHERE lowest = highest),
    range_audits = (
      SELECT list_parts(highest, revision, lowest ORDER BY highest, revision) FROM audit WHERE lowest < highest),
    feeds = (SELECT list_parts(0, 0, number, text_checksum(key)) FROM feed),
    sources = (SELECT list_parts(0, 0, text_checksum(id), checksum) FROM source);

  UPDATE revision SET checksum = row_checksum(
    last, rules, articles, withdrawn, expiring, single_audits, range_audits, feeds, sources);
`;

/**
 * Computes every checksum from what the tables have; see checksums.ts and list-parts.ts. The revisions of entries and tombstones
 * are part of their checksums. A step that changes rows runs this again, if it runs after the step that added the columns.
 */
export const SEAL = `
  ${SEAL_ROWS} ${SEAL_PAGES}
  ${SEAL_STORE} ${SEAL_SYNDICATION} ${SEAL_FORMER_MEMBERS} ${SEAL_MEDIA_USES}
  UPDATE feed SET checksum = row_checksum(${FEED_COLUMNS});
  UPDATE revision SET checksum = row_checksum(${STORE_COLUMNS});
`;

/**
 * The schema, step by step. Append only: a released step is never edited, because existing stores are built on it. One
 * transaction runs all steps that a store lacks; `user_version` is the number of steps that it has.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE revision (last INTEGER NOT NULL) STRICT;
  INSERT INTO revision VALUES (0);

  -- A row is never deleted: it is the ledger of identities as well. published and public_id stay once it was visible.
  CREATE TABLE article (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    public_id TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL UNIQUE,
    published INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    expires INTEGER,
    withdrawn INTEGER,
    article TEXT NOT NULL,
    record TEXT NOT NULL
  ) STRICT;

  CREATE TABLE feed (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    declared INTEGER NOT NULL DEFAULT 0,
    changed INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX feed_revision ON feed (revision);

  -- tie: articles of one second stand in an order that does not depend on which came first
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

  CREATE TABLE source (
    path TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    signature TEXT NOT NULL,
    media TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE key (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'write')),
    hash BLOB NOT NULL,
    created INTEGER NOT NULL,
    revoked INTEGER
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- when an article that has left the feed since was first visible in it
  ALTER TABLE feed ADD COLUMN visible_from INTEGER;
  `,
  `
  -- of each article that came from a file, the file; no path where the file holds another article by now
  ALTER TABLE source RENAME TO source_by_path;
  CREATE TABLE source (
    id TEXT PRIMARY KEY,
    path TEXT UNIQUE,
    signature TEXT NOT NULL,
    media TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  -- An article whose file was being renamed has both names: whichever is kept, the other is read again if it is there.
  INSERT OR IGNORE INTO source SELECT id, path, signature, media FROM source_by_path;
  DROP TABLE source_by_path;
  `,
  `
  -- by which rule articles are in a feed that the operator defines, as JSON
  ALTER TABLE feed ADD COLUMN rule TEXT;
  -- how often such rules have changed
  ALTER TABLE revision ADD COLUMN rules INTEGER NOT NULL DEFAULT 0;

  -- The rules were one setting, empty where a start was broken off: what was begun then is begun anew.
  UPDATE feed SET rule = told.rule
  FROM (
    SELECT pair.value ->> 0 AS id, pair.value -> 1 AS rule
    FROM json_each((SELECT nullif(value, '') FROM setting WHERE name = 'rules')) AS pair
  ) AS told
  WHERE feed.key = told.id AND feed.declared;
  DELETE FROM setting WHERE name = 'rules';
  INSERT INTO feed (key, name, declared) VALUES ('latest', '', 1) ON CONFLICT (key) DO UPDATE SET declared = 1;
  UPDATE feed SET declared = 0, visible_from = NULL WHERE rule IS NULL AND key <> 'latest' AND instr(key, '/') = 0;
  DELETE FROM entry WHERE feed IN (SELECT number FROM feed WHERE NOT declared AND instr(key, '/') = 0);
  DELETE FROM tombstone WHERE feed IN (SELECT number FROM feed WHERE NOT declared AND instr(key, '/') = 0);

  -- the few that are listed by themselves, in the order of the list
  CREATE INDEX article_withdrawn ON article (revision) WHERE withdrawn IS NOT NULL;
  CREATE INDEX article_expires ON article (revision, expires, withdrawn) WHERE expires IS NOT NULL AND withdrawn IS NULL;
  `,
  `
  -- of each article in feeds: where in each, and as JSON the feeds it is in by itself. It is in those of the operator's
  -- that their rules say. Small, where an index by article would be half of what an import writes for each.
  CREATE TABLE place (
    article INTEGER PRIMARY KEY REFERENCES article (number),
    published INTEGER NOT NULL,
    tie INTEGER NOT NULL,
    expires INTEGER,
    feeds TEXT NOT NULL
  ) STRICT;
  INSERT INTO place (article, published, tie, expires, feeds)
  SELECT entry.article, entry.published, entry.tie, entry.expires, json_group_array(feed.number)
  FROM entry JOIN feed ON feed.number = entry.feed WHERE feed.rule IS NULL GROUP BY entry.article;
  -- What was taken back has no entry that its tie would be looked for with.
  INSERT INTO place (article, published, tie, expires, feeds)
  SELECT article.number, article.published, 0, article.expires, json_group_array(feed.number)
  FROM tombstone JOIN feed ON feed.number = tombstone.feed JOIN article ON article.number = tombstone.article
  WHERE feed.rule IS NULL GROUP BY article.number;
  DROP INDEX entry_article;
  `,
  `
  -- 1 where the article was erased for good: only its ids and dates are left
  ALTER TABLE article ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX article_erased ON article (revision) WHERE erased;
  `,
  `
  -- One row a change; the consecutive changes of a batch are one row. Articles have no history from before this step.
  CREATE TABLE audit (
    -- of the first change; each further change of the row has the next revision
    revision INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    -- the smallest and the largest number of the changed articles
    lowest INTEGER NOT NULL,
    highest INTEGER NOT NULL,
    -- as JSON
    actor TEXT,
    -- as JSON: runs of articles with consecutive numbers, in the order of the changes
    runs TEXT NOT NULL
  ) STRICT;
  CREATE INDEX audit_at ON audit (at);
  CREATE INDEX audit_article ON audit (lowest) WHERE lowest = highest;
  CREATE INDEX audit_range ON audit (highest, lowest) WHERE lowest < highest;

  -- the hash of the address of each article that is not withdrawn; here, because rows of this table are small
  ALTER TABLE place ADD COLUMN url_hash INTEGER;
  UPDATE place SET url_hash = hash.hash
  FROM (SELECT number, url_hash(article ->> '$.url') AS hash FROM article WHERE withdrawn IS NULL) AS hash
  WHERE hash.number = place.article;
  CREATE INDEX place_url_hash ON place (url_hash) WHERE url_hash IS NOT NULL;
  `,
  `
  -- which articles name which files below media/: a file is served while readers can see one of these articles
  CREATE TABLE media_use (
    path TEXT NOT NULL,
    article INTEGER NOT NULL REFERENCES article (number),
    PRIMARY KEY (path, article)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX media_use_article ON media_use (article);
  INSERT OR IGNORE INTO media_use SELECT value, number FROM article, json_each(media_names(article.article));

  -- Spellings of feeds' names in articles that were under embargo when they were written: they count from the end of it.
  CREATE TABLE coming_name (
    article INTEGER NOT NULL REFERENCES article (number),
    feed INTEGER NOT NULL REFERENCES feed (number),
    published INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (feed, article)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX coming_name_article ON coming_name (article);
  `,
  `
  -- Checksums, which are checked whenever a row is read. Of each list, its parts with their sums. Entries and tombstones have
  -- the revision of their article, so that an article of another revision is noticed.
  ALTER TABLE article ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE article ADD COLUMN article_checksum INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE article ADD COLUMN record_checksum INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE entry ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE tombstone ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE place ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE source ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE setting ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE key ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE audit ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE feed ADD COLUMN entries BLOB NOT NULL DEFAULT x'';
  ALTER TABLE feed ADD COLUMN expiries BLOB NOT NULL DEFAULT x'';
  ALTER TABLE feed ADD COLUMN tombstones BLOB NOT NULL DEFAULT x'';
  ALTER TABLE feed ADD COLUMN coming BLOB NOT NULL DEFAULT x'';
  ALTER TABLE feed ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;

  ALTER TABLE revision ADD COLUMN articles BLOB NOT NULL DEFAULT x'';
  ALTER TABLE revision ADD COLUMN withdrawn BLOB NOT NULL DEFAULT x'';
  ALTER TABLE revision ADD COLUMN expiring BLOB NOT NULL DEFAULT x'';
  ALTER TABLE revision ADD COLUMN single_audits BLOB NOT NULL DEFAULT x'';
  ALTER TABLE revision ADD COLUMN range_audits BLOB NOT NULL DEFAULT x'';
  ALTER TABLE revision ADD COLUMN feeds BLOB NOT NULL DEFAULT x'';
  ALTER TABLE revision ADD COLUMN sources BLOB NOT NULL DEFAULT x'';
  ALTER TABLE revision ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
  ${SEAL_ROWS}
  UPDATE feed SET checksum = row_checksum(${FEED_COLUMNS_10});
  ${SEAL_STORE}
  `,
  `
  -- The history of a feed in pages, each from its lowest key up to the next page. The last page of a feed is open: it has the
  -- entries that are in no page of the archive yet. Pages are numbered in the order in which they were made.
  CREATE TABLE archive_page (
    feed INTEGER NOT NULL REFERENCES feed (number),
    published INTEGER NOT NULL,
    tie INTEGER NOT NULL,
    page INTEGER NOT NULL,
    -- of a page that is not open
    entries INTEGER NOT NULL,
    -- when an entry last came, changed or left
    changed INTEGER NOT NULL,
    PRIMARY KEY (feed, published, tie)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX archive_page_number ON archive_page (feed, page);
  -- How many entries are in pages that are not open; the newest of these pages, and the open one, or 0; and when something
  -- changed that every document of the feed shows.
  ALTER TABLE feed ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE feed ADD COLUMN newest_page INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE feed ADD COLUMN open_page INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE feed ADD COLUMN head_changed INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE feed ADD COLUMN pages BLOB NOT NULL DEFAULT x'';

  -- A row whose checksum does not match has been damaged: it stays so.
  UPDATE feed SET checksum = row_checksum(${FEED_COLUMNS_11})
  WHERE checksum = row_checksum(${FEED_COLUMNS_10});

  -- A store without this setting has lost it.
  ${SET_NO_SIZES}
  `,
  `
  -- The keys of partners have the partner's id, and keys may expire. The program knows the scopes.
  ALTER TABLE key RENAME TO key_11;
  CREATE TABLE key (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    scope TEXT NOT NULL,
    hash BLOB NOT NULL,
    created INTEGER NOT NULL,
    revoked INTEGER,
    checksum INTEGER NOT NULL DEFAULT 0,
    expires INTEGER,
    partner TEXT,
    CHECK ((scope = 'partner') = (partner IS NOT NULL))
  ) STRICT, WITHOUT ROWID;
  -- A row whose checksum does not match has been damaged: it stays so.
  INSERT INTO key
  SELECT id, name, scope, hash, created, revoked,
    CASE WHEN checksum = row_checksum(${KEY_COLUMNS_11})
      THEN row_checksum(${KEY_COLUMNS_11}, NULL, NULL) ELSE checksum END, NULL, NULL
  FROM key_11;
  DROP TABLE key_11;

  -- Of each article in feeds that has them: the end of its rights, and the date of its correction.
  CREATE TABLE syndication (
    article INTEGER PRIMARY KEY REFERENCES article (number),
    revision INTEGER NOT NULL DEFAULT 0,
    rights_end INTEGER,
    corrected INTEGER
  ) STRICT;
  CREATE INDEX syndication_corrected ON syndication (corrected, article) WHERE corrected IS NOT NULL;

  -- The end of the rights of each article that is not withdrawn, in each of its feeds.
  CREATE TABLE rights_end (
    feed INTEGER NOT NULL REFERENCES feed (number),
    at INTEGER NOT NULL,
    article INTEGER NOT NULL REFERENCES article (number),
    revision INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (feed, at, article)
  ) STRICT, WITHOUT ROWID;
  ALTER TABLE feed ADD COLUMN rights BLOB NOT NULL DEFAULT x'';
  -- When articles of the feed changed last, by their age at that time: see aged-changes.ts.
  ALTER TABLE feed ADD COLUMN aged_changes BLOB NOT NULL DEFAULT x'';
  UPDATE feed SET checksum = row_checksum(${FEED_COLUMNS_13})
  WHERE checksum = row_checksum(${FEED_COLUMNS_11});

  ALTER TABLE revision ADD COLUMN syndication BLOB NOT NULL DEFAULT x'';
  ALTER TABLE revision ADD COLUMN corrections BLOB NOT NULL DEFAULT x'';
  UPDATE revision SET checksum = row_checksum(${STORE_COLUMNS_12})
  WHERE checksum = row_checksum(${STORE_COLUMNS_11});
  `,
  `
  -- Of each article that has left a feed, or was in it for more partners: how it was there. See former-members.ts.
  CREATE TABLE former_member (
    article INTEGER NOT NULL REFERENCES article (number),
    feed INTEGER NOT NULL REFERENCES feed (number),
    -- those of the article
    revision INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    -- when it left last, and with which revision
    left_at INTEGER NOT NULL,
    left_revision INTEGER NOT NULL,
    -- as JSON
    stays TEXT NOT NULL,
    checksum INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (article, feed)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX former_member_feed ON former_member (feed, revision);
  CREATE INDEX former_member_left ON former_member (left_at, article);
  ALTER TABLE revision ADD COLUMN former_feeds BLOB NOT NULL DEFAULT x'';
  ALTER TABLE revision ADD COLUMN former_members BLOB NOT NULL DEFAULT x'';
  ALTER TABLE revision ADD COLUMN departures BLOB NOT NULL DEFAULT x'';

  -- Files are found by the checksums of their paths: a list, so that a lost row is noticed.
  ALTER TABLE media_use ADD COLUMN path_checksum INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX media_use_path ON media_use (path_checksum, article);
  ALTER TABLE revision ADD COLUMN media_uses BLOB NOT NULL DEFAULT x'';
  ${SEAL_MEDIA_USES}
  UPDATE revision SET checksum = row_checksum(${STORE_COLUMNS})
  WHERE checksum = row_checksum(${STORE_COLUMNS_12});
  `,
  `
  -- Of each system that the service tells of changes, what it knows, and when there is something to tell. See outbox.ts.
  CREATE TABLE outbox (
    target TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    -- what the service was when it last told everything
    program TEXT NOT NULL,
    -- how often everything was to be told
    epoch INTEGER NOT NULL,
    -- It knows all changes up to this revision, and all that time has changed up to this moment. -1: nothing.
    revision INTEGER NOT NULL,
    at INTEGER NOT NULL,
    -- Up to these it was told once, and is to be told again.
    sent_revision INTEGER,
    sent_at INTEGER,
    -- when there is something to tell; nothing that is known where it is missing
    due INTEGER,
    -- no attempt before
    not_before INTEGER NOT NULL,
    -- the process that tells, and until when no other one does
    owner TEXT,
    lease_until INTEGER NOT NULL,
    -- attempts in a row that have failed, since when, and why the last one did
    failures INTEGER NOT NULL,
    failing_since INTEGER,
    last_error TEXT,
    checksum INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- the revision of the last change that readers could see when it was made
  ALTER TABLE feed ADD COLUMN shown_revision INTEGER NOT NULL DEFAULT 0;
  -- A row whose checksum does not match has been damaged: it stays so.
  UPDATE feed SET checksum = row_checksum(${FEED_COLUMNS})
  WHERE checksum = row_checksum(${FEED_COLUMNS_13});
  `,
  `
  -- when a target is to be told again although no feed has changed
  ALTER TABLE outbox ADD COLUMN again_at INTEGER;
  -- the machines whose services name the target, as JSON
  ALTER TABLE outbox ADD COLUMN named_by TEXT NOT NULL DEFAULT '[]';
  -- A row whose checksum does not match has been damaged: it stays so.
  UPDATE outbox SET checksum = row_checksum(${OUTBOX_COLUMNS})
  WHERE checksum = row_checksum(${OUTBOX_COLUMNS_14});
  `,
];
