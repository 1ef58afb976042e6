// @module-tag soak
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { defineMigrationFunctions, migrateDatabase } from '../../../src/store/sqlite/database.ts';
import { MIGRATIONS } from '../../../src/store/sqlite/migrations.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import { dataFolder } from '../../helpers.ts';
import { sized } from '../../soak/sizes.ts';
import { outboxContract } from '../outbox.contract.ts';

outboxContract('SQLite', async () => openSqliteStore(':memory:'), sized({ short: 6, soak: 500, full: 10_000 }));

test('a row that is damaged tells everything once more', async () => {
  const file = `${await dataFolder()}/store.sqlite`;
  const now = () => Date.UTC(2026, 10, 20);
  const target = { id: 'varnish:http://cdn/', kind: 'purge' };
  const options = { most: 10, tombstonesFor: 1000 };
  const store = openSqliteStore(file);
  await store.setOutboxTargets([target], '1', now);
  const message = await store.claimOutbox(target.id, { ...options, owner: 'me', lease: 1000 }, now);
  if (message !== undefined) await store.settleOutbox(message, { result: 'told', repeatAfter: 0 }, options, now);
  expect(await store.outbox()).toMatchObject([{ isEverything: false }]);
  await store.close();
  const db = new DatabaseSync(file);
  db.exec('UPDATE outbox SET revision = 1000');
  db.close();
  const again = openSqliteStore(file);

  expect(await again.outbox()).toEqual([{ ...target, due: 0, notBefore: 0, isEverything: true, failures: 0 }]);
  await again.close();
});

test('a row of the schema before is whole in this one', async () => {
  const file = `${await dataFolder()}/store.sqlite`;
  const db = new DatabaseSync(file);
  defineMigrationFunctions(db);
  for (const step of MIGRATIONS.slice(0, 14)) db.exec(step);
  const values = "'varnish:http://cdn/', 'purge', '1', 0, 7, 1000, NULL, NULL, 2000, 0, NULL, 0, 0, NULL, NULL";
  db.exec(`INSERT INTO outbox VALUES (${values}, row_checksum(${values}))`);
  db.exec('PRAGMA user_version = 14');
  db.close();
  const migrated = migrateDatabase(file);
  const store = openSqliteStore(file);

  expect(migrated).toEqual({ from: 14, to: MIGRATIONS.length });
  expect(await store.outbox()).toEqual([
    { id: 'varnish:http://cdn/', kind: 'purge', due: 2000, notBefore: 0, isEverything: false, failures: 0 },
  ]);
  await store.close();
});
