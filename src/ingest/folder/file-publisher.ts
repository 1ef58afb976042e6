import { setImmediate as pendingEvents } from 'node:timers/promises';
import type { Publisher } from '../../publish/publish.ts';
import { type ArticleFile, type Folders, type RefusedFile, readArticle, refuse, submissionOf } from './article-file.ts';
import type { ChangeQueue } from './change-queue.ts';
import { groups } from './changed-files.ts';
import type { FileIndex } from './file-index.ts';
import { divideByClaim, refuseClaim } from './id-claims.ts';
import type { IncompleteFiles } from './incomplete-files.ts';

/** Files that are read together: the event loop takes all that the system has read by then in one round. */
const READ_TOGETHER = 16;

interface FilePublisherParts {
  readonly folders: Folders;
  readonly files: FileIndex;
  readonly incomplete: IncompleteFiles;
  readonly publisher: Publisher;
  readonly queue: Pick<ChangeQueue, 'markDirtyInBatch' | 'markRemoved'>;
  /** Receives each path that is published or has no file any more. */
  readonly onSettled: (path: string, how: 'published' | 'removed') => void;
}

/**
 * Returns a function that reads and publishes the files at some paths, has the articles of missing files withdrawn by the
 * queue, and returns the refused files. If it rejects, the index is as before, so that a retry finds the same changes.
 */
export function createFilePublisher(
  parts: FilePublisherParts,
): (paths: readonly string[]) => Promise<readonly RefusedFile[]> {
  const { folders, files, incomplete, publisher, queue, onSettled } = parts;

  async function publishPaths(paths: readonly string[]): Promise<readonly RefusedFile[]> {
    const before = paths.flatMap((path) => files.publishedAt(path) ?? []);
    try {
      const refused = await publishFiles(await readFiles(paths));
      const removed = before.filter(({ path, id }) => !files.hasId(path, id));
      for (const { id, path } of removed) queue.markRemoved(id, path);
      files.refusedWithIds(new Set(removed.map(({ id }) => id))).forEach(queue.markDirtyInBatch); // their ids are free now
      return refused;
    } catch (error) {
      for (const file of before) files.restore(file);
      throw error;
    }
  }

  /** The files that exist and, as far as can be known, are complete. */
  async function readFiles(paths: readonly string[]): Promise<readonly (ArticleFile | RefusedFile)[]> {
    const read: (ArticleFile | RefusedFile | undefined)[] = [];
    for (const group of groups(paths, READ_TOGETHER))
      read.push(...(await Promise.all(group.map((path) => readArticle(folders, path)))));
    await pendingEvents(); // the watcher reports writes that happened before the read
    return paths.flatMap((path, index) => {
      const file = read[index];
      const isIncomplete = file !== undefined && 'raw' in file && incomplete.mayGrow(file);
      incomplete.forget(path);
      if (file === undefined) {
        files.remove(path);
        onSettled(path, 'removed');
      }
      return file === undefined || isIncomplete ? [] : [file];
    });
  }

  async function publishFiles(read: readonly (ArticleFile | RefusedFile)[]): Promise<readonly RefusedFile[]> {
    for (const file of read) files.releaseFormerId(file);
    const { owners, claims, refused: unreadable } = divideByClaim(read, files.ownerOf);
    const refused = [...unreadable];
    const results = await publisher.publish(owners.map(submissionOf));
    for (const [index, file] of owners.entries()) {
      const result = results[index];
      if (result === undefined) continue;
      if ('outcome' in result) {
        const { path, id, signature, media } = file; // without the record: the index holds every file
        files.setPublished({ path, id, signature, media });
        onSettled(path, 'published');
      } else refused.push(refuse(file, result.refused));
    }
    for (const claim of claims) {
      if (files.ownerOf(claim.file.id) === claim.owner) refused.push(refuseClaim(claim));
      else queue.markDirtyInBatch(claim.file.path); // its owner was refused
    }
    refused.forEach(files.setRefused);
    return refused;
  }

  return publishPaths;
}
