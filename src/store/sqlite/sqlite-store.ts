import type { DatabaseSync } from 'node:sqlite';
import { isStoreDamage } from '../../errors.ts';
import type { Instant } from '../../lib/instant.ts';
import type { Submit } from '../operations.ts';
import type { OutboxStore } from '../outbox-store.ts';
import type { Projection } from '../projection.ts';
import { type Change, LOCAL_SETTINGS, type Outcome, SITE_SETTINGS, type Store } from '../store.ts';
import { createArchiveReader } from './archive-reader.ts';
import { createArticleBlocks } from './article-blocks.ts';
import { applyChanges } from './changes.ts';
import { type Checkpoints, createCheckpoints, openCheckpoints } from './checkpoints.ts';
import { createDamageRecord, type DamageRecord, damaged } from './damage.ts';
import { type OpenOptions, openDatabase, storeError, withSchemaErrors, withStoreErrors } from './database.ts';
import { createFeedFilling } from './feed-filling.ts';
import { createFeedGlances } from './feed-glances.ts';
import { createFeedTotals } from './feed-totals.ts';
import { createFeedsOfKind } from './feeds-of-kind.ts';
import { createFormerMembers } from './former-members.ts';
import { createHistoryDivision } from './history-division.ts';
import { createKeys, type Keys } from './keys.ts';
import { HIGHEST } from './list-parts.ts';
import { createListing } from './listing.ts';
import { createOperations } from './operations.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { createOverwriting, type Overwriting } from './overwriting.ts';
import { createPartnerEvents } from './partner-events.ts';
import { createPartnerSnapshots } from './partner-snapshots.ts';
import { createProjection, type RunTransaction, submitHere, unlessFollowing } from './projection.ts';
import { createRecords } from './records.ts';
import { createReplacedFileCheck } from './replaced-file.ts';
import { createSnapshots } from './snapshot.ts';
import { countStatuses } from './status-counts.ts';
import { createSyndicationEnds } from './syndication-ends.ts';
import { openTables, type Tables } from './tables.ts';
import { createTurns, withWriteLock } from './write-lock.ts';

/**
 * The store on SQLite.
 *
 * @param file the database's path, or `:memory:` for a store that ends with the process
 * @throws PublisherError `store_outdated`, `store_too_new`, `store_unavailable`, `store_damaged`
 */
export function openSqliteStore(file: string, options: OpenOptions = {}): Store {
  return openWith(file, options).store;
}

/**
 * The store on SQLite as a projection of a log.
 *
 * @param submit has operations made, instead of making them at once
 * @throws PublisherError as `openSqliteStore`
 */
export function openProjectedStore(file: string, options: OpenOptions, submit: Submit): ProjectedStore {
  return openWith(file, options, submit);
}

export interface ProjectedStore {
  readonly store: Store;
  readonly projection: Projection;
}

function openWith(file: string, options: OpenOptions, submit?: Submit): ProjectedStore {
  const damage = createDamageRecord(file);
  const { store, projection } = withStoreErrors(withSchemaErrors(openStore))(file, options, damage, submit);
  return { store: withNotes(store, damage), projection: withNotes(projection, damage) };
}

/** The same methods, which throw errors of the store, and note damage. */
function withNotes<Methods extends object>(methods: Methods, damage: DamageRecord): Methods {
  const wrapped = Object.entries(methods).map(([name, method]) => [name, withStoreErrors(method, damage.note)]);
  return Object.fromEntries(wrapped) as Methods;
}

/** For operations that need no moment of their own. */
const NO_MOMENT = () => 0;

/** What a power failure takes from a projection is made again: the log has it. */
const LOG_IS_ON_DISK = 'PRAGMA synchronous = NORMAL';

const LOCAL: ReadonlySet<string> = new Set(LOCAL_SETTINGS);

function openStore(file: string, options: OpenOptions, damage: DamageRecord, submitTo?: Submit): ProjectedStore {
  const db = openDatabase(file, options);
  if (submitTo !== undefined) db.exec(LOG_IS_ON_DISK);
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
  const division = createHistoryDivision(tables);
  const glances = createFeedGlances(db, { lists, feeds, snapshots });
  const blocks = createArticleBlocks(db, { lists, feeds, reading });
  const feedTotals = createFeedTotals({ lists, feeds, reading });
  const partnerSnapshot = createPartnerSnapshots(db, { lists, feeds, snapshots, storeRow });
  const keysOf = (number: number) => {
    const member = records.member(number);
    rules.catchUp();
    return member === undefined ? [] : entries.keysOf(member);
  };
  const outbox = createOutbox(db, { storeRow, keysOf });
  const keys = createKeys(db);
  const operations = createOperations(db, { tables, division, keys, outbox });
  const { submit, submitterOf } = submitters(submitHere(operations, transaction), settings, submitTo);
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

  const store: Store = {
    backfillFeeds: async (feeds, now, most) => submit('backfillFeeds', now, feeds, most ?? null),
    fillFeeds: createFeedFilling(tables, submit),
    fillingFeeds: async () => reading(rules.filling).length,
    rules: async () => reading(rules.list),
    apply: async (changes, now) => submit('apply', now, changes),
    rehearse: async (changes, now) => rehearsal(changes, now),
    configure: async (configuration, now) => submit('configure', now, configuration),
    touchAllFeeds: async (now) => submit('touchAllFeeds', now),
    markServed: async () => {
      if (!settings.wasServed()) await submit('markServed', NO_MOMENT);
    },
    snapshot: async (key, at, snapshotOptions) => reading(() => snapshots.snapshot(key, at, snapshotOptions)),
    archivePage: async (key, page, at) => reading(() => snapshots.archivePage(key, page, at)),
    archivePages: async (key, at) => reading(() => snapshots.archivePages(key, at)),
    setDocumentSizes: (sizes, now) => division.setDocumentSizes(submit, sizes, now),
    divideHistory: (after, now) => division.divideHistory(submit, after, now),
    partnerSnapshot: async (key, at, partnerOptions) => reading(() => partnerSnapshot(key, at, partnerOptions)),
    ...createPartnerEvents(db, tables),
    ...createFormerMembers(db, tables),
    pruneFormerMembers: async (before) =>
      formerRows.hasOlder(before) ? submit('pruneFormerMembers', NO_MOMENT, before) : 0,
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
    pruneAudit: async (before) => (audit.hasOlder(before) ? submit('pruneAudit', NO_MOMENT, before) : 0),

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
    saveSetting: async (name, value) => submitterOf(name)('saveSetting', NO_MOMENT, name, value),
    keepSetting: async (name, value) => submitterOf(name)('keepSetting', NO_MOMENT, name, value),

    ...outboxMethods(outbox, submit),
    ...keyMethods(keys, submit),

    close: async () => {
      await overwriting.close();
      await checkpoints.close();
      db.close();
    },
  };
  return { store, projection: createProjection({ settings, storeRow, operations, transaction }) };
}

function outboxMethods(outbox: Outbox, submit: Submit): OutboxStore {
  return {
    setOutboxTargets: async (targets, program, now, machine = '') =>
      submit('setOutboxTargets', now, targets, program, machine),
    outbox: async () => outbox.list(),
    claimOutbox: async (target, options, now) => submit('claimOutbox', now, target, options),
    renewOutbox: async (message, lease, now) => submit('renewOutbox', now, message, lease),
    settleOutbox: async (message, settlement, options, now) =>
      submit('settleOutbox', now, message, settlement, options),
    retryOutbox: async (target, now) => submit('retryOutbox', now, target),
    dropOutbox: async (target, options, now) => submit('dropOutbox', now, target, options),
    forgetOutbox: async (target) => submit('forgetOutbox', NO_MOMENT, target),
  };
}

function keyMethods(keys: Keys, submit: Submit): Pick<Store, 'createKey' | 'key' | 'keys' | 'revokeKey'> {
  return {
    createKey: async (key) => submit('createKey', NO_MOMENT, key),
    key: async (id) => keys.find(id),
    keys: async () => keys.list(),
    revokeKey: async (id, at) => submit('revokeKey', NO_MOMENT, id, at),
  };
}

/** Who makes the operations of a store; those about files of this machine are made here in any case. */
function submitters(here: Submit, settings: Tables['settings'], submitTo: Submit | undefined) {
  const submit = submitTo ?? unlessFollowing(settings, here);
  const isLocal = (setting: string) => LOCAL.has(setting) || setting.startsWith(SITE_SETTINGS);
  return { submit, submitterOf: (setting: string) => (isLocal(setting) ? here : submit) };
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

  const transaction: RunTransaction = (work, isForeign = false) => {
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
        if (isForeign) externalChanges.noteForeign();
        else if (!hasForeignCommit) externalChanges.skipTo(revision); // the process knows its own changes
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
  };

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
