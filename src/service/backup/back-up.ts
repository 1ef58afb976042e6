import { existsSync, realpathSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { mkdir, open, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, posix, relative } from 'node:path';
import { PublisherError } from '../../errors.ts';
import { openContained } from '../../lib/contained-file.ts';
import { rfc3339 } from '../../lib/instant.ts';
import { isSystemError, systemReason } from '../../lib/system-reason.ts';
import { copyDatabase } from '../../store/sqlite/copy-database.ts';
import { damageFile } from '../../store/sqlite/damage.ts';
import { existingSchema } from '../../store/sqlite/database.ts';
import { sizeOf, syncFolder } from '../../store/sqlite/store-file.ts';
import { deliveryFile, storeFile } from '../data-folder.ts';
import { requireRoom } from '../disk-room.ts';
import { type Contents, FOLDERS, type LeftOut, listContents, NO_FILE, permissions } from './contents.ts';
import { copyFile, digest, forEachTogether } from './file-copy.ts';
import { type BackedUpFile, MANIFEST_FILE, manifestText } from './manifest.ts';

export type BackupProgress = (work: string, done: number, total: number) => void;

interface BackupParts {
  /** The data folder, absolute. */
  readonly folder: string;
  /** The folder of the backup, which must not exist. */
  readonly target: string;
  /** The version of this program. */
  readonly version: string;
  readonly now?: () => number;
  readonly progress?: BackupProgress;
  /** Breaks the backup off, and removes what was written. */
  readonly stop?: AbortSignal;
}

interface Backup {
  /** How many files were copied, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** What the data folder has and no backup can take, by paths. */
  readonly leftOut: readonly LeftOut[];
}

/**
 * Backs up a data folder, which a service may use meanwhile. The databases come first, each as it is at one moment; the files
 * after them are as new or newer, so that a service that starts on the backup reads again what has changed since. The folder gets
 * its name when everything is on disk.
 *
 * @throws PublisherError `unwritable_output`, `insufficient_storage`, `store_damaged`, `store_unavailable`; an error of the system
 */
export async function backUp({ folder, target, version, stop, ...parts }: BackupParts): Promise<Backup> {
  const { now = Date.now, progress = () => {} } = parts;
  requireNewTarget(target, folder);
  requireWhole(storeFile(folder));
  const schema = existingSchema(storeFile(folder));
  const contents = await listContents(folder);
  await mkdir(dirname(target), { recursive: true });
  const databases = databasesOf(folder);
  requireRoom(roomFor(folder, databases, contents, target), {
    work: `A backup of ${folder}`,
    hint: 'Make room, or choose a folder on another disk. Nothing was written.',
  });
  const part = `${target}.part-${crypto.randomUUID().slice(0, 8)}`;
  try {
    await mkdir(part, { mode: 0o700 }); // it has stories under embargo
    const at = rfc3339(now());
    const copied: BackedUpFile[] = [];
    for (const path of databases) copied.push(await copyDatabaseFile(path, { folder, part, progress, stop }));
    const notCopied = await copyFiles(contents, { folder, part, progress, stop, copied });
    stop?.throwIfAborted();
    const files = copied.sort((one, other) => (one.path < other.path ? -1 : 1));
    const store = { path: 'store', mode: permissions(await stat(join(folder, 'store'))) };
    const folders = [store, ...contents.folders];
    const text = manifestText({ program: version, schema, at, folders, files });
    await writeFile(join(part, MANIFEST_FILE), text, { mode: 0o600, flush: true });
    for (const { path } of folders) syncFolder(join(part, path));
    syncFolder(part);
    renameSync(part, target);
    syncFolder(dirname(target));
    const leftOut = [...contents.leftOut, ...notCopied].sort((one, other) => (one.path < other.path ? -1 : 1));
    return { files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0), leftOut };
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    throw error;
  }
}

/** @throws PublisherError `unwritable_output` */
function requireNewTarget(target: string, folder: string): void {
  const real = placeOf(target);
  if ([folder, ...FOLDERS.map((name) => join(folder, name))].some((each) => isWithin(placeOf(each), real)))
    throw new PublisherError('unwritable_output', `The backup ${target} would be in the data folder ${folder}.`, {
      hint: 'Choose a folder outside of it, best on another disk: what takes the data folder away would take the backup away as well.',
    });
  if (!existsSync(target)) return;
  throw new PublisherError('unwritable_output', `${target} is there already, and a backup replaces nothing.`, {
    hint: 'Choose a new name, such as one with the date.',
  });
}

/** Where a path leads that may not be there yet, or not whole: its folders may be links. */
function placeOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return dirname(path) === path ? path : join(placeOf(dirname(path)), basename(path));
  }
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || !/^\.\.(?:[/\\]|$)|^[A-Za-z]:/.test(way);
}

/** A backup of a damaged store could take the place of the last good one. */
function requireWhole(file: string): void {
  if (!existsSync(damageFile(file))) return;
  throw new PublisherError(
    'store_damaged',
    `The store ${file} is known to be damaged: its backup would not be whole.`,
    {
      hint: 'Run verify: it says what is damaged. docs/back-up-and-upgrade.md has the steps.',
    },
  );
}

/** The databases of a data folder, by their paths below it. */
function databasesOf(folder: string): string[] {
  const store = { storeFile: storeFile(folder) };
  const files = [store.storeFile, deliveryFile(store)].filter((file) => sizeOf(file) > 0);
  return files.map((file) => relative(folder, file).replaceAll('\\', '/'));
}

function roomFor(folder: string, databases: readonly string[], { files }: Contents, target: string) {
  const { bavail, bsize } = statfsSync(dirname(target));
  const withLogs = databases.flatMap((path) => [path, `${path}-wal`]);
  const sizes = [...withLogs.map((path) => sizeOf(join(folder, path))), ...files.map(({ size }) => size)];
  return { needed: sizes.reduce((sum, size) => sum + size, 0), free: bavail * bsize };
}

interface CopyParts {
  readonly folder: string;
  /** The folder of the backup. */
  readonly part: string;
  readonly progress: BackupProgress;
  readonly stop: AbortSignal | undefined;
}

async function copyDatabaseFile(path: string, { folder, part, progress, stop }: CopyParts): Promise<BackedUpFile> {
  const to = join(part, path);
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await copyDatabase(join(folder, path), to, (done, total) => {
    stop?.throwIfAborted();
    progress(`Copying ${posix.basename(path)}`, done, total);
  });
  const handle = await open(to);
  try {
    const status = await handle.stat();
    return { path, ...(await digest(handle)), mode: permissions(status), modified: status.mtimeMs };
  } finally {
    await handle.close();
  }
}

interface FileParts extends CopyParts {
  /** Receives each file. */
  readonly copied: BackedUpFile[];
}

/** Returns the links that lead to no file of the data folder. Files that are removed meanwhile belong to no backup. */
async function copyFiles(
  { folders, files }: Contents,
  { folder, part, progress, stop, copied }: FileParts,
): Promise<LeftOut[]> {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const leftOut: LeftOut[] = [];
  let done = 0;
  const count = (bytes: number) => {
    done += bytes;
    progress('Copying files', Math.min(done, total), total);
  };
  for (const { path } of folders) await mkdir(join(part, path), { recursive: true, mode: 0o700 });
  await forEachTogether(files, async ({ path }) => {
    stop?.throwIfAborted();
    const opened = await openBelow(folder, path);
    if (opened === 'outside') leftOut.push({ path, reason: NO_FILE });
    if (typeof opened !== 'object') return;
    try {
      const status = await opened.handle.stat();
      const kept = { mode: permissions(status), modified: status.mtimeMs };
      copied.push({ path, ...(await copyFile(opened.handle, { path: join(part, path), ...kept }, count)), ...kept });
    } finally {
      await opened.handle.close();
    }
  });
  progress('Copying files', total, total);
  return leftOut;
}

/** A folder of the data folder may itself be a link, as for the watcher. Links in it may lead to other places in it only. */
async function openBelow(folder: string, path: string) {
  const [top = '', ...rest] = path.split('/');
  try {
    const opened = await (rest.length === 0 ? openFile(folder, top) : openContained(join(folder, top), rest.join('/')));
    return opened ?? 'outside';
  } catch (error) {
    if (isSystemError(error) && error.code === 'ENOENT') return 'removed';
    if (isSystemError(error) && error.code === 'ELOOP') return 'outside';
    throw new PublisherError('internal', `${join(folder, path)} cannot be read: ${systemReason(error)}.`, {
      hint: 'Run backup as the user of the service, who may read every file. Nothing was kept.',
      cause: error,
    });
  }
}

async function openFile(folder: string, name: string) {
  return { handle: await open(join(folder, name)) };
}
