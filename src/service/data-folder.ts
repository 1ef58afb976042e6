import { join, resolve } from 'node:path';
import type { Newsroom } from '../article/article.ts';
import { loadPublication, type Publication } from '../config/publication.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';

/** A data folder with what stands in it. */
export interface DataFolder {
  readonly dataFolder: string;
  readonly publication: Publication;
  readonly newsroom: Newsroom;
  readonly store: Store;
}

export interface DataFolderOptions {
  /** The service's public address where it is not the one in publication.yaml. */
  readonly feedsUrl?: string | undefined;
  /** What stands in publication.yaml, where that was read before. */
  readonly publication?: Publication | undefined;
  /** Where the store is; in the data folder unless it is said. */
  readonly storeFile?: string | undefined;
  /** Whether much will be written to the store without a pause. */
  readonly isBulk?: boolean | undefined;
}

/**
 * Opens a data folder: its publication, its media, its store.
 *
 * @throws PublisherError `invalid_publication`, `store_outdated`, `store_too_new`, `store_unavailable`
 */
export function openDataFolder(folder: string, options: DataFolderOptions = {}): DataFolder {
  const dataFolder = resolve(folder);
  const publication = options.publication ?? loadPublication(dataFolder, options.feedsUrl);
  return {
    dataFolder,
    publication,
    newsroom: newsroomOf(dataFolder, publication),
    store: openSqliteStore(options.storeFile ?? storeFile(dataFolder), { isBulk: options.isBulk }),
  };
}

/** What records of this installation are read against. */
export function newsroomOf(dataFolder: string, { url, feedsUrl, language }: Publication): Newsroom {
  return { url, feedsUrl, language, mediaFolder: join(dataFolder, 'media') };
}

export function storeFile(dataFolder: string): string {
  return join(dataFolder, 'store', 'publisher.sqlite');
}
