import { sharedPublication } from '../publish/refresh.ts';
import { type DataFolder, newsroomOf, openDataFolder } from './data-folder.ts';
import type { Part } from './service-process.ts';
import { openSharedFolder, type SharedFolderOptions } from './shared-folder.ts';

/**
 * Opens the data folder of a worker. On a replica, the writer follows the log. Readers read its store, and the publication in
 * force there: the files of this machine may say something else.
 *
 * @throws PublisherError as `openSharedFolder`
 */
export async function openWorkerFolder(
  path: string,
  options: SharedFolderOptions,
  { role }: Part,
): Promise<DataFolder> {
  if (role === 'writer') return await openSharedFolder(path, { ...options, mayOwn: true });
  const folder = openDataFolder(path, options);
  if (options.databaseUrl === undefined) return folder;
  const publication = (await sharedPublication(folder.store)) ?? folder.publication;
  return { ...folder, publication, newsroom: newsroomOf(path, publication, options.sanitizeFastPath) };
}
