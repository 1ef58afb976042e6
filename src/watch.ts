import { type FSWatcher, watch } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { below, entriesOf, filesBelow, isMissing } from './files.ts';

export interface TreeWatcher {
  /** Whether a folder that came is still being read. */
  readonly busy: () => boolean;
  readonly close: () => void;
}

interface TreeListener {
  readonly onChange: (path: string) => void;
  /** Told of a folder that cannot be read or watched. The others are. */
  readonly fail: (error: unknown) => void;
}

/**
 * Tells which paths below some folders may have changed, at the moment the system says so. A folder that came, went or
 * was replaced is told as its path and as the files in it. One watch a folder, not a file: systems limit their number.
 *
 * @param folders names of folders in `root`, or of symbolic links to some; they may come and go, too
 */
export async function watchTrees(
  root: string,
  folders: readonly string[],
  { onChange, fail }: TreeListener,
): Promise<TreeWatcher> {
  const watched = new Map<string, FSWatcher>();
  let reading = 0;
  let closed = false;

  /** A folder is watched before it is read, so that no change falls between. */
  async function watchFolder(folder: string): Promise<void> {
    if (closed || watched.has(folder)) return;
    const watcher = watch(join(root, folder), (event, name) => {
      if (name === null || name.startsWith('.') || (folder === '' && !folders.includes(name))) return;
      changed(event, below(folder, name));
    });
    watched.set(folder, watcher);
    watcher.on('error', (error) => {
      forget(folder);
      failUnlessMissing(error);
    });
    for (const name of folder === '' ? folders : await foldersIn(join(root, folder))) {
      if (watched.get(folder) !== watcher) return; // it went: what is there now is read by itself
      await watchFolder(below(folder, name)).catch(failUnlessMissing);
    }
  }

  function failUnlessMissing(error: unknown): void {
    if (!isMissing(error)) fail(error);
  }

  function changed(event: string, path: string): void {
    onChange(path);
    // A folder that is made where one was just removed may have its inode: by what it is nobody can tell them apart.
    if (event === 'rename') forget(path);
    reading += 1;
    readFolder(path)
      .catch(failUnlessMissing)
      .finally(() => {
        reading -= 1;
      });
  }

  async function readFolder(path: string): Promise<void> {
    // Who watches it by now does so since it came, and reads it.
    if (!(await isFolder(path)) || watched.has(path)) return;
    await watchFolder(path);
    onChange(path); // what went before the watch is told by nobody else
    for (const file of await filesBelow(root, path)) onChange(file);
  }

  /** As `filesBelow` sees it: of symbolic links to folders only those are followed that were asked for. */
  async function isFolder(path: string): Promise<boolean> {
    return (await (folders.includes(path) ? stat : lstat)(join(root, path))).isDirectory();
  }

  function forget(folder: string): void {
    for (const [name, watcher] of watched) {
      if (folder !== '' && name !== folder && !name.startsWith(`${folder}/`)) continue;
      watcher.close();
      watched.delete(name);
    }
  }

  await watchFolder('');
  return {
    busy: () => reading > 0,
    close: () => {
      closed = true;
      forget('');
    },
  };
}

async function foldersIn(path: string): Promise<string[]> {
  return (await entriesOf(path)).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}
