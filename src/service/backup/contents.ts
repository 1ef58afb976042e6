import { type Stats, statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { PARTNERS_FOLDER } from '../../config/partner-files.ts';
import { PUBLICATION_FILE } from '../../config/publication.ts';
import { REDIRECTS_FILE } from '../../config/redirects/recorded-redirects.ts';

/**
 * What belongs to a backup beside the databases. The figures of `store/traffic.sqlite` do not: they are of the last 24 hours.
 * Neither does the signing key, which the service is given: whoever has a copy can sign in the name of the publisher.
 */
const FILES = [PUBLICATION_FILE, REDIRECTS_FILE];
const FOLDERS = [PARTNERS_FOLDER, 'articles', 'media'];

export interface Contents {
  readonly folders: readonly { readonly path: string; readonly mode: number }[];
  readonly files: readonly { readonly path: string; readonly size: number }[];
}

/** Lists what a data folder has besides its store. Symbolic links are listed as files; those above may be links to folders. */
export async function listContents(root: string): Promise<Contents> {
  const folders: { path: string; mode: number }[] = [];
  const files: { path: string; size: number }[] = [];

  async function addFolder(path: string): Promise<void> {
    folders.push({ path, mode: permissions(await stat(join(root, path))) });
    const entries = await readdir(join(root, path), { withFileTypes: true });
    for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
      const below = posix.join(path, entry.name);
      if (entry.isDirectory()) await addFolder(below);
      else if (entry.isFile() || entry.isSymbolicLink()) files.push({ path: below, size: sizeOf(join(root, below)) });
    }
  }

  for (const path of FILES) if (isThere(join(root, path))) files.push({ path, size: sizeOf(join(root, path)) });
  for (const path of FOLDERS) if (isThere(join(root, path))) await addFolder(path);
  return { folders, files };
}

/** The permissions of a file, without its kind. */
export function permissions({ mode }: Pick<Stats, 'mode'>): number {
  return mode & 0o777;
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** 0 for a file that was removed meanwhile. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
