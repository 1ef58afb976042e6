import { type Dirent, type FSWatcher, watch } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Every file below a folder by its path from there, in the order of their names. Hidden files and folders are not, nor
 * are folders behind symbolic links, which could lead round in circles.
 */
export async function filesBelow(root: string, folder = ''): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await entriesOf(join(root, folder))) {
    const path = below(folder, entry.name);
    if (entry.isDirectory()) files.push(...(await filesBelow(root, path)));
    else if (entry.isFile() || (await leadsToFile(join(root, path), entry))) files.push(path);
  }
  return files;
}

function below(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter(({ name }) => !name.startsWith('.')).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (isMissing(error)) return []; // removed since it was listed
    throw error;
  }
}

async function leadsToFile(path: string, entry: Dirent): Promise<boolean> {
  return entry.isSymbolicLink() && (await stat(path).catch(() => undefined))?.isFile() === true;
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

export interface TreeWatcher {
  /** Whether a folder that came is still being read. */
  readonly busy: () => boolean;
  readonly close: () => void;
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
  onChange: (path: string) => void,
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
    watcher.on('error', () => forget(folder)); // the folder is gone
    watched.set(folder, { watcher, inode: ino });
    for (const entry of await entriesOf(path)) {
      if (entry.isDirectory() && (folder !== '' || folders.includes(entry.name))) {
        await watchFolder(below(folder, entry.name)).catch(unlessMissing);
      }
    }
  }

  function changed(path: string): void {
    onChange(path);
    reading += 1;
    readFolder(path)
      .catch(unlessMissing)
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
