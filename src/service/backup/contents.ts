import { lstatSync, type Stats, statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { PARTNERS_FOLDER } from '../../config/partner-files.ts';
import { PUBLICATION_FILE } from '../../config/publication.ts';
import { REDIRECTS_FILE } from '../../config/redirects/recorded-redirects.ts';
import { isSystemError } from '../../lib/system-reason.ts';

/**
 * What belongs to a backup beside the databases. The figures of `store/traffic.sqlite` do not: they are of the last 24 hours.
 * Neither does the signing key, which the service is given: whoever has a copy can sign in the name of the publisher.
 */
const FILES = [PUBLICATION_FILE, REDIRECTS_FILE];
export const FOLDERS: readonly string[] = [PARTNERS_FOLDER, 'articles', 'media'];

export interface Contents {
  readonly folders: readonly { readonly path: string; readonly mode: number }[];
  readonly files: readonly { readonly path: string; readonly size: number }[];
  /** What cannot be copied, with the reason. */
  readonly leftOut: readonly LeftOut[];
}

export interface LeftOut {
  readonly path: string;
  /** A sentence without its end. */
  readonly reason: string;
}

/** Of pipes, of links out of their folder and of links to folders: the service reads none of them either. */
export const NO_FILE = 'it is neither a file nor a link to a file in its folder';
const NO_NAME = 'its name is not UTF-8. Rename it, and back up again';

/**
 * Lists what a data folder has besides its store. Symbolic links are listed as files; those above may be links to folders. What is
 * removed meanwhile is not listed.
 */
export async function listContents(root: string): Promise<Contents> {
  const folders: { path: string; mode: number }[] = [];
  const files: { path: string; size: number }[] = [];
  const leftOut: LeftOut[] = [];

  async function addFolder(path: string): Promise<void> {
    const found = await unlessRemoved(async () => ({
      mode: permissions(await stat(join(root, path))),
      entries: await readdir(join(root, path), { withFileTypes: true }),
    }));
    if (found === undefined) return;
    folders.push({ path, mode: found.mode });
    for (const entry of found.entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
      const below = posix.join(path, entry.name);
      if (hasForeignName(root, below)) leftOut.push({ path: below, reason: NO_NAME });
      else if (entry.isDirectory()) await addFolder(below);
      else if (entry.isFile() || entry.isSymbolicLink()) files.push({ path: below, size: sizeOf(join(root, below)) });
      else leftOut.push({ path: below, reason: NO_FILE });
    }
  }

  for (const path of FILES) if (isThere(join(root, path))) files.push({ path, size: sizeOf(join(root, path)) });
  for (const path of FOLDERS) if (isThere(join(root, path))) await addFolder(path);
  return { folders, files, leftOut };
}

/** The permissions of a file, without its kind. */
export function permissions({ mode }: Pick<Stats, 'mode'>): number {
  return mode & 0o777;
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Node replaces each byte that is not UTF-8, and finds nothing under the name that it makes. */
function hasForeignName(root: string, path: string): boolean {
  return path.includes('\ufffd') && lstatSync(join(root, path), { throwIfNoEntry: false }) === undefined;
}

async function unlessRemoved<Result>(look: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await look();
  } catch (error) {
    if (isSystemError(error) && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** 0 for a file that was removed meanwhile, and for a link that leads to none. */
function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}
