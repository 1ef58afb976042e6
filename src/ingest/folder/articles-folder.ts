import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PublisherError } from '../../errors.ts';
import { systemReason } from '../../lib/system-reason.ts';
import type { Publisher, Withdrawal } from '../../publish/publish.ts';
import type { Actor, Store } from '../../store/store.ts';
import { articlePath, type Folders, type RefusedFile } from './article-file.ts';
import { catchUp } from './catch-up.ts';
import { createChangeQueue } from './change-queue.ts';
import { createChangedFiles } from './changed-files.ts';
import { createFileIndex } from './file-index.ts';
import { createFilePublisher } from './file-publisher.ts';
import { type FolderSync, processBatch, queueChange } from './folder-sync.ts';
import { FolderWarning } from './folder-warning.ts';
import { createIncompleteFiles } from './incomplete-files.ts';
import { createOtherFiles } from './other-files.ts';
import type { RemovedArticle } from './pending-changes.ts';
import { startPeriodicLooks } from './periodic-looks.ts';
import { createRefusalReports } from './refusal-reports.ts';
import { type TreeWatcher, watchTrees } from './tree-watcher.ts';

/** Keeps the store in step with the articles folder. */
export interface ArticleFolder {
  /**
   * Brings the store up to date with the folder. From then on, publishes each file that is added or changed and withdraws
   * the article of each file that is removed.
   *
   * @throws an error of the store, except for a full disk: those files are tried again until there is room
   */
  readonly start: () => Promise<void>;
  /** Whether a change on disk is not in the store yet. */
  readonly hasPending: () => boolean;
  /** Waits until the changes on disk are in the store, but not longer than a second. */
  readonly whenIdle: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Receives what the newsroom should know of the folder. Paths are below the data folder. */
export interface FolderReports {
  /** A file cannot be published: the error names the file. The file names that article, or published it before. */
  readonly refused: (error: PublisherError, article: string | undefined) => void;
  /** A file is published, or is not there any more. */
  readonly settled: (file: string, how: 'published' | 'removed') => void;
  /** Files that are no article. */
  readonly otherFilesFound: (files: readonly string[]) => void;
  readonly otherFileRemoved: (file: string) => void;
  /** A condition that the operator has to change. */
  readonly warn: (message: string) => void;
  /** Any other failure that is not the fault of a file: of the store, the disk or a watch. */
  readonly fail: (error: unknown) => void;
}

interface FolderParts {
  readonly dataFolder: string;
  readonly store: Store;
  readonly publisher: Publisher;
  readonly reports: FolderReports;
  /** Receives how many of the changed files are published while the service starts. */
  readonly progress: (done: number, total: number) => void;
  /** Milliseconds since 1970, by the clock that dates files. It must go on: delays depend on it. */
  readonly clock?: () => number;
}

/** @returns the articles folder of a data folder, which is created if it is missing, as is the media folder */
export function openArticleFolder(parts: FolderParts): ArticleFolder {
  const { dataFolder, store, publisher, reports, progress, clock = Date.now } = parts;
  const folders: Folders = { articles: join(dataFolder, 'articles'), media: join(dataFolder, 'media') };
  let watcher: TreeWatcher | undefined;
  let looks: ReturnType<typeof startPeriodicLooks> | undefined;
  const files = createFileIndex();
  const incomplete = createIncompleteFiles(clock);
  const otherFiles = createOtherFiles({
    folder: folders.articles,
    now: clock,
    onFound: (paths) => reports.otherFilesFound(paths.map(articlePath)),
    onRemoved: (path) => reports.otherFileRemoved(articlePath(path)),
  });
  const changedFiles = createChangedFiles({
    folders,
    files,
    otherFiles,
    fail: (error) => watcher?.reportFailure(error),
  });
  const queue = createChangeQueue({
    now: clock,
    isBusy: () => watcher?.isScanning() === true,
    processBatch: (keys) => processBatch(sync, keys),
    withdraw,
    fail,
  });
  const refusals = createRefusalReports({
    now: clock,
    report: reportRefused,
    recheck: queue.markDirty,
  });
  const publishPaths = createFilePublisher({
    folders,
    files,
    incomplete,
    publisher,
    queue,
    onSettled(path, how) {
      refusals.clear(path);
      reports.settled(articlePath(path), how);
    },
  });
  const sync: FolderSync = { files, incomplete, changedFiles, otherFiles, queue, refusals, publishPaths };

  function fail(error: unknown): void {
    if (error instanceof FolderWarning) reports.warn(error.message);
    else reports.fail(error);
  }

  function reportRefused(file: RefusedFile): void {
    const kept = files.publishedAt(file.path)?.id;
    reports.refused(refusalError(file, kept), file.id === '' ? kept : file.id);
  }

  async function start(): Promise<void> {
    for (const folder of Object.values(folders)) await makeFolder(folder).catch(fail);
    // The watch begins before the first read, so that no change falls between them. Changes wait in the queue.
    watcher = await watchTrees(dataFolder, ['articles', 'media'], {
      onChange: (path, kind) => queueChange(sync, path, kind),
      findMissedChanges: async () => (await changedFiles.below('')).forEach(queue.markDirty),
      fail,
    });
    await queue.begin(() => catchUp({ sync, store, fail, progress }));
    looks = startPeriodicLooks({ look: () => findUnreported().catch((error) => watcher?.reportFailure(error)) });
  }

  /** Delays no reader: changes are pending only once they are found. */
  async function findUnreported(): Promise<void> {
    if (watcher?.isScanning() === true) return; // it looks already
    for (const path of await changedFiles.below('')) queue.recheckAt(path, clock());
  }

  async function withdraw(removed: readonly RemovedArticle[]): Promise<void> {
    const articles = new Map(removed.filter(({ id }) => !files.isPublished(id)).map((each) => [each.id, each]));
    if (articles.size > 0) await publisher.withdraw([...articles.values()].map(withdrawalOf));
  }

  return {
    start,
    hasPending: queue.hasPending,
    whenIdle: queue.whenIdle,
    async close() {
      looks?.close();
      otherFiles.close();
      watcher?.close();
      await queue.close();
    },
  };
}

function withdrawalOf({ id, path }: RemovedArticle): Withdrawal {
  const actor: Actor = path === undefined ? { kind: 'start' } : { kind: 'file', path: articlePath(path) };
  return { id, forgetSource: true, actor };
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    const reason = systemReason(cause);
    throw new FolderWarning(
      `The folder ${folder} cannot be created: ${reason}. The service runs without it: create it yourself.`,
      cause,
    );
  }
}

/** @param kept the id of the article that the file published before */
function refusalError({ path, code, problems }: RefusedFile, kept: string | undefined): PublisherError {
  const file = articlePath(path);
  const message =
    kept === undefined
      ? `${file} is not published.`
      : `${file} is refused: the article “${kept}” keeps its earlier version.`;
  return new PublisherError(code, message, { file, problems });
}
