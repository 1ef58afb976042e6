import type { Dirent, Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { beforeEach, expect, test, vi } from 'vitest';
import { createChangeQueue } from '../../../src/ingest/folder/change-queue.ts';
import { createChangedFiles, groups } from '../../../src/ingest/folder/changed-files.ts';
import { dirtyPaths } from '../../../src/ingest/folder/dirty-keys.ts';
import { createFileIndex } from '../../../src/ingest/folder/file-index.ts';
import { createPendingChanges } from '../../../src/ingest/folder/pending-changes.ts';
import { filesBelow } from '../../../src/ingest/import/list-files.ts';

vi.mock('node:fs/promises', { spy: true });

/** More names than a function can have arguments (about 125,000). The folder with them is made up. */
const COUNT = 130_000;
const names = Array.from({ length: COUNT }, (_, number) => `${String(number).padStart(6, '0')}.json`);
const folders = { articles: '/articles', media: '/media' };

beforeEach(() => {
  const entries = names.map(
    (name) => ({ name, isFile: () => true, isDirectory: () => false, isSymbolicLink: () => false }) as Dirent,
  );
  vi.mocked(readdir).mockImplementation((async () => entries) as unknown as typeof readdir);
  vi.mocked(stat).mockImplementation((async () => ({ size: 1, mtimeMs: 2 }) as Stats) as unknown as typeof stat);
  return () => void vi.resetAllMocks();
});

const otherFiles = { listed: async () => {} };

test('a folder of 130,000 files is listed', async () => {
  expect(await filesBelow('/articles')).toEqual(names);
});

test('changed, removed and new files are found among 130,000', async () => {
  const files = createFileIndex();
  for (const path of names.slice(1)) {
    files.setPublished({ path, id: path, media: [], signature: path === '000007.json' ? '1@1' : '1@2' });
  }
  files.setPublished({ path: 'removed.json', id: 'removed', media: [], signature: '1@2' });
  const fail = vi.fn();

  expect(await createChangedFiles({ folders, files, otherFiles, fail }).below('')).toEqual([
    'removed.json',
    '000000.json',
    '000007.json',
  ]);
  expect(fail).not.toHaveBeenCalled();
});

test('130,000 files that are all new or all removed are found', async () => {
  const files = createFileIndex();
  const { below } = createChangedFiles({ folders, files, otherFiles, fail: () => {} });

  expect(await below('')).toEqual(names);
  for (const path of names) files.setPublished({ path: `gone/${path}`, id: path, media: [], signature: '' });
  expect((await below('')).length).toBe(2 * COUNT);
});

test('130,000 changes go through the queue in batches', async () => {
  const pending = createPendingChanges();
  for (const name of names) pending.markDirty(name, 0);
  for (const name of names) pending.markRemoved(name, 0);
  const batches: number[] = [];
  for (let batch = pending.takeBatch(1000); batch && batch.length > 0; batch = pending.takeBatch(1000)) {
    batches.push(batch.length);
  }

  expect(batches).toEqual(Array(COUNT / 500).fill(500));
  const removed = pending.withdrawable(10_000, false);
  expect(removed).toHaveLength(COUNT);
  pending.forgetRemoved(removed);
  expect(pending.isEmpty()).toBe(true);
  expect([...groups(names)].flat()).toEqual(names);
  expect(dirtyPaths(names).reported.size).toBe(COUNT);
});

test('130,000 removed articles are withdrawn, after a failure as well', async () => {
  const withdrawn: number[] = [];
  const queue = createChangeQueue({
    now: Date.now,
    isBusy: () => false,
    processBatch: async () => {},
    async withdraw(removed) {
      withdrawn.push(removed.length);
      if (withdrawn.length === 1) throw new Error('the disk is full');
    },
    fail: () => {},
  });
  for (const name of names) queue.markRemoved(name);
  await queue.begin(async () => {});
  await expect.poll(() => withdrawn, { timeout: 10_000 }).toEqual([COUNT, COUNT]);
  await queue.close();
});
