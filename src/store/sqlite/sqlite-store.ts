import type { NamedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { Change, Outcome, Scope, SourceFile, Store, StoredKey } from '../store.ts';
import { createApply } from './changes.ts';
import { openCheckpoints } from './checkpoints.ts';
import { inOurWords, type OpenOptions, openDatabase, READERS } from './database.ts';
import { createEntries } from './entries.ts';
import { createExternalChanges } from './external-changes.ts';
import { articlesOf, findRecord, identitiesOf, listRecords, pageOfRecords } from './records.ts';
import { createRules } from './rules.ts';
import { snapshotOf } from './snapshot.ts';
import { hasReaders, lastRevision, prepareStatements } from './statements.ts';

/** What the database answers, not looked at yet. */
type Row = Readonly<Record<string, unknown>>;

/**
 * The store on SQLite.
 *
 * @param file the database's path, or `:memory:` for one that ends with the process
 * @throws PublisherError `store_outdated`, `store_too_new`, `store_unavailable`
 */
export function openSqliteStore(file: string, options: OpenOptions = {}): Store {
  const store = inOurWords(openStore)(file, options);
  const methods = Object.entries(store).map(([name, method]) => [name, inOurWords(method)]);
  return Object.fromEntries(methods) as Store;
}

function openStore(file: string, options: OpenOptions): Store {
  const db = openDatabase(file, options);
  const checkpoints = options.isBulk ? openCheckpoints(file) : undefined;
  const sql = prepareStatements(db);
  const externalChanges = createExternalChanges(sql);
  const rules = createRules(sql);
  const entries = createEntries(sql, rules);
  const apply = createApply({ sql, entries, rules });

  function transaction<Result>(work: () => Result): Result {
    try {
      db.exec('BEGIN IMMEDIATE');
      const hasForeign = externalChanges.look();
      const result = work();
      const revision = lastRevision(sql);
      db.exec('COMMIT');
      if (!hasForeign) externalChanges.skipTo(revision); // what this process does itself is no externalChanges to it
      return result;
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK'); // a full disk has rolled back already
      entries.forgetNumbers();
      throw error;
    }
  }

  function rehearse(changes: readonly Change[], now: () => Instant): Outcome[] {
    try {
      db.exec('BEGIN IMMEDIATE');
      return apply(changes, now);
    } finally {
      if (db.isTransaction) db.exec('ROLLBACK');
      entries.forgetNumbers();
    }
  }

  return {
    backfillFeeds: async (feeds, now) => transaction(() => rules.backfillFeeds(feeds, now)),
    rules: async () => rules.list(),
    apply: async (changes, now) => transaction(() => apply(changes, now)),
    rehearse: async (changes, now) => rehearse(changes, now),
    touchAllFeeds: async (now) => {
      transaction(() => {
        const revision = lastRevision(sql) + 1;
        sql.saveRevision.run(revision);
        sql.touchAllFeeds.run({ at: now(), revision });
      });
    },
    markServed: async () => {
      if (!hasReaders(sql)) transaction(() => sql.saveSetting.run(READERS, 'admitted'));
    },
    snapshot: async (key, at, options) => snapshotOf(sql, key, at, options),
    articles: async (numbers) => articlesOf(sql, numbers),
    feeds: async (at) => sql.feeds.all({ at }) as unknown as NamedKey[],
    lastRevision: async () => lastRevision(sql),
    mayHaveExternalChanges: externalChanges.mayHaveExternalChanges,
    takeExternallyChangedFeeds: async () => externalChanges.takeExternallyChangedFeeds(),

    find: async (id) => findRecord(sql, id),
    identities: async (ids) => identitiesOf(sql, ids),
    list: async (options) => listRecords(sql, options),
    page: async (after, limit) => pageOfRecords(sql, after, limit),
    newerThan: async (key, number, at, limit) => Number(sql.newerThan.get({ key, number, at, limit })?.newer),
    memberships: async (number) => {
      rules.catchUp();
      return entries.feedsOf(number).all.map(({ key }) => key);
    },
    count: async () => Number(sql.count.get()?.count),

    sources: async () => sql.sources.all().map(sourceFile),
    setting: async (name) => (sql.setting.get(name) as { value: string } | undefined)?.value,
    saveSetting: async (name, value) => {
      transaction(() => sql.saveSetting.run(name, value));
    },

    createKey: async ({ id, name, scope, hash, createdAt }) => {
      transaction(() => sql.createKey.run(id, name, scope, hash, createdAt));
    },
    key: async (id) => {
      const row = sql.key.get(id);
      return row === undefined ? undefined : storedKey(row);
    },
    keys: async () => sql.keys.all().map(storedKey),
    revokeKey: async (id, at) => transaction(() => sql.revokeKey.run(at, id).changes > 0),

    close: async () => {
      await checkpoints?.close();
      db.close();
    },
  };
}

function sourceFile({ id, path, signature, media }: Row): SourceFile {
  return {
    id: String(id),
    path: String(path ?? ''),
    signature: String(signature),
    media: JSON.parse(String(media)) as string[],
  };
}

function storedKey({ id, name, scope, hash, created, revoked }: Row): StoredKey {
  return omitUndefined({
    id: String(id),
    name: String(name),
    scope: scope as Scope,
    hash: hash as Uint8Array,
    createdAt: Number(created),
    revokedAt: revoked === null ? undefined : Number(revoked),
  });
}
