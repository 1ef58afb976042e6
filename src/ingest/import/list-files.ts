import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Every file below a folder by its path from there, in the order of their names. Hidden files and folders are not, nor
 * are folders behind symbolic links, which could lead round in circles.
 *
 * @param passOver told of a folder that cannot be read, and why; where it is left out, that is thrown
 */
export async function filesBelow(
  root: string,
  folder = '',
  passOver?: (folder: string, error: unknown) => void,
): Promise<string[]> {
  const files: string[] = [];
  const entries = await entriesOf(join(root, folder)).catch((error: unknown) => {
    if (passOver === undefined) throw error;
    passOver(folder, error);
    return [];
  });
  for (const entry of entries) {
    const path = below(folder, entry.name);
    if (entry.isDirectory()) files.push(...(await filesBelow(root, path, passOver)));
    else if (entry.isFile() || (await leadsToFile(join(root, path), entry))) files.push(path);
  }
  return files;
}

/** Whether a path is a folder's or that of something in it. */
export function isWithin(folder: string, path: string): boolean {
  return folder === '' || path === folder || path.startsWith(`${folder}/`);
}

/** A name below a folder that is named from a root. */
export function below(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** What is in a folder, by name; nothing where it is gone. */
export async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter(({ name }) => !name.startsWith('.')).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (isMissing(error)) return []; // removed since it was listed
    throw error;
  }
}

/** Whether nothing at all is in a folder, hidden or not, or there is no such folder. */
export async function isVoid(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).length === 0;
  } catch (error) {
    return isMissing(error);
  }
}

async function leadsToFile(path: string, entry: Dirent): Promise<boolean> {
  return entry.isSymbolicLink() && (await stat(path).catch(() => undefined))?.isFile() === true;
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
