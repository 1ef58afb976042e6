import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
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

interface WatchedFolder {
  readonly watcher: FSWatcher;
  /** A folder that another was moved over has the same path and another inode. */
  readonly inode: number;
}

/**
 * Tells which paths below some folders may have changed, at the moment the system says so. A folder that came, went or
 * was replaced is told as its path and as the files in it. One watch a folder, not a file: systems limit their number.
 *
 * @param folders names of folders in `root`; they may come and go, too
 */
export async function watchTrees(
  root: string,
  folders: readonly string[],
  { onChange, fail }: TreeListener,
): Promise<TreeWatcher> {
  const watched = new Map<string, WatchedFolder>();
  let reading = 0;
  let closed = false;

  async function watchFolder(folder: string): Promise<void> {
    const path = join(root, folder);
    const { ino } = await stat(path);
    if (closed || watched.get(folder)?.inode === ino) return;
    forget(folder);
    const watcher = watch(path, (_event, name) => {
      if (name === null || name.startsWith('.') || (folder === '' && !folders.includes(name))) return;
      changed(below(folder, name));
    });
    watcher.on('error', (error) => {
      forget(folder);
      failUnlessMissing(error);
    });
    watched.set(folder, { watcher, inode: ino });
    for (const entry of await entriesOf(path)) {
      if (entry.isDirectory() && (folder !== '' || folders.includes(entry.name))) {
        await watchFolder(below(folder, entry.name)).catch(failUnlessMissing);
      }
    }
  }

  function failUnlessMissing(error: unknown): void {
    if (!isMissing(error)) fail(error);
  }

  function changed(path: string): void {
    onChange(path);
    reading += 1;
    readFolder(path)
      .catch(failUnlessMissing)
      .finally(() => {
        reading -= 1;
      });
  }

  /** What came with a folder came before its watch. */
  async function readFolder(path: string): Promise<void> {
    const status = await stat(join(root, path)).catch(unlessMissing);
    if (status === undefined || !status.isDirectory()) return forget(path);
    if (watched.get(path)?.inode === status.ino) return;
    await watchFolder(path);
    for (const file of await filesBelow(root, path)) onChange(file);
  }

  function forget(folder: string): void {
    for (const [name, { watcher }] of watched) {
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

function unlessMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}
