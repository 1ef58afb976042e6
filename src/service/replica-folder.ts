import { resolve } from 'node:path';
import type { Publication } from '../config/publication.ts';
import { configurationOf, FILES_SEEN, sharedPublication } from '../publish/refresh.ts';
import { openReplicatedStore } from '../store/postgres/replicated-store.ts';
import type { Store } from '../store/store.ts';
import { type DataFolder, newsroomOf, storeFile } from './data-folder.ts';

export interface ReplicaFolderOptions {
  /** The address of the database. */
  readonly databaseUrl: string;
  /** What the files of this machine say. */
  readonly publication: Publication;
  readonly sanitizeFastPath?: boolean | undefined;
  readonly isBulk?: boolean | undefined;
  /** Whether this process may watch the files for all replicas; a command must not. */
  readonly mayOwn: boolean;
  readonly now?: (() => number) | undefined;
}

/**
 * Opens a data folder as a replica. The publication is the one in force, unless somebody has changed the files of this machine
 * since its last start.
 *
 * @throws PublisherError `database_unavailable`, `store_outdated`, `store_too_new`, `store_unavailable`
 */
export async function openReplicaFolder(folder: string, options: ReplicaFolderOptions): Promise<DataFolder> {
  const path = resolve(folder);
  const file = storeFile(path);
  const { databaseUrl: url, isBulk, mayOwn, now = Date.now, sanitizeFastPath } = options;
  const { store, replica } = await openReplicatedStore({ url, file, isBulk, mayOwn, now });
  const publication = await choosePublication(store, options.publication);
  return {
    path,
    publication,
    files: options.publication,
    newsroom: newsroomOf(path, publication, sanitizeFastPath),
    store,
    storeFile: file,
    replica,
  };
}

async function choosePublication(store: Store, files: Publication): Promise<Publication> {
  const inForce = await sharedPublication(store);
  if (inForce === undefined) return files;
  const own = configurationOf(files);
  const seen = await store.setting(FILES_SEEN);
  const isChanged = seen !== undefined && seen !== own;
  return isChanged ? files : inForce;
}
