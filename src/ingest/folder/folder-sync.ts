import { composed } from '../../lib/text.ts';
import { isArticleFile } from '../import/file.ts';
import { isWithin } from '../import/list-files.ts';
import type { RefusedFile } from './article-file.ts';
import type { ChangeQueue } from './change-queue.ts';
import { type ChangedFiles, groups } from './changed-files.ts';
import { dirtyKey, dirtyPaths } from './dirty-keys.ts';
import type { FileIndex } from './file-index.ts';
import type { IncompleteFiles } from './incomplete-files.ts';
import type { OtherFiles } from './other-files.ts';
import type { RefusalReports } from './refusal-reports.ts';
import type { ChangeKind } from './tree-watcher.ts';

/** The parts of an open articles folder. */
export interface FolderSync {
  readonly files: FileIndex;
  readonly incomplete: IncompleteFiles;
  readonly changedFiles: ChangedFiles;
  readonly otherFiles: Pick<OtherFiles, 'look'>;
  readonly queue: Pick<ChangeQueue, 'markDirty' | 'markRemoved' | 'recheckAt'>;
  readonly refusals: RefusalReports;
  /** Publishes the files at some paths and returns those that are refused. */
  readonly publishPaths: (paths: readonly string[]) => Promise<readonly RefusedFile[]>;
}

/** Puts a change below `articles` or `media`, as the watcher reports it, into the queue. */
export function queueChange(
  { files, incomplete, queue }: Pick<FolderSync, 'files' | 'incomplete' | 'queue'>,
  path: string,
  kind: ChangeKind,
): void {
  const name = path.replace(/^(articles|media)\/?/, '');
  if (!isWithin('articles', path)) {
    const media = composed(name); // the file system may have another form of the name than the record
    for (const file of files.usingMedia(media)) {
      queue.markDirty(dirtyKey(file, files.usesMedia(file, media) ? kind : 'discovered'));
    }
    return;
  }
  if (kind === 'renamed' && isArticleFile(name)) incomplete.renamed(name);
  if (kind === 'written') incomplete.written(name);
  queue.markDirty(dirtyKey(name, kind));
}

/** Brings the store up to date with the paths of a batch. */
export async function processBatch(sync: FolderSync, keys: readonly string[]): Promise<void> {
  const { files, changedFiles, otherFiles, publishPaths, refusals } = sync;
  const { reported, discovered } = dirtyPaths(keys);
  const paths = new Set<string>();
  const add = (path: string) => void paths.add(path);
  const changed = [...new Set([...reported, ...discovered])];
  for (const path of changed) {
    if (files.publishedBelow(path).length + files.refusedBelow(path).length > 0)
      (await changedFiles.below(path, reported)).forEach(add);
  }
  (await changedFiles.among([...discovered].filter(isArticleFile))).forEach(add);
  [...reported].filter(isArticleFile).forEach(add);
  for (const group of groups([...paths])) {
    (await publishPaths(group)).forEach(refusals.reportUnlessHalfWritten);
  }
  await otherFiles.look(changed.filter((path) => !isArticleFile(path)));
  scheduleRechecks(sync);
}

/** Has the files that are incomplete by now read again. */
export function scheduleRechecks({ incomplete, queue }: Pick<FolderSync, 'incomplete' | 'queue'>): void {
  for (const [path, readyAt] of incomplete.takeRechecks()) queue.recheckAt(path, readyAt);
}
