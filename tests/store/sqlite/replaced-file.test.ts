import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import { dataFolder } from '../../helpers.ts';

test.each<[string, (file: string) => Promise<void>]>([
  ['is removed', (file) => rm(file)],
  ['is moved away', (file) => rename(file, `${file}.old`)],
  [
    'is replaced by a copy',
    async (file) => {
      await copyFile(file, `${file}.copy`);
      await rename(`${file}.copy`, file);
    },
  ],
  [
    'is restored from a backup with its folder',
    async (file) => {
      await copyFile(file, `${file}.backup`);
      await rename(dirname(file), `${dirname(file)}.old`);
      await mkdir(dirname(file));
      await copyFile(join(`${dirname(file)}.old`, 'publisher.sqlite.backup'), file);
    },
  ],
])('a store whose file %s while it is open takes no change, which would be lost', async (_, replace) => {
  const folder = await dataFolder({ 'store/.keep': '' });
  const file = join(folder, 'store/publisher.sqlite');
  const store = openSqliteStore(file);
  onTestFinished(() => store.close());
  await store.saveSetting('before', '1');
  await replace(file);

  const refused = { code: 'store_unavailable', message: expect.stringContaining('is not the file that was opened') };
  await expect(store.saveSetting('after', '1')).rejects.toMatchObject(refused);
  await expect(store.overwriteErased()).rejects.toMatchObject(refused);
  await expect(store.check()).rejects.toMatchObject(refused);
  expect(await store.setting('before')).toBe('1');
  expect(await store.setting('after')).toBeUndefined();
});
