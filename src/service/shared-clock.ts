import type { LocalSetting, Store } from '../store/store.ts';
import type { DataFolder } from './data-folder.ts';
import type { ServeOptions } from './service-process.ts';

/** The setting with the correction of this machine's clock, in milliseconds: the process that follows the log tells the others. */
const OFFSET: LocalSetting = 'clock-offset';
/** Milliseconds between two looks. */
const INTERVAL = 1000;

/**
 * Opens the clock of a service, in milliseconds since 1970. Replicas and their workers have the same one: an embargo must end
 * everywhere at once. The clock ends with `opened`.
 */
export async function openClock(
  { replica, store }: Pick<DataFolder, 'replica' | 'store'>,
  { now = Date.now, databaseUrl }: Pick<ServeOptions, 'now' | 'databaseUrl'>,
  opened: AsyncDisposableStack,
): Promise<() => number> {
  if (replica === undefined && databaseUrl === undefined) return now;
  let offset = await offsetIn(store);
  if (replica !== undefined) {
    opened.defer(every(INTERVAL, () => remember(store, replica.state().clockOffset)));
    return () => now() + (replica.state().clockOffset ?? offset);
  }
  const look = async () => {
    offset = await offsetIn(store);
  };
  opened.defer(every(INTERVAL, look));
  return () => now() + offset;
}

/**
 * Does work again and again. A store that is busy or damaged is looked at again later.
 *
 * @returns the function that ends it
 */
export function every(milliseconds: number, work: () => Promise<void>): () => void {
  const timer = setInterval(() => void work().catch(() => {}), milliseconds).unref();
  return () => clearInterval(timer);
}

/** For other processes of this machine, and for a start while the database is away. */
async function remember(store: Pick<Store, 'setting' | 'saveSetting'>, offset: number | undefined): Promise<void> {
  if (offset !== undefined && (await offsetIn(store)) !== offset) await store.saveSetting(OFFSET, String(offset));
}

async function offsetIn(store: Pick<Store, 'setting'>): Promise<number> {
  return Number((await store.setting(OFFSET)) ?? 0);
}
