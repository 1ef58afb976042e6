import { dirname, join, resolve } from 'node:path';
import type { Newsroom } from '../article/newsroom.ts';
import { loadPublication, type Publication } from '../config/publication.ts';
import type { Replica } from '../store/replica.ts';
import { IN_MEMORY, isThere } from '../store/sqlite/database.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { Store } from '../store/store.ts';

/** An open data folder. */
export interface DataFolder {
  /** Absolute. */
  readonly path: string;
  readonly publication: Publication;
  readonly newsroom: Newsroom;
  readonly store: Store;
  /** The log that the store follows; missing where this machine has the store alone. */
  readonly replica?: Replica;
  /** What the files of this machine say, where it is a replica: another publication may be in force. */
  readonly files?: Publication;
  /** The file of the store, or `:memory:`. */
  readonly storeFile: string;
}

export interface DataFolderOptions {
  /** Public address of the service; that of publication.yaml by default. */
  readonly feedsUrl?: string | undefined;
  /** The content of publication.yaml, if the caller has read it. */
  readonly publication?: Publication | undefined;
  /** File of the store, or `:memory:`; in the data folder by default. */
  readonly storeFile?: string | undefined;
  /** Tunes the store for many writes without a pause. */
  readonly isBulk?: boolean | undefined;
  /** Whether ordinary HTML is cleaned without the parser of sanitize-html; true by default. */
  readonly sanitizeFastPath?: boolean | undefined;
}

/**
 * Opens a data folder: its publication, its media, its store.
 *
 * @throws PublisherError `invalid_publication`, `store_outdated`, `store_too_new`, `store_unavailable`
 */
export function openDataFolder(folder: string, options: DataFolderOptions = {}): DataFolder {
  const path = resolve(folder);
  const publication = options.publication ?? loadPublication(path, options.feedsUrl);
  const file = options.storeFile ?? storeFile(path);
  return {
    path,
    publication,
    newsroom: newsroomOf(path, publication, options.sanitizeFastPath),
    store: openSqliteStore(file, { isBulk: options.isBulk }),
    storeFile: file,
  };
}

/** Returns the settings that `parseArticle` needs from a data folder. */
export function newsroomOf(
  path: string,
  { url, feedsUrl, reservedUrl = feedsUrl, language }: Publication,
  sanitizeFastPath: boolean = true,
): Newsroom {
  return { url, feedsUrl: reservedUrl, language, mediaFolder: mediaFolder({ path }), sanitizeFastPath };
}

/**
 * Whether a data folder has a store. Opening one creates it.
 *
 * @throws PublisherError `store_unavailable` if there is a file in its place that cannot be a store, or only its log
 */
export function hasStore(path: string): boolean {
  return isThere(storeFile(path));
}

export function mediaFolder({ path }: Pick<DataFolder, 'path'>): string {
  return join(path, 'media');
}

/** The file of what the service has answered lately. It is beside the store, and in memory where the store is. */
export function trafficFile({ storeFile: file }: Pick<DataFolder, 'storeFile'>): string {
  return file === IN_MEMORY ? file : join(dirname(file), 'traffic.sqlite');
}

/** The file of the deliveries to partners, likewise. */
export function deliveryFile({ storeFile: file }: Pick<DataFolder, 'storeFile'>): string {
  return file === IN_MEMORY ? file : join(dirname(file), 'deliveries.sqlite');
}

export function storeFile(path: string): string {
  return join(path, 'store', 'publisher.sqlite');
}
