import { posix } from 'node:path';
import type { SourceFile } from '../../store/store.ts';
import { isWithin } from '../import/list-files.ts';
import type { ArticleFile, RefusedFile } from './article-file.ts';

type RefusedEntry = Pick<RefusedFile, 'id' | 'media' | 'signature'>;
type ReadFile = Pick<SourceFile, 'media' | 'signature'>;

/** Knows which file published which article, and which files were refused. Paths are below the articles folder. */
export interface FileIndex {
  readonly publishedAt: (path: string) => SourceFile | undefined;
  /** The paths below a folder that published an article. */
  readonly publishedBelow: (folder: string) => readonly string[];
  /** The paths below a folder whose files were refused and have published no article. */
  readonly refusedBelow: (folder: string) => readonly string[];
  /** A file as it was read last, whether it was published or refused. */
  readonly lastRead: (path: string) => ReadFile | undefined;
  /** Whether a path published the article with an id. */
  readonly hasId: (path: string, id: string) => boolean;
  /** The path that owns an id. */
  readonly ownerOf: (id: string) => string | undefined;
  readonly isPublished: (id: string) => boolean;
  readonly setPublished: (file: SourceFile) => void;
  /** Sets a file that a failed batch removed, unless its path has published again. */
  readonly restore: (file: SourceFile) => void;
  /** Removes a path and frees its id. */
  readonly remove: (path: string) => void;
  /**
   * Frees the former id of a file that names another one now: of two files that swap their ids, each waits for the
   * other's. The article of the former id stays published until the file is published under the new one.
   */
  readonly releaseFormerId: (file: Pick<ArticleFile, 'path' | 'id'>) => void;
  readonly setRefused: (file: RefusedFile) => void;
  /** The refused files that name one of these ids. */
  readonly refusedWithIds: (ids: ReadonlySet<string>) => readonly string[];
  /** The files, published or refused, that use a media file or one below a media folder. */
  readonly usingMedia: (media: string) => readonly string[];
  /** Whether a file uses exactly this media file. */
  readonly usesMedia: (path: string, media: string) => boolean;
}

export function createFileIndex(): FileIndex {
  const published = new Map<string, SourceFile>();
  const pathOfId = new Map<string, string>();
  /** Folders with files, published or refused. A folder may be named like an article file. */
  const folders = new Set<string>();
  /** Refused files wait for an id that another file owns, or for a missing media file. */
  const refused = new Map<string, RefusedEntry>();

  function lastRead(path: string): ReadFile | undefined {
    return refused.get(path) ?? published.get(path);
  }

  function publishedBelow(folder: string): readonly string[] {
    if (folder !== '' && !folders.has(folder)) return [];
    return [...published.keys()].filter((path) => path !== folder && isWithin(folder, path));
  }

  function refusedBelow(folder: string): readonly string[] {
    if (folder !== '' && !folders.has(folder)) return [];
    return [...refused.keys()].filter((path) => path !== folder && isWithin(folder, path) && !published.has(path));
  }

  function setPublished(file: SourceFile): void {
    remove(file.path);
    add(file);
    pathOfId.set(file.id, file.path);
  }

  function restore(file: SourceFile): void {
    if (published.has(file.path)) return;
    add(file);
    if (!pathOfId.has(file.id)) pathOfId.set(file.id, file.path);
  }

  function add(file: SourceFile): void {
    published.set(file.path, file);
    addFolders(file.path);
  }

  function setRefused({ path, id, media, signature }: RefusedFile): void {
    refused.set(path, { id, media, signature });
    addFolders(path);
  }

  function addFolders(path: string): void {
    let parent = posix.dirname(path);
    for (; parent !== '.' && !folders.has(parent); parent = posix.dirname(parent)) folders.add(parent);
  }

  function remove(path: string): void {
    const file = published.get(path);
    if (file !== undefined && pathOfId.get(file.id) === path) pathOfId.delete(file.id);
    published.delete(path);
    refused.delete(path);
  }

  function releaseFormerId({ path, id }: Pick<ArticleFile, 'path' | 'id'>): void {
    const former = published.get(path)?.id;
    if (former !== undefined && id !== '' && id !== former && pathOfId.get(former) === path) pathOfId.delete(former);
  }

  function usingMedia(media: string): readonly string[] {
    const files: readonly (readonly [string, Pick<RefusedEntry, 'media'>])[] = [...published, ...refused];
    return files.flatMap(([path, file]) => (file.media.some((name) => isWithin(media, name)) ? [path] : []));
  }

  return {
    publishedAt: (path) => published.get(path),
    publishedBelow,
    refusedBelow,
    lastRead,
    hasId: (path, id) => published.get(path)?.id === id,
    ownerOf: (id) => pathOfId.get(id),
    isPublished: (id) => published.get(pathOfId.get(id) ?? '')?.id === id,
    setPublished,
    restore,
    remove,
    releaseFormerId,
    setRefused,
    refusedWithIds: (ids) => [...refused].flatMap(([path, { id }]) => (ids.has(id) ? [path] : [])),
    usingMedia,
    usesMedia: (path, media) => lastRead(path)?.media.includes(media) === true,
  };
}
