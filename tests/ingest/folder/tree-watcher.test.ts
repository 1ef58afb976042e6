import { mkdirSync, rmSync, watch, writeFileSync } from 'node:fs';
import { lstat, mkdir, rename, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { watchTrees } from '../../../src/ingest/folder/tree-watcher.ts';
import { filesBelow } from '../../../src/ingest/import/list-files.ts';
import { dataFolder, overflow, put } from '../../helpers.ts';

vi.mock('node:fs', { spy: true });
vi.mock('node:fs/promises', { spy: true });

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
  const lookAgain = vi.fn(async () => {});
  const watcher = await watchTrees(root, ['tree'], {
    onChange: (path) => paths.add(path),
    lookAgain,
    fail: (error) => failures.push(String(error)),
  });
  onTestFinished(() => {
    watcher.close();
    expect(failures).toEqual([]);
  });
  return { paths, failures, lookAgain, watcher };
}

/** Waits until each of the paths in the tree was told. */
function toldOf(paths: ReadonlySet<string>, expected: readonly string[]) {
  return expect.poll(() => expected.filter((path) => !paths.has(`tree/${path}`)), { timeout: 5000 }).toEqual([]);
}

test('filesBelow lists files in the order of their names, without what is hidden', async () => {
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

test('filesBelow finds nothing where there is no folder', async () => {
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
    'what is in a folder that moved',
    (folder) => rename(join(folder, 'sub'), join(folder, 'm')),
    ['sub', 'm/deep/c.txt'],
  ],
])('%s is told', async (_, change, expected) => {
  const { folder, paths } = await watched({ 'a.txt': '', 'sub/deep/c.txt': '' });
  await change(folder);

  await toldOf(paths, expected);
});

test('a folder that comes, goes and comes again is watched each time', async () => {
  const { folder, paths } = await watched();
  for (const name of ['first', 'second', 'third']) {
    await put(folder, `sub/${name}.txt`, '');
    await toldOf(paths, [`sub/${name}.txt`]);
    await put(folder, `sub/${name}-later.txt`, '');
    await toldOf(paths, [`sub/${name}-later.txt`]);
    paths.clear();
    await rm(join(folder, 'sub'), { recursive: true });
    await toldOf(paths, ['sub']);
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
  await expect.poll(() => paths.size > 0 && !watcher.busy()).toBe(true);
  for (const file of files) await put(folder, file, '');

  await toldOf(paths, files);
});

test('what goes from a folder that came, before it is watched, is told as a change of the folder', async () => {
  const { root, folder, paths } = await watched();
  await put(root, 'new/a.txt', '');
  const seen = Promise.withResolvers<void>();
  vi.mocked(lstat).mockImplementationOnce(async (path) => {
    await seen.promise;
    return stat(path);
  });
  await rename(join(root, 'new'), join(folder, 'sub'));
  await toldOf(paths, ['sub']);
  paths.clear();
  await rm(join(folder, 'sub/a.txt'));
  seen.resolve();

  await toldOf(paths, ['sub']);
});

test('a link to a folder is not followed', async () => {
  const { root, folder, paths, watcher } = await watched();
  await put(root, 'other/a.txt', '');
  await symlink('../other', join(folder, 'link'));
  await put(folder, 'last.txt', '');
  await toldOf(paths, ['last.txt']);
  await expect.poll(watcher.busy).toBe(false);

  expect([...paths]).toEqual(['tree/link', 'tree/last.txt']);
});

test('a link to the whole tree is, and so is another that takes its place', async () => {
  const root = await dataFolder({ 'one/a.txt': '', 'two/a.txt': '' });
  await symlink('one', join(root, 'tree'));
  const { paths } = await watchedTree(root);
  await put(root, 'one/b.txt', '');
  await toldOf(paths, ['b.txt']);
  await symlink('two', join(root, 'next'));
  await rename(join(root, 'next'), join(root, 'tree'));
  await toldOf(paths, ['a.txt']);
  await put(root, 'two/c.txt', '');

  await toldOf(paths, ['c.txt']);
});

test('what is hidden is not told', async () => {
  const { folder, paths } = await watched({ '.git/a': '' });
  await put(folder, '.hidden', '');
  await put(folder, '.git/b', '');
  await mkdir(join(folder, '.new'));
  await put(folder, 'last.txt', '');
  await toldOf(paths, ['last.txt']);

  expect([...paths]).toEqual(['tree/last.txt']);
});

test('nothing is told any more once it is closed', async () => {
  const { root, folder, paths, watcher } = await watched();
  const { paths: other } = await watchedTree(root);
  watcher.close();
  await put(folder, 'a.txt', '');
  await toldOf(other, ['a.txt']);

  expect([...paths]).toEqual([]);
});

test('what is beside the folders is not told', async () => {
  const { root, folder, paths } = await watched();
  await put(root, 'other/a.txt', '');
  await put(root, 'b.txt', '');
  await put(folder, 'last.txt', '');
  await toldOf(paths, ['last.txt']);

  expect([...paths]).toEqual(['tree/last.txt']);
});

test('a folder that was not there is watched when it comes, and again when another takes its place', async () => {
  const { root, folder, paths } = await watched({ 'a.txt': '' });
  await put(root, 'new/b.txt', '');
  await rename(folder, join(root, 'old'));
  await rename(join(root, 'new'), folder);
  await toldOf(paths, ['b.txt']);
  paths.clear();
  await put(folder, 'c.txt', '');

  await toldOf(paths, ['c.txt']);
});

test('more changes than the system keeps have everything looked at and watched anew', async () => {
  const { folder, paths, watcher, lookAgain } = await watched({ 'sub/a.txt': '' });
  overflow(folder);
  rmSync(join(folder, 'sub'), { recursive: true });
  mkdirSync(join(folder, 'sub'));
  expect(lookAgain).not.toHaveBeenCalled();
  await expect.poll(() => lookAgain.mock.calls.length > 0 && !watcher.busy()).toBe(true);
  paths.clear();
  writeFileSync(join(folder, 'sub/b.txt'), '');

  await toldOf(paths, ['sub/b.txt']);
});

describe('folders that cannot be watched', () => {
  /** The system allows no watch on paths that end so. */
  async function limited(endings: readonly string[], code: string) {
    const { watch: real } = await vi.importActual<typeof import('node:fs')>('node:fs');
    vi.mocked(watch).mockImplementation((...parameters) => {
      const [path] = parameters;
      if (!endings.some((ending) => String(path).endsWith(ending))) return real(...parameters);
      throw Object.assign(new Error(`${code}: no watch on ${String(path).split('/').at(-1)}`), { code });
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const tree = await watched({ 'a/x.txt': '', 'b/x.txt': '', 'c/x.txt': '' });
    const { lookAgain, watcher } = tree;
    onTestFinished(() => {
      vi.useRealTimers();
      vi.mocked(watch).mockReset();
    });
    return {
      ...tree,
      /** Half a minute later, when all was looked at again. */
      async afterAWhile() {
        await expect.poll(watcher.busy).toBe(false);
        const before = lookAgain.mock.calls.length;
        vi.advanceTimersByTime(20_000);
        expect([lookAgain.mock.calls.length, watcher.busy()]).toEqual([before, false]);
        vi.advanceTimersByTime(10_000);
        await expect.poll(() => lookAgain.mock.calls.length > before && !watcher.busy()).toBe(true);
      },
    };
  }

  test.each([
    ['because there are too many are told in one', 'ENOSPC', ['a']],
    ['for reasons of their own are told one by one', 'EACCES', ['a', 'b']],
  ])('%s, once, and looked at again until they can be', async (_, code, told) => {
    const { folder, paths, failures, lookAgain, afterAWhile } = await limited(['tree/a', 'tree/b'], code);
    expect(failures.splice(0)).toEqual(told.map((name) => `Error: ${code}: no watch on ${name}`));
    await afterAWhile();
    await afterAWhile();
    expect([failures, lookAgain.mock.calls.length]).toEqual([[], 2]);
    vi.mocked(watch).mockReset();
    await afterAWhile();
    await put(folder, 'a/new.txt', '');
    await toldOf(paths, ['a/new.txt']);
    vi.advanceTimersByTime(3_600_000);

    expect([failures, lookAgain.mock.calls.length]).toEqual([[], 3]);
  });

  test('and come have their files told, and are watched later', async () => {
    const { root, folder, paths, failures, afterAWhile } = await limited(['tree/d'], 'ENOSPC');
    await put(root, 'new/sub/y.txt', '');
    await rename(join(root, 'new'), join(folder, 'd'));
    await toldOf(paths, ['d', 'd/sub/y.txt']);
    expect(failures.splice(0)).toEqual(['Error: ENOSPC: no watch on d']);
    vi.mocked(watch).mockReset();
    await afterAWhile();
    await put(folder, 'd/sub/z.txt', '');

    await toldOf(paths, ['d/sub/z.txt']);
  });

  test('are told again when they cannot be once more', async () => {
    const { folder, failures, afterAWhile } = await limited(['tree/a', 'tree/d'], 'ENOSPC');
    expect(failures.splice(0)).toHaveLength(1);
    const refusing = vi.mocked(watch).getMockImplementation();
    vi.mocked(watch).mockReset();
    await afterAWhile();
    if (refusing !== undefined) vi.mocked(watch).mockImplementation(refusing);
    await mkdir(join(folder, 'd'));

    await expect.poll(() => failures.splice(0)).toEqual(['Error: ENOSPC: no watch on d']);
  });

  test('be it the root, keep nobody from a start', async () => {
    const { failures, afterAWhile, folder, paths } = await limited(['tree', 'a', 'b', 'c', ''], 'EMFILE');
    expect(failures.splice(0)).toHaveLength(1);
    vi.mocked(watch).mockReset();
    await afterAWhile();
    await put(folder, 'a/new.txt', '');

    await toldOf(paths, ['a/new.txt']);
  });
});
