import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs';
import { chmod, type FileHandle, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PUBLICATION_FILE } from '../../config/publication.ts';
import { type Problem, PublisherError } from '../../errors.ts';
import { openContained } from '../../lib/contained-file.ts';
import { isSystemError, systemReason } from '../../lib/system-reason.ts';
import { syncFolder } from '../../store/sqlite/store-file.ts';
import { requireRoom } from '../disk-room.ts';
import type { BackupProgress } from './back-up.ts';
import { type CopiedFile, copyFile, digest, forEachTogether } from './file-copy.ts';
import { type BackedUpFile, type Manifest, readManifest } from './manifest.ts';

interface RestoreParts {
  /** The folder of the backup. */
  readonly backup: string;
  /** The data folder, which must be missing or empty. */
  readonly target: string;
  readonly progress?: BackupProgress;
}

/** The folder in which files wait until all of them are there. */
const WORK = 'restore.part';
/** What a new disk may have. */
const OF_THE_DISK = new Set(['lost+found']);

/**
 * Restores a backup into an empty data folder. Every file is compared with the manifest on its way, and nothing gets its name
 * before all are whole. `publication.yaml` is the last one: no service starts on a part of a backup.
 *
 * @returns the manifest
 * @throws PublisherError `backup_damaged`, `store_too_new`, `unwritable_output`, `insufficient_storage`; an error of the system
 */
export async function restore({ backup, target, progress = () => {} }: RestoreParts): Promise<Manifest> {
  const manifest = readManifest(backup);
  const isNew = !existsSync(target);
  if (!isNew) requireEmpty(target);
  mkdirSync(target, { recursive: true, mode: 0o750 }); // it has stories under embargo
  const work = join(target, WORK);
  try {
    requireRoom(roomFor(manifest, target), {
      work: `The backup ${backup}`,
      hint: 'Make room, or choose a data folder on another disk. Nothing was restored.',
    });
    await mkdir(work, { mode: 0o700 });
    await copyAll(manifest, { backup, work, progress });
    await finishFolders(manifest, work);
    giveToOwner(work, target);
    await putInPlace(manifest, { work, target });
    return manifest;
  } catch (error) {
    rmSync(isNew ? target : work, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Compares every file of a backup with its manifest.
 *
 * @throws PublisherError `backup_damaged`, `store_too_new`
 */
export async function verifyBackup(backup: string, progress: BackupProgress = () => {}): Promise<Manifest> {
  const manifest = readManifest(backup);
  await compareAll(manifest, { backup, work: 'Verifying files', progress }, async (path) => {
    const handle = await openFileOf(backup, path);
    try {
      return await digest(handle);
    } finally {
      await handle.close();
    }
  });
  return manifest;
}

/** @throws PublisherError `unwritable_output` */
function requireEmpty(target: string): void {
  const names = readdirSync(target).filter((name) => !OF_THE_DISK.has(name));
  if (names.length === 0) return;
  const [first = ''] = names.sort();
  const message = `${target} is not empty: it has ${first}. A restore overwrites nothing.`;
  throw new PublisherError('unwritable_output', message, { hint: adviceFor(names) });
}

function adviceFor(names: readonly string[]): string {
  if (names.includes(WORK)) return `A restore was broken off here. Empty the folder, then restore again.`;
  if (names.includes('store'))
    return 'Stop the service that uses this folder, then move the folder away, or give another one with --data.';
  return 'Move the folder away, or give another one with --data.';
}

function roomFor({ files }: Manifest, target: string) {
  const { bavail, bsize } = statfsSync(target);
  return { needed: files.reduce((sum, { size }) => sum + size, 0), free: bavail * bsize };
}

interface CopyParts {
  readonly backup: string;
  readonly work: string;
  readonly progress: BackupProgress;
}

async function copyAll(manifest: Manifest, { backup, work, progress }: CopyParts): Promise<void> {
  for (const { path } of manifest.folders) await mkdir(join(work, path), { recursive: true, mode: 0o700 });
  await compareAll(manifest, { backup, work: 'Restoring', progress }, async (path, { mode, modified }, onBytes) => {
    const handle = await openFileOf(backup, path);
    try {
      await mkdir(dirname(join(work, path)), { recursive: true, mode: 0o700 });
      return await copyFile(handle, { path: join(work, path), mode, modified }, onBytes);
    } finally {
      await handle.close();
    }
  });
}

/** A manifest may be changed, and so may the files: a pipe has no end, and a link may lead anywhere. */
async function openFileOf(backup: string, path: string): Promise<FileHandle> {
  const file = await openContained(backup, path);
  if (file === undefined) throw new NoFile();
  return file.handle;
}

class NoFile extends Error {}

interface Comparison {
  readonly backup: string;
  /** For the progress. */
  readonly work: string;
  readonly progress: BackupProgress;
}

/** @throws PublisherError `backup_damaged` with every file that is missing or changed */
async function compareAll(
  { files }: Manifest,
  { backup, work, progress }: Comparison,
  read: (path: string, file: BackedUpFile, onBytes: (bytes: number) => void) => Promise<CopiedFile>,
): Promise<void> {
  const problems: Problem[] = [];
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  const count = (bytes: number) => {
    done += bytes;
    progress(work, Math.min(done, total), total);
  };
  await forEachTogether(files, async (file) => {
    const rule = differenceOf(file, await read(file.path, file, count).catch(missing));
    if (rule !== undefined) problems.push({ file: join(backup, file.path), field: '', rule });
  });
  progress(work, total, total);
  if (problems.length === 0) return;
  problems.sort((one, other) => ((one.file ?? '') < (other.file ?? '') ? -1 : 1));
  throw new PublisherError('backup_damaged', `The backup ${backup} is damaged.`, {
    problems,
    hint: 'Use another backup.',
  });
}

/** A file that the system cannot read is a problem of the backup; other errors are none. */
function missing(error: unknown): string {
  if (error instanceof NoFile) return 'it is no file of the backup';
  if (isSystemError(error) && error.code !== 'ENOSPC' && error.syscall !== 'write') return systemReason(error);
  throw error;
}

function differenceOf({ size, sha256 }: BackedUpFile, found: CopiedFile | string): string | undefined {
  if (typeof found === 'string') return `cannot be read: ${found}`;
  if (found.size !== size) return `has ${found.size} bytes, but the manifest says ${size}`;
  return found.sha256 === sha256 ? undefined : 'is damaged: its SHA-256 is not that of the manifest';
}

/** From the innermost out: a folder may be one that nobody may write to. The outermost ones are still to be moved. */
async function finishFolders({ folders }: Manifest, work: string): Promise<void> {
  for (const { path, mode } of folders.toReversed()) {
    syncFolder(join(work, path));
    if (path.includes('/')) await chmod(join(work, path), mode);
  }
}

/** Where root restores, the files belong to the owner of the data folder, who runs the service. */
function giveToOwner(work: string, target: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(target);
  if (uid === 0 && gid === 0) return;
  for (const name of readdirSync(work, { recursive: true, encoding: 'utf8' })) chownSync(join(work, name), uid, gid);
}

async function putInPlace({ folders }: Manifest, { work, target }: { work: string; target: string }): Promise<void> {
  const modes = new Map(folders.map(({ path, mode }) => [path, mode]));
  const names = readdirSync(work).sort(
    (one, other) => Number(one === PUBLICATION_FILE) - Number(other === PUBLICATION_FILE),
  );
  for (const name of names) {
    renameSync(join(work, name), join(target, name));
    const mode = modes.get(name);
    if (mode !== undefined) await chmod(join(target, name), mode);
  }
  rmdirSync(work);
  syncFolder(target);
}
