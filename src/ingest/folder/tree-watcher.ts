import { type FSWatcher, watch } from 'node:fs';
import { lstat, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { below, entriesOf, filesBelow, isMissing, isWithin } from '../import/list-files.ts';

export interface TreeWatcher {
  /** Whether a folder that came, or everything again, is still being read. */
  readonly busy: () => boolean;
  /** Tells of a failure, once while it lasts, and has everything looked at again after a while. */
  readonly failed: (error: unknown) => void;
  readonly close: () => void;
}

/**
 * How a path that may have changed is known: its name came, went or was given to another file; it was written to, or its
 * times changed; it was found in a folder that came or may be another.
 */
export type Way = 'named' | 'written' | 'found';

interface TreeListener {
  readonly onChange: (path: string, way: Way) => void;
  /** Asked to look for what has changed, because some of it may not have been told. */
  readonly lookAgain: () => Promise<void>;
  /** Told of a folder that cannot be read or watched. The others are. */
  readonly fail: (error: unknown) => void;
}

/** Milliseconds until everything is looked at again, where something cannot be watched. */
const AGAIN = 30_000;

/**
 * Tells which paths below some folders may have changed, at the moment the system says so. A folder that came, went or
 * was replaced is told as its path and as the files in it. One watch a folder, not a file: systems limit their number.
 *
 * @param folders names of folders in `root`, or of symbolic links to some; they may come and go, too
 */
export async function watchTrees(
  root: string,
  folders: readonly string[],
  { onChange, lookAgain, fail }: TreeListener,
): Promise<TreeWatcher> {
  const watched = new Map<string, FSWatcher>();
  const mostWaiting = await mostChangesWaiting();
  /** Changes that the system told in this turn of the event loop. */
  let came = 0;
  let reading = 0;
  /** What is told only once while it lasts. */
  const failures = new Set<string>();
  let again: NodeJS.Timeout | undefined;
  let isStartingAgain = false;
  let closed = false;

  /** A folder is watched before it is read, so that no change falls between. */
  async function watchFolder(folder: string): Promise<void> {
    if (closed || watched.has(folder)) return;
    try {
      const watcher = watch(join(root, folder), (event, name) => {
        countChange();
        if (name === null || name.startsWith('.') || (folder === '' && !folders.includes(name))) return;
        changed(event, below(folder, name));
      });
      watched.set(folder, watcher);
      watcher.on('error', (error) => {
        forget(folder);
        failed(error);
      });
      for (const name of folder === '' ? folders : await foldersIn(join(root, folder))) {
        if (watched.get(folder) !== watcher) return; // it went: what is there now is read by itself
        await watchFolder(below(folder, name));
      }
    } catch (error) {
      failed(error);
    }
  }

  function failed(error: unknown): void {
    if (isMissing(error)) return; // it went, which is told by itself
    const failure = nameOf(error);
    if (!failures.has(failure)) fail(error);
    failures.add(failure);
    startAgainLater();
  }

  /**
   * What comes while the system keeps as many changes as it may is dropped, and nobody is told. All that it kept come in
   * one turn then. Half as many are enough to think so: those of folders that are gone come to nobody.
   */
  function countChange(): void {
    if (came === 0) {
      setImmediate(() => {
        if (came >= mostWaiting / 2) void startAgain();
        came = 0;
      });
    }
    came += 1;
  }

  function startAgainLater(): void {
    if (!closed) again ??= setTimeout(startAgain, AGAIN).unref();
  }

  /** Watches everything anew and has it looked at, once at a time. */
  async function startAgain(): Promise<void> {
    clearTimeout(again);
    again = undefined;
    if (closed) return;
    if (isStartingAgain) return startAgainLater();
    isStartingAgain = true;
    reading += 1;
    forget('');
    await watchFolder('');
    await lookAgain().catch(failed);
    reading -= 1;
    isStartingAgain = false;
    if (again === undefined) failures.clear();
  }

  function changed(event: string, path: string): void {
    onChange(path, event === 'rename' ? 'named' : 'written');
    // A folder that is made where one was just removed may have its inode: by what it is nobody can tell them apart. What
    // changes of a folder itself, its times or permissions, looks the same.
    if (event === 'rename') forget(path);
    reading += 1;
    readFolder(path)
      .catch(failed)
      .finally(() => {
        reading -= 1;
      });
  }

  async function readFolder(path: string): Promise<void> {
    // Who watches it by now does so since it came, and reads it.
    if (!(await isFolder(path)) || watched.has(path)) return;
    await watchFolder(path);
    onChange(path, 'found'); // what went before the watch is told by nobody else
    for (const file of await filesBelow(root, path, (_, error) => failed(error))) onChange(file, 'found');
  }

  /** As `filesBelow` sees it: of symbolic links to folders only those are followed that were asked for. */
  async function isFolder(path: string): Promise<boolean> {
    return (await (folders.includes(path) ? stat : lstat)(join(root, path))).isDirectory();
  }

  function forget(folder: string): void {
    for (const [name, watcher] of watched) {
      if (!isWithin(folder, name)) continue;
      watcher.close();
      watched.delete(name);
    }
  }

  await watchFolder('');
  return {
    busy: () => reading > 0,
    failed,
    close: () => {
      closed = true;
      clearTimeout(again);
      forget('');
    },
  };
}

async function foldersIn(path: string): Promise<string[]> {
  return (await entriesOf(path)).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}

/** How many changes Linux keeps for a process that does not take them. What others do is not known. */
async function mostChangesWaiting(): Promise<number> {
  try {
    return Number(await readFile('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** The same for a folder whether it cannot be watched or not be read. */
function nameOf(error: unknown): string {
  if (isOverLimit(error)) return error.code;
  const { code, path } = Object(error) as { readonly code?: unknown; readonly path?: unknown };
  return path === undefined ? String(error) : `${code} ${path}`;
}

/** Of watches: after one folder no other can be watched either. */
function isOverLimit(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EMFILE');
}
