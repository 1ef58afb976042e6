import { stat, statfs } from 'node:fs/promises';
import { PublisherError } from '../errors.ts';
import type { StoreFacts } from '../pages/service-status.ts';
import { IN_MEMORY } from '../store/sqlite/database.ts';
import type { Store } from '../store/store.ts';
import type { DataFolder } from './data-folder.ts';

const MEGABYTE = 1_000_000;
/** Bytes that should be free on the disk of a store at least. */
const LEAST_FREE = 200 * MEGABYTE;
/** The log of changes moves into the store's file, which may need as much room again meanwhile. */
const LOGS_FREE = 2;

/** The disk of the store. */
export interface DiskWatch {
  /** The store, with its changes watched. */
  readonly store: Store;
  /** The figures of the store, and why changes cannot be stored, or soon cannot. */
  readonly look: () => Promise<{ readonly facts: StoreFacts; readonly problem: string | undefined }>;
}

/** Watches whether the disk has room for changes. */
export function watchDisk({ path, store, storeFile }: Pick<DataFolder, 'path' | 'store' | 'storeFile'>): DiskWatch {
  let wasFull = false;
  return {
    store: {
      ...store,
      async apply(changes, now) {
        try {
          const outcomes = await store.apply(changes, now);
          wasFull = false;
          return outcomes;
        } catch (error) {
          wasFull = error instanceof PublisherError && error.code === 'insufficient_storage';
          throw error;
        }
      },
    },
    async look() {
      const [revision, bytes, logBytes, disk] = await Promise.all([
        store.lastRevision().catch(() => 0), // it cannot be read
        sizeOf(storeFile),
        sizeOf(`${storeFile}-wal`),
        statfs(path).catch(() => undefined),
      ]);
      const facts = { revision, bytes, logBytes, freeBytes: disk === undefined ? 0 : disk.bavail * disk.bsize };
      return {
        facts,
        problem: disk === undefined ? 'The disk of the data folder cannot be read.' : problemOf(facts, wasFull),
      };
    },
  };
}

function problemOf({ freeBytes, logBytes }: StoreFacts, wasFull: boolean): string | undefined {
  const free = `${Math.floor(freeBytes / MEGABYTE)} MB are free`;
  if (wasFull) return `The disk was full at the last change, which was refused: ${free}. Make room.`;
  const needed = Math.max(LEAST_FREE, LOGS_FREE * logBytes);
  if (freeBytes >= needed) return undefined;
  return `The disk is nearly full: ${free}, and at least ${Math.ceil(needed / MEGABYTE)} MB should be. Make room.`;
}

async function sizeOf(file: string): Promise<number> {
  if (file === IN_MEMORY) return 0;
  const status = await stat(file).catch(() => undefined);
  return status?.size ?? 0;
}
