import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { PublisherError } from '../../errors.ts';
import type { Publisher } from '../../publish/publish.ts';
import type { Store } from '../../store/store.ts';
import { isArticleFile, isSelfDelimiting } from '../import/file.ts';
import { filesBelow, isEmptyOrMissing, isWithin } from '../import/list-files.ts';
import {
  type ArticleFile,
  type Folders,
  isAsRead,
  type RefusedFile,
  readArticle,
  refusal,
  submissionOf,
} from './article-file.ts';
import { createChangeQueue } from './change-queue.ts';
import { publishedFiles } from './published-files.ts';
import { type TreeWatcher, type Way, watchTrees } from './tree-watcher.ts';

/** The articles folder, kept in step with the store. */
export interface ArticleFolder {
  /**
   * Brings the store up to date with the folder, and from then on publishes a file that comes or changes and withdraws
   * the article of one that goes.
   */
  readonly start: () => Promise<void>;
  /** Whether something has changed on disk that is not in the store yet. */
  readonly hasPending: () => boolean;
  /** Waits until what has changed on disk is in the store, but not for long. */
  readonly whenIdle: () => Promise<void>;
  readonly close: () => Promise<void>;
}

interface FolderParts {
  readonly dataFolder: string;
  readonly store: Store;
  readonly publisher: Publisher;
  /** Told of a file that cannot be published, which the error names. */
  readonly refuse: (error: PublisherError) => void;
  /** Told of a failure that is no fault of a file: the store, the disk. */
  readonly fail: (error: unknown) => void;
  /** Told how many of the changed files are published at start. */
  readonly progress: (done: number, total: number) => void;
}

/** Files that are read and kept together at start. */
const BATCH = 500;
/** Milliseconds for which a file that cannot be published may still be in the middle of being written. */
const HALF_WRITTEN = 1000;
/** Milliseconds for which a file that does not show its end must not have been written to. */
const STANDING = 1000;

export function openArticleFolder(parts: FolderParts): ArticleFolder {
  const { dataFolder, store, publisher, refuse, fail, progress } = parts;
  const folders: Folders = { articles: join(dataFolder, 'articles'), media: join(dataFolder, 'media') };
  const files = publishedFiles();
  /** Since when a file cannot be published. */
  const failingSince = new Map<string, number>();
  /** Files that were given their names and not written to since: who writes aside and renames has written all. */
  const placed = new Set<string>();
  /** Files that may be in the middle of being written, and when they are looked at again. */
  const growing = new Map<string, number>();
  let watcher: TreeWatcher | undefined;
  const changeQueue = createChangeQueue({ isBusy: () => watcher?.busy() === true, work: keepUp, withdraw, fail });

  async function start(): Promise<void> {
    for (const needed of [folders.articles, folders.media]) await mkdir(needed, { recursive: true }).catch(fail);
    // Watched before it is read, so that no change falls between; what is dirty meanwhile waits for its turn.
    watcher = await watchTrees(dataFolder, ['articles', 'media'], { onChange: changed, lookAgain, fail });
    await changeQueue.begin(catchUp);
  }

  /** Publishes what changed, and lets go of what went, while the service was not running. */
  async function catchUp(): Promise<void> {
    for (const source of await store.sources()) {
      if (source.path === '') changeQueue.markRemoved(source.id);
      else files.keep(source);
    }
    await publishAtStart(await changedSince());
    if (growing.size > 0) {
      await sleep(STANDING); // so that what is there at the start is in the first answer
      const paths = [...growing.keys()];
      growing.clear();
      await publishAtStart(paths);
    }
    lookLater();
  }

  async function publishAtStart(paths: readonly string[]): Promise<void> {
    let done = 0;
    for (const batch of batches(paths)) {
      try {
        (await bringUpToDate(batch)).forEach(tell);
      } catch (error) {
        if (!isFull(error)) throw error;
        fail(error);
        paths.slice(done).forEach(changeQueue.markDirty); // in changeQueue they are tried until there is room
        return progress(paths.length, paths.length);
      }
      done += batch.length;
      progress(done, paths.length);
    }
  }

  /** A file whose change was told may be another though its size and time are the same. Those that were found are not. */
  async function keepUp(notes: readonly string[]): Promise<void> {
    const told = new Set<string>();
    const found = new Set<string>();
    const changed: string[] = [];
    for (const markDirty of notes) {
      const path = markDirty.replace(/\/$/, '');
      if (files.below(path).length > 0) changed.push(...(await changedSince(path, notes)));
      if (isArticleFile(path)) (path === markDirty ? told : found).add(path);
    }
    changed.push(...(await changedAmong([...found])), ...told);
    for (const batch of batches([...new Set(changed)])) {
      (await bringUpToDate(batch)).forEach(tellUnlessHalfWritten);
    }
    lookLater();
  }

  function lookLater(): void {
    for (const [path, from] of growing) changeQueue.markDirtyLater(path, from);
    growing.clear();
  }

  /** Notes what has changed without being told. */
  async function lookAgain(): Promise<void> {
    for (const path of await changedSince()) changeQueue.markDirty(path);
  }

  /**
   * Files in a folder that are gone, or are others than when they were read. What is in a folder that cannot be read is
   * taken to be as it was, and so is everything where nothing is there at all: a volume that is not mounted looks like it.
   *
   * @param toldOf files that are looked at in any case
   */
  async function changedSince(folder = '', toldOf: readonly string[] = []): Promise<string[]> {
    const known = files.below(folder);
    if (folder === '' && known.some((path) => !toldOf.includes(path)) && (await isEmptyOrMissing(folders.articles))) {
      watcher?.failed(new Error(nothingThere(folders.articles, known.length)));
      return [];
    }
    const closed: string[] = [];
    const found = await filesBelow(folders.articles, folder, (path, error) => {
      closed.push(path);
      watcher?.failed(error);
    });
    const paths = found.filter(isArticleFile);
    const there = new Set(paths);
    const isGone = (path: string) => !there.has(path) && !closed.some((each) => isWithin(each, path));
    const changed = known.filter(isGone);
    for (const batch of batches(paths)) changed.push(...(await changedAmong(batch)));
    return changed;
  }

  async function changedAmong(paths: readonly string[]): Promise<string[]> {
    const same = await Promise.all(
      paths.map((path) => {
        const known = files.known(path);
        return known !== undefined && isAsRead(folders, path, known);
      }),
    );
    return paths.filter((_, index) => !same[index]);
  }

  /** Publishes the files that are there and notes whose articles are to be withdrawn. Returns what was refused. */
  async function bringUpToDate(paths: readonly string[]): Promise<RefusedFile[]> {
    const before = paths.flatMap((path) => files.at(path) ?? []);
    try {
      const refused = await publishFiles(paths);
      const gone = before.filter(({ path, id }) => !files.hasId(path, id)).map(({ id }) => id);
      gone.forEach(changeQueue.markRemoved);
      files.refusedWith(new Set(gone)).forEach(changeQueue.markDirtyInBatch);
      return refused;
    } catch (error) {
      for (const file of before) files.restore(file); // what went is still to be withdrawn
      throw error;
    }
  }

  /** The files that are there and, as far as one can know, whole. */
  async function readFiles(paths: readonly string[]): Promise<readonly (ArticleFile | RefusedFile)[]> {
    const read = await Promise.all(paths.map((path) => readArticle(folders, path)));
    await nextTurn(); // by which it is told what was written before it was read
    return paths.flatMap((path, index) => {
      const file = read[index];
      const isGrowing = file !== undefined && 'raw' in file && mayGrow(file);
      placed.delete(path);
      if (file === undefined) release(path);
      else if (isGrowing) growing.set(path, file.modified + STANDING);
      return file === undefined || isGrowing ? [] : [file];
    });
  }

  /** A time that is further from now is by another clock. */
  function mayGrow({ path, modified }: ArticleFile): boolean {
    return !isSelfDelimiting(path) && !placed.has(path) && Math.abs(Date.now() - modified) < STANDING;
  }

  async function publishFiles(paths: readonly string[]) {
    const read = await readFiles(paths);
    for (const file of read) files.giveUp(file);
    const refused: RefusedFile[] = [];
    const owners = new Map<string, ArticleFile>();
    const claimants: [file: ArticleFile, owner: string][] = [];
    for (const file of read) {
      const owner = 'problems' in file ? undefined : (owners.get(file.id)?.path ?? files.ownerOf(file.id));
      if ('problems' in file) refused.push(file);
      else if (owner !== undefined && owner !== file.path) claimants.push([file, owner]);
      else owners.set(file.id === '' ? file.path : file.id, file); // without an id it is refused for that
    }
    const results = (await publisher.publish([...owners.values()].map(submissionOf))).values();
    for (const file of owners.values()) {
      const result = results.next().value;
      if (result === undefined) continue;
      if ('outcome' in result) keep(file);
      else refused.push(refusal(file, result.refused.problems));
    }
    for (const [file, owner] of claimants) {
      if (files.ownerOf(file.id) === owner) refused.push(idTaken(file, owner));
      else changeQueue.markDirtyInBatch(file.path); // the owner was refused itself
    }
    refused.forEach(files.refuse);
    return refused;
  }

  function keep({ path, id, signature, media }: ArticleFile): void {
    files.keep({ path, id, signature, media });
    failingSince.delete(path);
  }

  function release(path: string): void {
    files.release(path);
    failingSince.delete(path);
  }

  async function withdraw(removed: readonly string[]): Promise<void> {
    const ids = new Set(removed.filter((id) => !files.isPublished(id)));
    if (ids.size > 0) await publisher.withdraw([...ids].map((id) => ({ id, forgetSource: true })));
  }

  function tellUnlessHalfWritten(file: RefusedFile): void {
    const since = failingSince.get(file.path) ?? Date.now();
    failingSince.set(file.path, since);
    if (Date.now() - since >= HALF_WRITTEN) tell(file);
    else setTimeout(() => changeQueue.markDirty(file.path), HALF_WRITTEN / 4).unref();
  }

  function tell({ path, problems }: RefusedFile): void {
    failingSince.delete(path);
    const file = `articles/${path}`;
    refuse(new PublisherError('invalid_article', `${file} is not published.`, { file, problems }));
  }

  function changed(path: string, way: Way): void {
    const name = path.replace(/^(articles|media)\/?/, '');
    if (isWithin('articles', path)) {
      if (way === 'named' && isArticleFile(name)) placed.add(name);
      if (way === 'written') placed.delete(name);
      changeQueue.markDirty(noteOf(name, way));
    } else
      for (const file of files.showing(name))
        changeQueue.markDirty(noteOf(file, files.shows(file, name) ? way : 'found'));
  }

  return {
    start,
    hasPending: changeQueue.hasPending,
    whenIdle: changeQueue.whenIdle,
    async close() {
      watcher?.close();
      await changeQueue.close();
    },
  };
}

/** How a path is dirty: with a slash at its end where it was only found. */
function noteOf(path: string, way: Way): string {
  return way === 'found' ? `${path}/` : path;
}

function* batches(paths: readonly string[]): Generator<readonly string[]> {
  for (let start = 0; start < paths.length; start += BATCH) yield paths.slice(start, start + BATCH);
}

function isFull(error: unknown): boolean {
  return error instanceof PublisherError && error.code === 'insufficient_storage';
}

function nothingThere(folder: string, known: number): string {
  return `${folder} is empty or not there, and ${known} articles have their files in it: none of them is withdrawn until something is.`;
}

function idTaken(file: ArticleFile, owner: string): RefusedFile {
  return refusal(file, [{ field: 'id', value: file.id, rule: `is the id of articles/${owner} already` }]);
}
