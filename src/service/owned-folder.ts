import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ArticleFolder } from '../ingest/folder/articles-folder.ts';
import type { Replica } from '../store/replica.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';

interface OwnedFolderParts {
  readonly replica: Replica;
  readonly store: Pick<Store, 'sources'>;
  readonly dataFolder: string;
  readonly open: () => ArticleFolder;
  readonly log: Log;
  readonly fail: (error: unknown) => void;
}

/**
 * The articles folder of a replica: it is in step with the store while this replica is the owner. All replicas must have the same
 * folder, because a file that is missing counts as removed.
 */
export function createOwnedFolder({ replica, store, dataFolder, open, log, fail }: OwnedFolderParts): ArticleFolder {
  let folder: ArticleFolder | undefined;
  let changing = Promise.resolve();
  let isClosed = false;

  async function begin(): Promise<void> {
    if (folder !== undefined || isClosed || !replica.state().isOwner) return;
    if (await isOtherFolder()) return warn();
    const opened = open();
    folder = opened;
    await opened.start();
    log.info({}, 'This replica watches articles/ for all.');
  }

  /** Whether not one file is there that the store knows: the folder is not the one that the other replicas have. */
  async function isOtherFolder(): Promise<boolean> {
    const files = (await store.sources()).filter(({ path }) => path !== '');
    return files.length > 0 && !files.some(({ path }) => existsSync(join(dataFolder, 'articles', path)));
  }

  function warn(): void {
    const problem = 'The folder articles/ has none of the files that the store knows: this replica does not watch it.';
    log.error({}, `${problem} Give all replicas the same folder, and restart this one.`);
  }

  async function end(): Promise<void> {
    const open = folder;
    folder = undefined;
    await open?.close();
  }

  function change(work: () => Promise<void>): Promise<void> {
    changing = changing.then(work).catch(fail);
    return changing;
  }

  return {
    async start() {
      replica.onOwner((isOwner) => void change(isOwner ? begin : end));
    },
    hasPending: () => folder?.hasPending() ?? false,
    whenIdle: async () => folder?.whenIdle(),
    async close() {
      isClosed = true;
      await change(end);
    },
  };
}
