import { setTimeout as sleep } from 'node:timers/promises';
import { PublisherError } from '../../errors.ts';
import type { Store } from '../../store/store.ts';
import { groups } from './changed-files.ts';
import { type FolderSync, scheduleRechecks } from './folder-sync.ts';
import { COMPLETE_AFTER } from './incomplete-files.ts';

interface CatchUp {
  readonly sync: FolderSync;
  readonly store: Pick<Store, 'sources'>;
  /** Receives the error of a full disk. */
  readonly fail: (error: unknown) => void;
  /** Receives how many of the changed files are published. */
  readonly progress: (done: number, total: number) => void;
}

/**
 * Publishes and withdraws the articles of files that changed while the service was not running.
 *
 * @throws an error of the store, except for a full disk: then the queue tries the files until there is room
 */
export async function catchUp(parts: CatchUp): Promise<void> {
  const { sync, store } = parts;
  for (const source of await store.sources()) {
    if (source.path === '') sync.queue.markRemoved(source.id);
    else sync.files.setPublished(source);
  }
  await publishAtStart(parts, await sync.changedFiles.below(''));
  const rechecks = sync.incomplete.takeRechecks();
  if (rechecks.size > 0) {
    await sleep(COMPLETE_AFTER); // so that the first response has every file that was there at the start
    await publishAtStart(parts, [...rechecks.keys()]);
  }
  scheduleRechecks(sync);
}

async function publishAtStart({ sync, fail, progress }: CatchUp, paths: readonly string[]): Promise<void> {
  let done = 0;
  for (const group of groups(paths)) {
    try {
      (await sync.publishPaths(group)).forEach(sync.refusals.report);
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      fail(error);
      paths.slice(done).forEach(sync.queue.markDirty);
      return progress(paths.length, paths.length);
    }
    done += group.length;
    progress(done, paths.length);
  }
}

function isDiskFull(error: unknown): boolean {
  return error instanceof PublisherError && error.code === 'insufficient_storage';
}
