import { mkdirSync, rmSync, watch, writeFileSync } from 'node:fs';
import { lstat, mkdir, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { watchTrees } from '../../../src/ingest/folder/tree-watcher.ts';
import { filesBelow } from '../../../src/ingest/import/list-files.ts';
import { dataFolder, overflow, put } from '../../helpers.ts';

vi.mock('node:fs', { spy: true });
vi.mock('node:fs/promises', { spy: true });

/** The error that reports a folder over the system's limit. */
function overLimit(code: 'ENOSPC' | 'EMFILE', name: string): string {
  const remedy = {
    ENOSPC: 'raise fs.inotify.max_user_watches above the number of folders in articles/ and media/',
    EMFILE: 'raise fs.inotify.max_user_instances and the limit of open files (ulimit -n)',
  }[code];
  return (
    `Error: The system does not allow more watched folders (${code}: no watch on ${name}): ${remedy}. ` +
    'Until then, the service checks every file by size and time every 30 seconds.'
  );
}

async function watched(files: Readonly<Record<string, string>> = {}) {
  const root = await dataFolder(
    Object.fromEntries(Object.entries(files).map(([path, text]) => [`tree/${path}`, text])),
  );
  const folder = join(root, 'tree');
  await mkdir(folder, { recursive: true });
  return { root, folder, ...(await watchedTree(root)) };
}

async function watchedTree(root: string) {
  const paths = new Set<string>();
  const failures: string[] = [];
  const findMissedChanges = vi.fn(async () => {});
  const watcher = await watchTrees(root, ['tree'], {
    onChange: (path) => paths.add(path),
    findMissedChanges,
    fail: (error) => failures.push(String(error)),
  });
  onTestFinished(() => {
    watcher.close();
    expect(failures).toEqual([]);
  });
  return { paths, failures, findMissedChanges, watcher };
}

/** Waits until the watcher has reported each of these paths in the tree. */
function reported(paths: ReadonlySet<string>, expected: readonly string[]) {
  return expect.poll(() => expected.filter((path) => !paths.has(`tree/${path}`))).toEqual([]);
}

test('filesBelow lists files sorted by name, without hidden ones', async () => {
  const folder = await dataFolder({
    'b/2.txt': '',
    'b/10.txt': '',
    'b/.hidden/x.txt': '',
    'a.txt': '',
    '.hidden.txt': '',
    'c/d/e/f.txt': '',
  });

  expect(await filesBelow(folder)).toEqual(['a.txt', 'b/10.txt', 'b/2.txt', 'c/d/e/f.txt', 'publication.yaml']);
  expect(await filesBelow(folder, 'b')).toEqual(['b/10.txt', 'b/2.txt']);
});

test('filesBelow lists nothing for a missing folder or a file', async () => {
  const folder = await dataFolder();

  expect(await filesBelow(join(folder, 'missing'))).toEqual([]);
  expect(await filesBelow(join(folder, 'publication.yaml'))).toEqual([]);
});

test.each<[string, (folder: string) => Promise<unknown>, readonly string[]]>([
  ['a new file', (folder) => put(folder, 'new.txt', 'x'), ['new.txt']],
  ['a changed file', (folder) => put(folder, 'a.txt', 'x'), ['a.txt']],
  ['a removed file', (folder) => rm(join(folder, 'a.txt')), ['a.txt']],
  [
    'both names of a renamed file',
    (folder) => rename(join(folder, 'a.txt'), join(folder, 'b.txt')),
    ['a.txt', 'b.txt'],
  ],
  ['a new file in a folder', (folder) => put(folder, 'sub/deep/new.txt', 'x'), ['sub/deep/new.txt']],
  ['a file in a new folder', (folder) => put(folder, 'x/y/z.txt', 'x'), ['x', 'x/y/z.txt']],
  ['a removed folder', (folder) => rm(join(folder, 'sub'), { recursive: true }), ['sub', 'sub/deep/c.txt']],
  [
    'both names of each file in a renamed folder',
    (folder) => rename(join(folder, 'sub'), join(folder, 'm')),
    ['sub', 'm/deep/c.txt'],
  ],
])('the watcher reports %s', async (_, change, expected) => {
  const { folder, paths } = await watched({ 'a.txt': '', 'sub/deep/c.txt': '' });
  await change(folder);

  await reported(paths, expected);
});

test('a folder that is added, removed and added again is watched each time', async () => {
  const { folder, paths } = await watched();
  for (const name of ['first', 'second', 'third']) {
    await put(folder, `sub/${name}.txt`, '');
    await reported(paths, [`sub/${name}.txt`]);
    await put(folder, `sub/${name}-later.txt`, '');
    await reported(paths, [`sub/${name}-later.txt`]);
    paths.clear();
    await rm(join(folder, 'sub'), { recursive: true });
    await reported(paths, ['sub']);
  }
});

const numbered = (path: string) => Array.from({ length: 100 }, (_, index) => `${path}${index}`);

test.each<[string, string, readonly string[]]>([
  ['by itself', 'sub', ['sub']],
  ['with the folders in it', 'sub', ['sub', 'sub/deep']],
  ['with a hundred folders in it', 'sub', ['sub', ...numbered('sub/')]],
  ['as the whole tree', '', ['', 'sub']],
])('a folder that is removed and made again at once, %s, is watched anew', async (_, removed, made) => {
  const { folder, paths, watcher } = await watched(Object.fromEntries(made.map((path) => [`${path}/a.txt`, ''])));
  rmSync(join(folder, removed), { recursive: true });
  for (const path of made) mkdirSync(join(folder, path));
  const files = made.map((path) => join(path, 'b.txt'));
  await expect.poll(() => paths.size > 0 && !watcher.isScanning()).toBe(true);
  for (const file of files) await put(folder, file, '');

  await reported(paths, files);
});

test('a file that is removed from a new folder before the folder is watched is reported as a change of the folder', async () => {
  const { root, folder, paths } = await watched();
  await put(root, 'new/a.txt', '');
  const seen = Promise.withResolvers<void>();
  vi.mocked(lstat).mockImplementationOnce(async (path) => {
    await seen.promise;
    return stat(path);
  });
  await rename(join(root, 'new'), join(folder, 'sub'));
  await reported(paths, ['sub']);
  paths.clear();
  await rm(join(folder, 'sub/a.txt'));
  seen.resolve();

  await reported(paths, ['sub']);
});

test('a symbolic link to a folder is not followed', async () => {
  const { root, folder, paths, watcher } = await watched();
  await put(root, 'other/a.txt', '');
  await symlink('../other', join(folder, 'link'));
  await put(folder, 'last.txt', '');
  await reported(paths, ['last.txt']);
  await expect.poll(watcher.isScanning).toBe(false);

  expect([...paths]).toEqual(['tree/link', 'tree/last.txt']);
});

test('a symbolic link to the whole tree is followed, and so is its replacement', async () => {
  const root = await dataFolder({ 'one/a.txt': '', 'two/a.txt': '' });
  await symlink('one', join(root, 'tree'));
  const { paths } = await watchedTree(root);
  await put(root, 'one/b.txt', '');
  await reported(paths, ['b.txt']);
  await symlink('two', join(root, 'next'));
  await rename(join(root, 'next'), join(root, 'tree'));
  await reported(paths, ['a.txt']);
  await put(root, 'two/c.txt', '');

  await reported(paths, ['c.txt']);
});

test('hidden files and folders are not reported', async () => {
  const { folder, paths } = await watched({ '.git/a': '' });
  await put(folder, '.hidden', '');
  await put(folder, '.git/b', '');
  await mkdir(join(folder, '.new'));
  await put(folder, 'last.txt', '');
  await reported(paths, ['last.txt']);

  expect([...paths]).toEqual(['tree/last.txt']);
});

test('a closed watcher reports nothing', async () => {
  const { root, folder, paths, watcher } = await watched();
  const { paths: other } = await watchedTree(root);
  watcher.close();
  await put(folder, 'a.txt', '');
  await reported(other, ['a.txt']);

  expect([...paths]).toEqual([]);
});

test('files beside the watched folders are not reported', async () => {
  const { root, folder, paths } = await watched();
  await put(root, 'other/a.txt', '');
  await put(root, 'b.txt', '');
  await put(folder, 'last.txt', '');
  await reported(paths, ['last.txt']);

  expect([...paths]).toEqual(['tree/last.txt']);
});

test('a folder that replaces another is read and watched', async () => {
  const { root, folder, paths } = await watched({ 'a.txt': '' });
  await put(root, 'new/b.txt', '');
  await rename(folder, join(root, 'old'));
  await rename(join(root, 'new'), folder);
  await reported(paths, ['b.txt']);
  paths.clear();
  await put(folder, 'c.txt', '');

  await reported(paths, ['c.txt']);
});

test('when the system drops changes, everything is read and watched again', async () => {
  const { folder, paths, watcher, findMissedChanges } = await watched({ 'sub/a.txt': '' });
  overflow(folder);
  rmSync(join(folder, 'sub'), { recursive: true });
  mkdirSync(join(folder, 'sub'));
  expect(findMissedChanges).not.toHaveBeenCalled();
  await expect.poll(() => findMissedChanges.mock.calls.length > 0 && !watcher.isScanning()).toBe(true);
  paths.clear();
  writeFileSync(join(folder, 'sub/b.txt'), '');

  await reported(paths, ['sub/b.txt']);
});

describe('folders that cannot be watched', () => {
  /** Has the system refuse a watch on paths with these endings. */
  async function limited(endings: readonly string[], code: string) {
    const { watch: real } = await vi.importActual<typeof import('node:fs')>('node:fs');
    vi.mocked(watch).mockImplementation((...parameters) => {
      const [path] = parameters;
      if (!endings.some((ending) => String(path).endsWith(ending))) return real(...parameters);
      throw Object.assign(new Error(`${code}: no watch on ${String(path).split('/').at(-1)}`), { code });
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const tree = await watched({ 'a/x.txt': '', 'b/x.txt': '', 'c/x.txt': '' });
    const { findMissedChanges, watcher } = tree;
    onTestFinished(() => {
      vi.useRealTimers();
      vi.mocked(watch).mockReset();
    });
    return {
      ...tree,
      /** Waits for the next rescan, half a minute later. */
      async afterAWhile() {
        await expect.poll(watcher.isScanning).toBe(false);
        const before = findMissedChanges.mock.calls.length;
        vi.advanceTimersByTime(20_000);
        expect([findMissedChanges.mock.calls.length, watcher.isScanning()]).toEqual([before, false]);
        vi.advanceTimersByTime(10_000);
        await expect.poll(() => findMissedChanges.mock.calls.length > before && !watcher.isScanning()).toBe(true);
      },
    };
  }

  test.each([
    ['over the limit are reported together', 'ENOSPC', [overLimit('ENOSPC', 'a')]],
    [
      'for another reason are reported one by one',
      'EACCES',
      ['Error: EACCES: no watch on a', 'Error: EACCES: no watch on b'],
    ],
  ])('%s, once, and are tried again until they can be watched', async (_, code, expected) => {
    const { folder, paths, failures, findMissedChanges, afterAWhile } = await limited(['tree/a', 'tree/b'], code);
    expect(failures.splice(0)).toEqual(expected);
    await afterAWhile();
    await afterAWhile();
    expect([failures, findMissedChanges.mock.calls.length]).toEqual([[], 2]);
    vi.mocked(watch).mockReset();
    await afterAWhile();
    await put(folder, 'a/new.txt', '');
    await reported(paths, ['a/new.txt']);
    vi.advanceTimersByTime(3_600_000);

    expect([failures, findMissedChanges.mock.calls.length]).toEqual([[], 3]);
  });

  test('are read when they are added, and watched later', async () => {
    const { root, folder, paths, failures, afterAWhile } = await limited(['tree/d'], 'ENOSPC');
    await put(root, 'new/sub/y.txt', '');
    await rename(join(root, 'new'), join(folder, 'd'));
    await reported(paths, ['d', 'd/sub/y.txt']);
    expect(failures.splice(0)).toEqual([overLimit('ENOSPC', 'd')]);
    vi.mocked(watch).mockReset();
    await afterAWhile();
    await put(folder, 'd/sub/z.txt', '');

    await reported(paths, ['d/sub/z.txt']);
  });

  test('are reported again if a later watch fails as well', async () => {
    const { folder, failures, afterAWhile } = await limited(['tree/a', 'tree/d'], 'ENOSPC');
    expect(failures.splice(0)).toHaveLength(1);
    const refusing = vi.mocked(watch).getMockImplementation();
    vi.mocked(watch).mockReset();
    await afterAWhile();
    if (refusing !== undefined) vi.mocked(watch).mockImplementation(refusing);
    await mkdir(join(folder, 'd'));

    await expect.poll(() => failures.splice(0)).toEqual([overLimit('ENOSPC', 'd')]);
  });

  test('do not keep the watcher from starting, even if the root is one of them', async () => {
    const { root, failures, afterAWhile, folder, paths } = await limited(['tree', 'a', 'b', 'c', ''], 'EMFILE');
    expect(failures.splice(0)).toEqual([overLimit('EMFILE', basename(root))]);
    vi.mocked(watch).mockReset();
    await afterAWhile();
    await put(folder, 'a/new.txt', '');

    await reported(paths, ['a/new.txt']);
  });
});
