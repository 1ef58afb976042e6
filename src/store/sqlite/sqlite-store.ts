import type { DatabaseSync } from 'node:sqlite';
import type { Instant } from '../../lib/instant.ts';
import type { Change, Outcome, Store } from '../store.ts';
import { createArticleRows } from './article-rows.ts';
import { createAudit } from './audit.ts';
import { createAuditTexts } from './audit-texts.ts';
import { applyChanges } from './changes.ts';
import { openCheckpoints } from './checkpoints.ts';
import { type OpenOptions, openDatabase, withStoreErrors } from './database.ts';
import { createEntries } from './entries.ts';
import { createExternalChanges } from './external-changes.ts';
import { createFeedDates } from './feed-dates.ts';
import { createFeedTotals } from './feed-totals.ts';
import { createKeys } from './keys.ts';
import { createListing } from './listing.ts';
import { createMediaUses } from './media-uses.ts';
import { createOverwriting, type Overwriting } from './overwriting.ts';
import { createRecords } from './records.ts';
import { createRevisionCounter } from './revision.ts';
import { createRules } from './rules.ts';
import { createSettings } from './settings.ts';
import { createSnapshots } from './snapshot.ts';
import { createSources } from './sources.ts';
import { createTurns, withWriteLock } from './write-lock.ts';

/**
 * The store on SQLite.
 *
 * @param file the database's path, or `:memory:` for a store that ends with the process
 * @throws PublisherError `store_outdated`, `store_too_new`, `store_unavailable`
 */
export function openSqliteStore(file: string, options: OpenOptions = {}): Store {
  const store = withStoreErrors(openStore)(file, options);
  const methods = Object.entries(store).map(([name, method]) => [name, withStoreErrors(method)]);
  return Object.fromEntries(methods) as Store;
}

function openStore(file: string, options: OpenOptions): Store {
  const db = openDatabase(file, options);
  const checkpoints = options.isBulk ? openCheckpoints(file) : undefined;
  const tables = openTables(db);
  const { audit, revisions, settings, feedDates, rules, entries, sources, mediaUses, externalChanges } = tables;
  const overwriting = createOverwriting(db, file, settings);
  const { transaction, rehearsal } = createTransactions(db, tables, overwriting);
  const records = createRecords(db);
  const snapshots = createSnapshots(db);
  const list = createListing(db);
  const feedTotals = createFeedTotals(db);
  const keys = createKeys(db);

  return {
    backfillFeeds: async (feeds, now) => transaction(() => rules.backfillFeeds(feeds, now)),
    rules: async () => rules.list(),
    apply: async (changes, now) => transaction(() => applyChanges(tables, changes, now)),
    rehearse: async (changes, now) => rehearsal(changes, now),
    touchAllFeeds: async (now) => {
      await transaction(() => {
        const revision = revisions.last() + 1;
        revisions.save(revision);
        feedDates.touchAll(now(), revision);
      });
    },
    markServed: async () => {
      if (!settings.wasServed()) await transaction(settings.markServed);
    },
    snapshot: async (key, at, snapshotOptions) => snapshots.snapshot(key, at, snapshotOptions),
    articles: async (numbers) => records.articles(numbers),
    feeds: async (at) => snapshots.feeds(at),
    listFeeds: feedTotals.list,
    feedTotal: feedTotals.total,
    lastRevision: async () => revisions.last(),
    erasedAfter: async (revision) => records.erasedAfter(revision),
    overwriteErased: overwriting.overwriteErased,
    textsInUse: (texts) => records.textsInUse(texts),
    mayHaveExternalChanges: externalChanges.mayHaveExternalChanges,
    takeExternallyChangedFeeds: async () => externalChanges.takeExternallyChangedFeeds(),

    history: (id) => audit.history(id),
    auditAfter: async (revision, limit) => audit.after(revision, limit),
    // Without an old row, it does not wait for other writers.
    pruneAudit: async (before) => (audit.hasOlder(before) ? transaction(() => audit.prune(before)) : 0),

    find: async (id) => records.find(id),
    identities: async (ids) => records.identities(ids),
    revisions: async (ids) => records.revisions(ids),
    list: async (listOptions) => list(listOptions),
    page: async (after, limit) => records.page(after, limit),
    newerThan: async (key, number, at, limit) => snapshots.newerThan(key, number, at, limit),
    memberships: async (number) => {
      rules.catchUp();
      return entries.feedsOf(number, 0).all.map(({ key }) => key);
    },
    count: async () => records.count(),

    isMediaVisible: async (path, at) => mediaUses.isVisible(path, at),
    sources: async () => sources.list(),
    setting: async (name) => settings.get(name),
    saveSetting: async (name, value) => transaction(() => settings.save(name, value)),

    createKey: async (key) => transaction(() => keys.create(key)),
    key: async (id) => keys.find(id),
    keys: async () => keys.list(),
    revokeKey: async (id, at) => transaction(() => keys.revoke(id, at)),

    close: async () => {
      await overwriting.close();
      await checkpoints?.close();
      db.close();
    },
  };
}

type Tables = ReturnType<typeof openTables>;

/** The parts of the store that take part in a transaction. */
function openTables(db: DatabaseSync) {
  const revisions = createRevisionCounter(db);
  const feedDates = createFeedDates(db);
  const rules = createRules(db, { revisions, feedDates });
  return {
    revisions,
    feedDates,
    rules,
    settings: createSettings(db),
    rows: createArticleRows(db),
    entries: createEntries(db, rules),
    audit: createAudit(db),
    auditTexts: createAuditTexts(db),
    sources: createSources(db),
    mediaUses: createMediaUses(db),
    externalChanges: createExternalChanges(db, { revisions, feedDates }),
  };
}

function createTransactions(db: DatabaseSync, tables: Tables, { rewriting }: Overwriting) {
  const { revisions, entries, externalChanges } = tables;
  const inTurn = createTurns(); // of two changes to one article, the later one must stay the later one

  function transaction<Result>(work: () => Result): Promise<Result> {
    const write = () => {
      try {
        const hasForeignCommit = externalChanges.hasForeignCommit();
        const result = work();
        const revision = revisions.last();
        db.exec('COMMIT');
        if (!hasForeignCommit) externalChanges.skipTo(revision); // the process knows its own changes
        return result;
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK'); // on a full disk, SQLite has rolled back already
        entries.forget();
        throw error;
      }
    };
    return inTurn(() => withWriteLock(db, rewriting, write));
  }

  function rehearsal(changes: readonly Change[], now: () => Instant): Promise<Outcome[]> {
    const write = () => {
      try {
        return applyChanges(tables, changes, now);
      } finally {
        if (db.isTransaction) db.exec('ROLLBACK');
        entries.forget();
      }
    };
    return inTurn(() => withWriteLock(db, rewriting, write));
  }

  return { transaction, rehearsal };
}
