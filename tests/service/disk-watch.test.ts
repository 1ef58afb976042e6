import { truncate } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { PublisherError } from '../../src/errors.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { watchDisk } from '../../src/service/disk-watch.ts';
import { dataFolder } from '../helpers.ts';

const TERABYTE = 1e12;

async function watched() {
  const folder = openDataFolder(await dataFolder());
  onTestFinished(folder.store.close);
  const errors: Error[] = [];
  const store = {
    ...folder.store,
    apply: async () => {
      const error = errors.shift();
      if (error !== undefined) throw error;
      return [];
    },
  };
  return { folder, errors, watch: watchDisk({ ...folder, store }) };
}

test('a change that found no room is a problem until the next one finds some', async () => {
  const { errors, watch } = await watched();
  const change = () => watch.store.apply([], Date.now).catch(() => undefined);
  const isFull = async () => (await watch.look()).problem?.startsWith('The disk was full at the last change') ?? false;

  expect(await isFull()).toBe(false);
  errors.push(new PublisherError('insufficient_storage', 'The disk is full.'));
  await change();
  expect(await isFull()).toBe(true);
  await change();
  expect(await isFull()).toBe(false);
  errors.push(new PublisherError('store_unavailable', 'The store is away.'));
  await change();
  expect(await isFull()).toBe(false);
});

test('a log for which the disk has not twice its room is a problem', async () => {
  const { folder, watch } = await watched();
  await truncate(`${folder.storeFile}-wal`, 10 * TERABYTE); // of a sparse file
  const { facts, problem } = await watch.look();

  expect(facts).toMatchObject({ revision: 0, logBytes: 10 * TERABYTE, bytes: expect.any(Number) });
  expect(problem).toBe(
    `The disk is nearly full: ${Math.floor(facts.freeBytes / 1e6)} MB are free, and at least 20000000 MB should be. Make room.`,
  );
});

test('a store in memory has no files', async () => {
  const folder = openDataFolder(await dataFolder(), { storeFile: ':memory:' });
  onTestFinished(folder.store.close);
  expect((await watchDisk(folder).look()).facts).toMatchObject({ bytes: 0, logBytes: 0 });
});

test('a folder that is gone is a problem', async () => {
  const { folder } = await watched();
  expect((await watchDisk({ ...folder, path: `${folder.path}/gone` }).look()).problem).toBe(
    'The disk of the data folder cannot be read.',
  );
});
