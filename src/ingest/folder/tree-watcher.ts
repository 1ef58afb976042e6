import { type FSWatcher, watch } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { below, entriesOf, filesBelow, isWithin } from '../import/list-files.ts';
import { createRescans } from './rescans.ts';
import { createWatchFailures } from './watch-failures.ts';
import { createOverflowDetector, maxQueuedEvents } from './watch-overflow.ts';

export interface TreeWatcher {
  /** Whether a new folder, or the whole tree, is being read: changes that happened already may still be reported. */
  readonly isScanning: () => boolean;
  /** Reports a failure to read a folder, once while it lasts, and schedules a rescan. */
  readonly reportFailure: (error: unknown) => void;
  readonly close: () => void;
}

/**
 * How a change became known.
 *
 * - `renamed`: the name was added, removed or given to another file.
 * - `written`: the file was written to, or its times or permissions changed.
 * - `discovered`: the path is in a folder that is new or may have been replaced. It may be unchanged.
 */
export type ChangeKind = 'renamed' | 'written' | 'discovered';

interface TreeListener {
  /** Receives each path that may have changed, from the root. */
  readonly onChange: (path: string, kind: ChangeKind) => void;
  /** Must look for changes by itself: the system may not have reported some. */
  readonly findMissedChanges: () => Promise<void>;
  /** Receives the error of a folder that cannot be read or watched. All others stay watched. */
  readonly fail: (error: unknown) => void;
}

/** Milliseconds from a failure to the next rescan. */
const RESCAN_DELAY = 30_000;

/**
 * Reports which paths in some folders may have changed, as soon as the system reports it. A folder that is added, removed
 * or replaced is reported itself, and so is each file in it. There is one watch for each folder, not for each file:
 * systems limit their number (see docs/decisions/0013-own-tree-watcher.md).
 *
 * @param folders names of folders in `root`, or of symbolic links to folders; they may be added and removed as well
 */
export async function watchTrees(
  root: string,
  folders: readonly string[],
  { onChange, findMissedChanges, fail }: TreeListener,
): Promise<TreeWatcher> {
  const watches = new Map<string, FSWatcher>();
  const failures = createWatchFailures(fail);
  const rescans = createRescans(rescan, RESCAN_DELAY);
  const countEvent = createOverflowDetector(await maxQueuedEvents(), () => void rescans.startNow());
  let scans = 0;
  let isClosed = false;

  /** A folder is watched before it is read, so that no change falls between. */
  async function watchFolder(folder: string): Promise<void> {
    if (isClosed || watches.has(folder)) return;
    try {
      const watcher = watch(join(root, folder), (event, name) => {
        countEvent();
        if (name === null || name.startsWith('.') || (folder === '' && !folders.includes(name))) return;
        changed(event, below(folder, name));
      });
      watches.set(folder, watcher);
      watcher.on('error', (error) => {
        closeWatches(watches, folder);
        reportFailure(error);
      });
      for (const name of folder === '' ? folders : await foldersIn(join(root, folder))) {
        if (watches.get(folder) !== watcher) return; // the folder was removed; its successor is read by itself
        await watchFolder(below(folder, name));
      }
    } catch (error) {
      reportFailure(error);
    }
  }

  function reportFailure(error: unknown): void {
    if (failures.report(error)) rescans.startLater();
  }

  async function rescan(): Promise<void> {
    scans += 1;
    closeWatches(watches, '');
    await watchFolder('');
    await findMissedChanges().catch(reportFailure);
    scans -= 1;
    if (!rescans.isScheduled()) failures.clear();
  }

  function changed(event: string, path: string): void {
    onChange(path, event === 'rename' ? 'renamed' : 'written');
    // A new folder may have the inode of a removed one, so that the old watch seems to belong to it. Nothing tells the two
    // cases apart. A new watch is right in both.
    if (event === 'rename') closeWatches(watches, path);
    scans += 1;
    readFolder(path)
      .catch(reportFailure)
      .finally(() => {
        scans -= 1;
      });
  }

  async function readFolder(path: string): Promise<void> {
    const isRoot = folders.includes(path); // only these are followed if they are symbolic links, as by `filesBelow`
    if (!(await (isRoot ? stat : lstat)(join(root, path))).isDirectory()) return;
    if (watches.has(path)) return; // watched since it was added, and read by that watch
    await watchFolder(path);
    onChange(path, 'discovered'); // no watch reported files that were removed from it before it was watched
    for (const file of await filesBelow(root, path, (_, error) => reportFailure(error))) onChange(file, 'discovered');
  }

  await watchFolder('');
  return {
    isScanning: () => scans > 0,
    reportFailure,
    close() {
      isClosed = true;
      rescans.close();
      closeWatches(watches, '');
    },
  };
}

function closeWatches(watches: Map<string, FSWatcher>, folder: string): void {
  for (const [name, watcher] of watches) {
    if (!isWithin(folder, name)) continue;
    watcher.close();
    watches.delete(name);
  }
}

async function foldersIn(path: string): Promise<string[]> {
  return (await entriesOf(path)).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}
