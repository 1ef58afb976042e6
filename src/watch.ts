import { type FSWatcher, watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Every file below a folder by its path from there, in the order of their names. Hidden files and folders are not. */
export async function filesBelow(root: string, folder = ''): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await entriesOf(join(root, folder))) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) files.push(...(await filesBelow(root, path)));
    else if (entry.isFile()) files.push(path);
  }
  return files;
}

async function entriesOf(folder: string) {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter(({ name }) => !name.startsWith('.')).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (isMissing(error)) return []; // removed since it was listed
    throw error;
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

export interface TreeWatcher {
  readonly close: () => void;
}

/**
 * Tells which paths below a folder may have changed, at the moment the system says so. A folder that came or went is
 * told as the files in it. One watch a folder, not a file: systems limit their number.
 */
export async function watchTree(root: string, onChange: (path: string) => void): Promise<TreeWatcher> {
  const watchers = new Map<string, FSWatcher>();

  async function watchFolder(folder: string): Promise<void> {
    if (watchers.has(folder)) return;
    const watcher = watch(join(root, folder), (_event, name) => {
      if (name !== null && !name.startsWith('.')) changed(folder === '' ? name : `${folder}/${name}`);
    });
    watcher.on('error', () => forget(folder)); // the folder is gone
    watchers.set(folder, watcher);
    for (const entry of await entriesOf(join(root, folder))) {
      if (entry.isDirectory()) await watchFolder(folder === '' ? entry.name : `${folder}/${entry.name}`);
    }
  }

  function changed(path: string): void {
    onChange(path);
    // What came with a new folder came before its watch.
    newFolder(path).catch((error) => {
      if (!isMissing(error)) throw error;
    });
  }

  async function newFolder(path: string): Promise<void> {
    const known = watchers.has(path);
    const entries = await readdir(join(root, path), { withFileTypes: true }).catch((error) => {
      if (isMissing(error)) forget(path);
      return undefined;
    });
    if (entries === undefined || known) return;
    await watchFolder(path);
    for (const file of await filesBelow(root, path)) onChange(file);
  }

  function forget(folder: string): void {
    for (const [name, watcher] of watchers) {
      if (name !== folder && !name.startsWith(`${folder}/`)) continue;
      watcher.close();
      watchers.delete(name);
    }
  }

  await watchFolder('');
  return { close: () => forget('') };
}
