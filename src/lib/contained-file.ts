import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, realpathSync } from 'node:fs';
import { type FileHandle, lstat, open, readlink, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';

/**
 * Opens files of a folder, and none outside of it: a symbolic link in the path may lead to another place in the folder only.
 * A link may be replaced at any moment, so a file is opened first and then asked where it is. The folder itself may be a link.
 */

/** A FIFO would block a thread until somebody writes to it. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Linux has a link here to each open file, which leads to that file even after its name has another one. */
const DESCRIPTORS = '/proc/self/fd';

export interface ContainedFile {
  readonly handle: FileHandle;
  /** Leads to the open file; on other systems than Linux, to the one that has its name by now. */
  readonly path: string;
}

/**
 * Opens a regular file by its path below a folder. The caller closes it.
 *
 * @returns undefined if there is no such file, or if it is outside of the folder
 * @throws an error of the system, such as `EACCES`
 */
export async function openContained(folder: string, path: string): Promise<ContainedFile | undefined> {
  const root = await realpath(folder);
  const file = join(root, path);
  const handle = await open(file, FLAGS);
  try {
    const place = (await handle.stat()).isFile() ? await placeOf(handle, file) : undefined;
    if (place !== undefined && isBelow(root, place.real)) return { handle, path: place.path };
  } catch (error) {
    await handle.close();
    throw error;
  }
  await handle.close();
  return undefined;
}

/** Returns where an open file is; undefined if that cannot be known, because it was replaced meanwhile. */
export async function placeOf(
  handle: FileHandle,
  file: string,
  descriptors = DESCRIPTORS,
): Promise<{ readonly real: string; readonly path: string } | undefined> {
  const path = `${descriptors}/${handle.fd}`;
  const known = await readlink(path).catch(() => undefined);
  if (known !== undefined) return { real: known, path };
  const real = await realpath(file);
  return isSame(await handle.stat(), await lstat(real)) ? { real, path: real } : undefined;
}

/**
 * The same for code that does not wait.
 *
 * @returns a descriptor, which the caller closes
 */
export function openContainedSync(folder: string, path: string): number | undefined {
  return openBelowSync(realpathSync.native(folder), path);
}

/** The same for a folder whose real path is known. */
export function openBelowSync(root: string, path: string): number | undefined {
  const file = join(root, path);
  const descriptor = openSync(file, FLAGS);
  try {
    const real = fstatSync(descriptor).isFile() ? placeOfSync(descriptor, file) : undefined;
    if (real !== undefined && isBelow(root, real)) return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  closeSync(descriptor);
  return undefined;
}

export function placeOfSync(descriptor: number, file: string, descriptors = DESCRIPTORS): string | undefined {
  try {
    return readlinkSync(`${descriptors}/${descriptor}`);
  } catch {
    const real = realpathSync.native(file);
    return isSame(fstatSync(descriptor), lstatSync(real)) ? real : undefined;
  }
}

interface Identity {
  readonly dev: number;
  readonly ino: number;
}

function isSame(one: Identity, other: Identity): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}

function isBelow(root: string, file: string): boolean {
  return file.startsWith(root.endsWith(sep) ? root : `${root}${sep}`);
}
