import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Lists every file below a folder by its path from the root, sorted by name. It omits hidden files and folders, and does
 * not follow symbolic links to folders, which could form a loop.
 *
 * @param onUnreadableFolder receives each folder that cannot be read, with the error
 * @throws the error of the first folder that cannot be read, without `onUnreadableFolder`
 */
export async function filesBelow(
  root: string,
  folder = '',
  onUnreadableFolder?: (folder: string, error: unknown) => void,
): Promise<string[]> {
  const files: string[] = [];

  async function addFiles(folder: string): Promise<void> {
    const entries = await entriesOf(join(root, folder)).catch((error: unknown) => {
      if (onUnreadableFolder === undefined) throw error;
      onUnreadableFolder(folder, error);
      return [];
    });
    for (const entry of entries) {
      const path = below(folder, entry.name);
      if (entry.isDirectory()) await addFiles(path);
      else if (entry.isFile() || (await leadsToFile(join(root, path), entry))) files.push(path);
    }
  }

  await addFiles(folder);
  return files;
}

/** Whether a path is the folder itself or below it. */
export function isWithin(folder: string, path: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
}

/** The path of a name in a folder, from the same root as the folder. */
export function below(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/**
 * The entries of a folder that are not hidden, sorted by name; none if the folder is missing.
 *
 * @throws the error of a folder that cannot be read
 */
export async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter(({ name }) => !name.startsWith('.')).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (isMissing(error)) return []; // removed since it was listed
    throw error;
  }
}

/** Whether a folder is missing, or has no entry at all, not even a hidden one. */
export async function isEmptyOrMissing(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length === 0;
  } catch (error) {
    return isMissing(error);
  }
}

async function leadsToFile(path: string, entry: Dirent): Promise<boolean> {
  return entry.isSymbolicLink() && (await stat(path).catch(() => undefined))?.isFile() === true;
}

/** Whether an error of the file system means that no file has this path. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
