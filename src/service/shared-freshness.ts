import { FRESHNESS, type Freshness, freshnessOf } from '../store/replica.ts';
import type { LocalSetting } from '../store/store.ts';
import type { DataFolder } from './data-folder.ts';
import type { ServeOptions } from './service-process.ts';
import { every } from './shared-clock.ts';

/** The setting in which the process that follows the log tells the others of this machine. */
const SHARED: LocalSetting = 'freshness';
/** Milliseconds between two looks. */
const INTERVAL = 500;

/** Whether this machine shows what the other replicas show, for every process of it. Ends with `opened`. */
export async function openFreshness(
  { replica, store }: Pick<DataFolder, 'replica' | 'store'>,
  { databaseUrl, part }: Pick<ServeOptions, 'databaseUrl' | 'part'>,
  opened: AsyncDisposableStack,
): Promise<() => Freshness> {
  if (replica === undefined && databaseUrl === undefined) return () => 'current';
  if (replica !== undefined && part === undefined) return () => freshnessOf(replica.state());
  let known: Freshness | undefined;

  /** Without a word of the other process, nothing is known. */
  async function look(): Promise<void> {
    const value = await store.setting(SHARED);
    known = FRESHNESS.find((name) => name === value) ?? 'unknown';
  }

  async function tell(freshness: Freshness): Promise<void> {
    if (freshness === known) return;
    await store.saveSetting(SHARED, freshness);
    known = freshness;
  }

  const work = () => (replica === undefined ? look() : tell(freshnessOf(replica.state())));
  await work().catch(() => {});
  opened.defer(every(INTERVAL, work));
  return () => (replica === undefined ? (known ?? 'unknown') : freshnessOf(replica.state()));
}
