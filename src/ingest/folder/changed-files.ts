import { isArticleFile } from '../import/file.ts';
import { filesBelow, isEmptyOrMissing, isWithin } from '../import/list-files.ts';
import { type Folders, isUnchanged } from './article-file.ts';
import type { FileIndex } from './file-index.ts';
import { FolderWarning } from './folder-warning.ts';
import type { OtherFiles } from './other-files.ts';

/** Finds files that differ from when they were last read, by their sizes and times. */
export interface ChangedFiles {
  /** Filters paths: it keeps each path whose file, or a media file that the file uses, differs. */
  readonly among: (paths: readonly string[]) => Promise<readonly string[]>;
  /**
   * The paths below a folder whose files were added, changed or removed, refused files included. Nothing counts as removed below a folder that
   * cannot be read, or if the whole articles folder is empty or missing: an unmounted volume looks like that.
   *
   * @param reported paths whose change was reported: if no other path is known, the folder was emptied on purpose
   */
  readonly below: (folder: string, reported?: ReadonlySet<string>) => Promise<readonly string[]>;
}

interface ChangedFilesParts {
  readonly folders: Folders;
  readonly files: FileIndex;
  readonly otherFiles: Pick<OtherFiles, 'listed'>;
  /** Receives the error of each folder that cannot be read, or is empty or missing against expectation. */
  readonly fail: (error: unknown) => void;
}

/** Files that are read and published together. */
const TOGETHER = 500;
/** Files that are looked at together. Compression and reads use the same few threads, and must not wait for long. */
const LOOKED_AT_TOGETHER = 64;

export function createChangedFiles({ folders, files, otherFiles, fail }: ChangedFilesParts): ChangedFiles {
  async function among(paths: readonly string[]): Promise<readonly string[]> {
    const changed: string[] = [];
    for (const group of groups(paths, LOOKED_AT_TOGETHER)) {
      const unchanged = await Promise.all(group.map(isKnown));
      for (const [index, path] of group.entries()) if (!unchanged[index]) changed.push(path);
    }
    return changed;
  }

  async function isKnown(path: string): Promise<boolean> {
    const known = files.lastRead(path);
    return known !== undefined && isUnchanged(folders, path, known);
  }

  async function below(folder: string, reported: ReadonlySet<string> = new Set()): Promise<readonly string[]> {
    const known = files.publishedBelow(folder);
    const isUnexpected = folder === '' && known.some((path) => !reported.has(path));
    if (isUnexpected && (await isEmptyOrMissing(folders.articles))) {
      fail(new FolderWarning(emptyFolder(folders.articles, known.length)));
      return [];
    }
    const unreadable: string[] = [];
    const found = await filesBelow(folders.articles, folder, (path, error) => {
      unreadable.push(path);
      fail(error);
    });
    const isUnreadable = (path: string) => unreadable.some((each) => isWithin(each, path));
    const paths = found.filter(isArticleFile);
    const present = new Set(paths);
    await otherFiles.listed(
      folder,
      found.filter((path) => !isArticleFile(path)),
      isUnreadable,
    );
    const isRemoved = (path: string) => !present.has(path) && !isUnreadable(path);
    return [...known, ...files.refusedBelow(folder)].filter(isRemoved).concat(await among(paths));
  }

  return { among, below };
}

/** The paths in groups that are handled together. */
export function* groups(paths: readonly string[], size = TOGETHER): Generator<readonly string[]> {
  for (let start = 0; start < paths.length; start += size) yield paths.slice(start, start + size);
}

function emptyFolder(folder: string, articles: number): string {
  const published = articles === 1 ? '1 published article comes' : `${articles} published articles come`;
  return (
    `The articles folder ${folder} is empty or missing, but ${published} from it. The service withdraws none. Restore or ` +
    'mount the folder. If you removed the files on purpose, put any file into it, such as .keep.'
  );
}
