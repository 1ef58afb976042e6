import { posix } from 'node:path';
import type { SourceFile } from '../../store/store.ts';
import { isWithin } from '../import/list-files.ts';
import type { ArticleFile, RefusedFile } from './article-file.ts';

type Refused = Pick<RefusedFile, 'id' | 'media' | 'signature'>;

/** Which file has which id, and what files were refused. */
export interface PublishedFiles {
  /** What is published from a file. */
  readonly at: (path: string) => SourceFile | undefined;
  /** Files below a folder that something is published from. */
  readonly below: (folder: string) => readonly string[];
  /** A file as it was read last. */
  readonly known: (path: string) => Pick<SourceFile, 'media' | 'signature'> | undefined;
  /** Whether a path has an article's id, or what is published of it under that. */
  readonly hasId: (path: string, id: string) => boolean;
  /** The path that has an id. */
  readonly ownerOf: (id: string) => string | undefined;
  readonly isPublished: (id: string) => boolean;
  readonly keep: (file: SourceFile) => void;
  /** Takes back a file that was let go of, unless another has its place. */
  readonly restore: (file: SourceFile) => void;
  /** Lets go of a file, and of its id. */
  readonly release: (path: string) => void;
  /**
   * Lets go of the id of a file that names another by now: files that swap their ids each wait for the other's. What is
   * published under the former id stays until the file is published under the new one.
   */
  readonly giveUp: (file: Pick<ArticleFile, 'path' | 'id'>) => void;
  readonly refuse: (file: RefusedFile) => void;
  /** Files that were refused and name one of these ids. */
  readonly refusedWith: (ids: ReadonlySet<string>) => readonly string[];
  /** Files, refused ones too, that show a media file or one in a folder of them. */
  readonly showing: (media: string) => readonly string[];
  /** Whether a file shows that very media file. */
  readonly shows: (path: string, media: string) => boolean;
}

export function publishedFiles(): PublishedFiles {
  const published = new Map<string, SourceFile>();
  const pathOfId = new Map<string, string>();
  /** Folders that articles were published from. They may be named like articles. */
  const folders = new Set<string>();
  /** What files that were refused wait for: an id that another has, a picture that is not there yet. */
  const refused = new Map<string, Refused>();

  function known(path: string): Pick<SourceFile, 'media' | 'signature'> | undefined {
    return refused.get(path) ?? published.get(path);
  }

  function below(folder: string): string[] {
    if (folder !== '' && !folders.has(folder)) return [];
    return [...published.keys()].filter((path) => path !== folder && isWithin(folder, path));
  }

  function keep(file: SourceFile): void {
    release(file.path);
    setPublished(file);
    pathOfId.set(file.id, file.path);
  }

  function restore(file: SourceFile): void {
    if (published.has(file.path)) return;
    setPublished(file);
    if (!pathOfId.has(file.id)) pathOfId.set(file.id, file.path);
  }

  function setPublished(file: SourceFile): void {
    published.set(file.path, file);
    let above = posix.dirname(file.path);
    for (; above !== '.' && !folders.has(above); above = posix.dirname(above)) folders.add(above);
  }

  function release(path: string): void {
    const file = published.get(path);
    if (file !== undefined && pathOfId.get(file.id) === path) pathOfId.delete(file.id);
    published.delete(path);
    refused.delete(path);
  }

  function giveUp({ path, id }: Pick<ArticleFile, 'path' | 'id'>): void {
    const former = published.get(path)?.id;
    if (former !== undefined && id !== '' && id !== former && pathOfId.get(former) === path) pathOfId.delete(former);
  }

  function showing(media: string): string[] {
    const files: readonly (readonly [string, Pick<Refused, 'media'>])[] = [...published, ...refused];
    return files.flatMap(([path, file]) => (file.media.some((name) => isWithin(media, name)) ? [path] : []));
  }

  return {
    at: (path) => published.get(path),
    below,
    known,
    hasId: (path, id) => published.get(path)?.id === id,
    ownerOf: (id) => pathOfId.get(id),
    isPublished: (id) => published.get(pathOfId.get(id) ?? '')?.id === id,
    keep,
    restore,
    release,
    giveUp,
    refuse: ({ path, id, media, signature }) => refused.set(path, { id, media, signature }),
    refusedWith: (ids) => [...refused].flatMap(([path, { id }]) => (ids.has(id) ? [path] : [])),
    showing,
    shows: (path, media) => known(path)?.media.includes(media) === true,
  };
}
