import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { createEmpty } from '../../../src/store/sqlite/database.ts';
import { createSettings } from '../../../src/store/sqlite/settings.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import { DOCUMENT_SIZES } from '../../../src/store/store.ts';

function openSettings() {
  const db = createEmpty(':memory:');
  onTestFinished(() => db.close());
  return { db, settings: createSettings(db) };
}

test.each(['kept', undefined])('a setting that is %s is read once', (value) => {
  const { db, settings } = openSettings();
  if (value !== undefined) settings.save('colour', value);
  expect(settings.get('colour')).toBe(value);
  db.exec(`DELETE FROM setting; INSERT INTO setting (name, value, checksum) VALUES ('colour', 'damaged', 0)`);
  expect(settings.get('colour')).toBe(value);
});

test('a long setting is read each time', () => {
  const { db, settings } = openSettings();
  settings.save('masthead', 'x'.repeat(1_000_000));
  expect(settings.get('masthead')).toHaveLength(1_000_000);
  db.exec('DELETE FROM setting');
  expect(settings.get('masthead')).toBeUndefined();
});

test('a setting that is saved, kept or removed is read again', () => {
  const { settings } = openSettings();
  expect([settings.get('colour'), settings.keep('colour', 'red'), settings.get('colour')]).toEqual([
    undefined,
    'red',
    'red',
  ]);
  settings.save('colour', 'green');
  expect(settings.get('colour')).toBe('green');
  settings.removeValue('colour', 'red');
  expect(settings.get('colour')).toBe('green');
  settings.removeValue('colour', 'green');
  expect(settings.get('colour')).toBeUndefined();
});

test('what another connection saves is read at once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'settings-'));
  const file = join(folder, 'store.sqlite');
  const databases = [createEmpty(file), new DatabaseSync(file)] as const;
  onTestFinished(() => {
    for (const db of databases) db.close();
    rmSync(folder, { recursive: true });
  });
  const [one, other] = [createSettings(databases[0]), createSettings(databases[1])];
  one.save('colour', 'red');
  expect([one.get('colour'), other.get('colour')]).toEqual(['red', 'red']);
  other.save('colour', 'green');
  expect([one.get('colour'), other.get('colour')]).toEqual(['green', 'green']);
});

test('after a transaction that failed, a setting has the value before it', async () => {
  const store = openSqliteStore(':memory:');
  const rules = [{ id: 'desk', select: { any: [], all: [], none: [] } }];
  const sizes = { entries: 20, feeds: [] };
  const before = await store.setting(DOCUMENT_SIZES);
  let calls = 0;
  const now = () => {
    calls += 1;
    if (calls === 3) throw new Error('no time'); // at the end of the rules, which have read the new sizes
    return 0;
  };
  const configured = store.configure({ rules, most: 100, sizes, isVisible: false, settings: {} }, now);
  await expect(configured).rejects.toThrow('no time');
  expect(await store.setting(DOCUMENT_SIZES)).toBe(before);
  await store.close();
});
