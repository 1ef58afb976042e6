import type { DatabaseSync } from 'node:sqlite';
import { isStoreDamage } from '../../errors.ts';
import type { Instant } from '../../lib/instant.ts';
import type { Change, Outcome, Store } from '../store.ts';
import { createArchiveReader } from './archive-reader.ts';
import { createArchives } from './archives.ts';
import { createArticleBlocks } from './article-blocks.ts';
import { createArticleIndexes } from './article-indexes.ts';
import { createArticleRows } from './article-rows.ts';
import { createAudit } from './audit.ts';
import { createAuditTexts } from './audit-texts.ts';
import { applyChanges } from './changes.ts';
import { type Checkpoints, createCheckpoints, openCheckpoints } from './checkpoints.ts';
import { createConfiguration } from './configuration.ts';
import { createDamageRecord, type DamageRecord, damaged } from './damage.ts';
import { type OpenOptions, openDatabase, storeError, withSchemaErrors, withStoreErrors } from './database.ts';
import { createEntries } from './entries.ts';
import { createExternalChanges } from './external-changes.ts';
import { createFeedDates } from './feed-dates.ts';
import { createFeedFilling } from './feed-filling.ts';
import { createFeedGlances } from './feed-glances.ts';
import { createFeedReader } from './feed-reader.ts';
import { createFeedRows } from './feed-rows.ts';
import { createFeedTotals } from './feed-totals.ts';
import { createFeedsOfKind } from './feeds-of-kind.ts';
import { createFormerMembers } from './former-members.ts';
import { createFormerRows } from './former-rows.ts';
import { createHistoryDivision } from './history-division.ts';
import { createKeys } from './keys.ts';
import { HIGHEST } from './list-parts.ts';
import { createListing } from './listing.ts';
import { createLists } from './lists.ts';
import { createMediaUses } from './media-uses.ts';
import { createOutboxNotes, createOutboxStore } from './outbox.ts';
import { createOverwriting, type Overwriting } from './overwriting.ts';
import { createPartnerEvents } from './partner-events.ts';
import { createPartnerSnapshots } from './partner-snapshots.ts';
import { createReading } from './reading.ts';
import { createRecords } from './records.ts';
import { createReplacedFileCheck } from './replaced-file.ts';
import { createRules } from './rules.ts';
import { createSettings } from './settings.ts';
import { createSnapshots } from './snapshot.ts';
import { createSources } from './sources.ts';
import { countStatuses } from './status-counts.ts';
import { createStoreRow } from './store-row.ts';
import { createSyndicationEnds } from './syndication-ends.ts';
import { createSyndicationRows } from './syndication-rows.ts';
import { createTurns, withWriteLock } from './write-lock.ts';

/**
 * The store on SQLite.
 *
 * @param file the database's path, or `:memory:` for a store that ends with the process
 * @throws PublisherError `store_outdated`, `store_too_new`, `store_unavailable`, `store_damaged`
 */
export function openSqliteStore(file: string, options: OpenOptions = {}): Store {
  const damage = createDamageRecord(file);
  const store = withStoreErrors(withSchemaErrors(openStore))(file, options, damage);
  const methods = Object.entries(store).map(([name, method]) => [name, withStoreErrors(method, damage.note)]);
  return Object.fromEntries(methods) as Store;
}

function openStore(file: string, options: OpenOptions, damage: DamageRecord): Store {
  const db = openDatabase(file, options);
  const requireSameFile = createReplacedFileCheck(file);
  /** @throws PublisherError where no change may be made */
  function requireChangeable(): void {
    damage.refuse();
    requireSameFile();
  }
  const checkpoints = options.isBulk ? openCheckpoints(file) : createCheckpoints(db, file);
  const tables = openTables(db);
  const { audit, storeRow, lists, feeds, reading, settings, rules, entries, sources, mediaUses, externalChanges } =
    tables;
  const { formerRows } = tables;
  const overwriting = createOverwriting(db, file, settings);
  const { transaction, rehearsal } = createTransactions(db, tables, { overwriting, checkpoints, requireChangeable });
  const records = createRecords(db, tables.requireComplete);
  const archive = createArchiveReader(db, { lists, archives: tables.archives });
  const snapshots = createSnapshots(db, { lists, feeds, archive });
  const { changeSizes, setDocumentSizes, divideHistory } = createHistoryDivision({ ...tables, transaction });
  const glances = createFeedGlances(db, { lists, feeds, snapshots });
  const blocks = createArticleBlocks(db, { lists, feeds, reading });
  const feedTotals = createFeedTotals({ lists, feeds, reading });
  const partnerSnapshot = createPartnerSnapshots(db, { lists, feeds, snapshots, storeRow });
  const keys = createKeys(db);
  const keysOf = (number: number) => {
    const member = records.member(number);
    rules.catchUp();
    return member === undefined ? [] : entries.keysOf(member);
  };
  const list = createListing(db, { storeRow, lists, feeds, reading, feedsOf: keysOf });

  noteStaleRevision(tables, damage);

  /** A store that is damaged has no more changes by other processes. Documents that were made before are served on. */
  function unlessDamaged<Result>(work: () => Result, otherwise: Result): Result {
    try {
      return work();
    } catch (error) {
      const known = storeError(error);
      damage.note(known);
      if (isStoreDamage(known)) return otherwise;
      throw error;
    }
  }

  return {
    backfillFeeds: async (feeds, now, most = Number.POSITIVE_INFINITY) =>
      transaction(() => rules.backfillFeeds(feeds, now, most)),
    fillFeeds: createFeedFilling(db, { ...tables, transaction }),
    fillingFeeds: async () => reading(rules.filling).length,
    rules: async () => reading(rules.list),
    apply: async (changes, now) => transaction(() => applyChanges(tables, changes, now)),
    rehearse: async (changes, now) => rehearsal(changes, now),
    ...createConfiguration({ ...tables, changeSizes, transaction }),
    markServed: async () => {
      if (!settings.wasServed()) await transaction(settings.markServed);
    },
    snapshot: async (key, at, snapshotOptions) => reading(() => snapshots.snapshot(key, at, snapshotOptions)),
    archivePage: async (key, page, at) => reading(() => snapshots.archivePage(key, page, at)),
    archivePages: async (key, at) => reading(() => snapshots.archivePages(key, at)),
    setDocumentSizes,
    divideHistory,
    partnerSnapshot: async (key, at, partnerOptions) => reading(() => partnerSnapshot(key, at, partnerOptions)),
    ...createPartnerEvents(db, tables),
    ...createFormerMembers(db, tables),
    pruneFormerMembers: async (before) =>
      formerRows.hasOlder(before) ? transaction(() => formerRows.prune(before)) : 0,
    syndicationEnds: createSyndicationEnds(db, tables),
    articles: async (numbers) => records.articles(numbers),
    feeds: async (at) => reading(() => snapshots.feeds(at)),
    listFeeds: feedTotals.list,
    feedTotal: async (key, at) => reading(() => feedTotals.total(key, at)),
    feedKeys: async () => reading(glances.keys),
    seenFeeds: async (keys, at) => reading(() => glances.seen(keys, at)),
    usedFeeds: async (kind, at, useOptions) => reading(() => glances.used(kind, at, useOptions)),
    feedsOfKind: createFeedsOfKind({ lists, feeds, reading }),
    glance: async (key, at, glanceOptions) => reading(() => glances.glance(key, at, glanceOptions)),
    articleBlocks: blocks.all,
    entriesIn: async (span, at) => reading(() => blocks.entriesIn(span, at)),
    lastRevision: async () => storeRow.last(),
    check: async () => {
      requireChangeable();
      storeRow.last();
    },
    damage: () => damage.known(),
    whenDamaged: damage.whenFound,
    erasedAfter: async (revision) => records.erasedAfter(revision),
    overwriteErased: async () => {
      requireChangeable();
      return await overwriting.overwriteErased();
    },
    textsInUse: (texts) => records.textsInUse(texts),
    feedsChangedAfter: async (revision) => reading(() => externalChanges.feedsChangedAfter(revision)),
    mayHaveExternalChanges: () => unlessDamaged(externalChanges.mayHaveExternalChanges, false),
    takeExternallyChangedFeeds: async () => unlessDamaged(externalChanges.takeExternallyChangedFeeds, []),

    history: (id) => audit.history(id),
    auditAfter: async (revision, limit) => audit.after(revision, limit),
    // Without an old row, it does not wait for other writers.
    pruneAudit: async (before) => (audit.hasOlder(before) ? transaction(() => audit.prune(before)) : 0),

    find: async (id) => records.find(id),
    identities: async (ids) => records.identities(ids),
    revisions: async (ids) => records.revisions(ids),
    list,
    page: async (after, limit) => records.page(after, limit),
    newerThan: async (key, number, at, limit) => reading(() => snapshots.newerThan(key, number, at, limit)),
    memberships: async (number) => reading(() => keysOf(number)),
    count: async () => storeRow.count(),
    statusCounts: async (at) => reading(() => countStatuses({ lists, feeds, storeRow, idOf: records.idOf }, at)),

    isMediaVisible: async (path, at) => reading(() => mediaUses.isVisible(path, at)),
    sources: async () => reading(() => sources.list()),
    setting: async (name) => settings.get(name),
    saveSetting: async (name, value) => transaction(() => settings.save(name, value)),
    keepSetting: async (name, value) => transaction(() => settings.keep(name, value)),

    ...createOutboxStore(db, { ...tables, keysOf, transaction }),
    createKey: async (key) => transaction(() => keys.create(key)),
    key: async (id) => keys.find(id),
    keys: async () => keys.list(),
    revokeKey: async (id, at) => transaction(() => keys.revoke(id, at)),

    close: async () => {
      await overwriting.close();
      await checkpoints.close();
      db.close();
    },
  };
}

/**
 * Notes where the newest articles and the revision of the store do not belong together, as after the loss of a part of the log
 * that was moved into the file in part. What is whole is served.
 */
function noteStaleRevision({ storeRow, lists, reading }: Tables, damage: DamageRecord): void {
  try {
    reading(() => {
      const [newest] = lists.down(storeRow.list('articles'), HIGHEST);
      if (Number(newest?.[0] ?? 0) > storeRow.last()) throw damaged('an article is newer than its revision');
    });
  } catch (error) {
    const known = storeError(error);
    damage.note(known);
    if (!isStoreDamage(known)) throw error;
  }
}

type Tables = ReturnType<typeof openTables>;

/** The parts of the store that take part in a transaction. */
function openTables(db: DatabaseSync) {
  const reading = createReading(db);
  const lists = createLists(db);
  const storeRow = createStoreRow(db, lists);
  const requireComplete = createArticleIndexes(db, { storeRow, reading });
  const settings = createSettings(db);
  const archives = createArchives(db, { lists, settings });
  const feedRows = createFeedRows(db, { lists, storeRow, archives: archives.updates });
  const outboxNotes = createOutboxNotes(db);
  const feedDates = createFeedDates(db, feedRows, outboxNotes.noteDue);
  const feeds = createFeedReader(db, { lists, storeRow });
  const rules = createRules(db, { storeRow, lists, feeds, feedRows, feedDates, archives });
  return {
    reading,
    lists,
    storeRow,
    feeds,
    feedRows,
    feedDates,
    outboxNotes,
    rules,
    settings,
    archives,
    rows: createArticleRows(db, { storeRow, requireComplete }),
    requireComplete,
    entries: createEntries(db, { rules, feedRows, lists, syndication: createSyndicationRows(db, storeRow) }),
    audit: createAudit(db, { storeRow, lists, reading }),
    auditTexts: createAuditTexts(db),
    sources: createSources(db, storeRow),
    formerRows: createFormerRows(db, { storeRow, feedRows }),
    mediaUses: createMediaUses(db, { storeRow, lists }),
    externalChanges: createExternalChanges(db, { storeRow, feedDates }),
  };
}

interface TransactionsParts {
  readonly overwriting: Overwriting;
  readonly checkpoints: Checkpoints;
  /** Called before each transaction. */
  readonly requireChangeable: () => void;
}

function createTransactions(
  db: DatabaseSync,
  tables: Tables,
  { overwriting: { rewriting }, checkpoints, requireChangeable }: TransactionsParts,
) {
  const { storeRow, sources, feedRows, archives, externalChanges, rules, settings, outboxNotes } = tables;
  /** What earlier transactions have left in memory is of this version of the store. */
  let version: number | undefined;

  function begin(): void {
    const current = externalChanges.dataVersion();
    if (current !== version) forget(); // another process has written
    version = current;
    archives.end();
    storeRow.begin();
    sources.begin();
  }

  function forget(): void {
    archives.end();
    feedRows.forget();
    storeRow.forget();
    outboxNotes.forget();
  }
  const inTurn = createTurns(); // of two changes to one article, the later one must stay the later one

  function transaction<Result>(work: () => Result): Promise<Result> {
    const write = () => {
      try {
        const hasForeignCommit = externalChanges.hasForeignCommit();
        begin();
        const result = work();
        feedRows.save();
        outboxNotes.save();
        archives.end();
        const revision = storeRow.last();
        storeRow.save();
        db.exec('COMMIT');
        checkpoints.afterCommit();
        if (!hasForeignCommit) externalChanges.skipTo(revision); // the process knows its own changes
        return result;
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK'); // on a full disk, SQLite has rolled back already
        forget();
        rules.forget();
        settings.forget();
        throw error;
      }
    };
    return writing(write);
  }

  function rehearsal(changes: readonly Change[], now: () => Instant): Promise<Outcome[]> {
    const write = () => {
      try {
        begin();
        return applyChanges(tables, changes, now);
      } finally {
        if (db.isTransaction) db.exec('ROLLBACK');
        forget();
        settings.forget();
      }
    };
    return writing(write);
  }

  async function writing<Result>(write: () => Result): Promise<Result> {
    return await inTurn(async () => {
      requireChangeable();
      return await withWriteLock(db, rewriting, write);
    });
  }

  return { transaction, rehearsal };
}
