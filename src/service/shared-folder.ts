import { resolve } from 'node:path';
import { loadPublication } from '../config/publication.ts';
import { type DataFolder, type DataFolderOptions, openDataFolder } from './data-folder.ts';

export interface SharedFolderOptions extends DataFolderOptions {
  /** The address of the database that machines share; the store is on this machine alone without it. */
  readonly databaseUrl: string | undefined;
  /** Whether this process may watch the files for all replicas; a command must not. */
  readonly mayOwn?: boolean;
}

/**
 * Opens a data folder as `openDataFolder`, or as a replica where there is a database. Its client is loaded only then.
 *
 * @throws PublisherError as `openDataFolder`, and `database_unavailable`
 */
export async function openSharedFolder(
  folder: string,
  { databaseUrl, mayOwn = false, ...options }: SharedFolderOptions,
): Promise<DataFolder> {
  if (databaseUrl === undefined) return openDataFolder(folder, options);
  const publication = options.publication ?? loadPublication(resolve(folder), options.feedsUrl);
  const { openReplicaFolder } = await import('./replica-folder.ts');
  return await openReplicaFolder(folder, { ...options, databaseUrl, publication, mayOwn });
}
