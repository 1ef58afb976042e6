import type { Publication } from '../config/publication.ts';
import { createDeliveryRecorder, type DeliveryRecorder } from '../partner/deliveries.ts';
import type { DeliveryStore } from '../store/delivery-store.ts';
import { openDeliveryFile } from '../store/sqlite/delivery-file.ts';
import type { LocalSetting, Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';
import { type DataFolder, deliveryFile } from './data-folder.ts';
import { startPruning } from './pruning.ts';
import { unlessDamaged } from './unless-damaged.ts';

/** The setting that says since when deliveries are recorded. Without the file that has them, they are lost since then. */
const SINCE: LocalSetting = 'deliveries-since';

interface DeliveryParts {
  /** The one in force. */
  readonly publication: () => Publication;
  readonly now: () => number;
  readonly log: Log;
  readonly fail: (error: unknown) => void;
  /** Whether this process may write into the store. */
  readonly isWriter: boolean;
}

/** The deliveries of this process, and the record of all processes. */
export interface Deliveries {
  readonly recorder: DeliveryRecorder;
  readonly record: DeliveryStore;
  /** To be called when another publication is in force: it may have the first partner. */
  readonly replaced: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Records what partners fetch, beside the store. */
export async function openDeliveries(folder: DataFolder, parts: DeliveryParts): Promise<Deliveries> {
  const { publication, now, log, fail, isWriter } = parts;
  const hasPartners = () => (publication().partners ?? []).length > 0;
  let since = await readSince(folder.store);
  const file = deliveryFile(folder);

  async function begin(): Promise<void> {
    if (!hasPartners() || since !== undefined) return;
    since = await readSince(folder.store);
    if (since !== undefined || !isWriter || folder.store.damage() !== undefined) return;
    // The file comes first: where it is missing although the store knows since when there is one, it was lost.
    const first = now();
    if ((await record.add({ deliveries: [], through: first })) !== 'added') return;
    await folder.store.saveSetting(SINCE, String(first)).catch(fail);
    since = first;
  }

  const record = openDeliveryFile({
    file,
    now,
    since: () => since,
    onLoss: (reason, newName) =>
      log.warn(
        { reason, file: newName },
        `The deliveries to partners are recorded anew: ${file} could not be used, and is now ${newName}.`,
      ),
  });
  await begin();
  const recorder = createDeliveryRecorder({
    store: record,
    now,
    isWanted: hasPartners,
    fail,
    onFull: () =>
      log.error(
        { file },
        `Deliveries to partners wait in memory: ${file} cannot be written. ${record.problem() ?? 'Check its disk and its permissions'}.`,
      ),
  });
  const pruning = isWriter
    ? startPruning({ prune: record.prune, days: () => publication().deliveryDays }, { now, fail })
    : undefined;
  return {
    recorder,
    record,
    replaced: begin,
    async close() {
      await pruning?.close();
      await recorder.close();
    },
  };
}

/** Reads the record of a data folder, whether a service runs or not. */
export async function openDeliveryRecord(
  folder: DataFolder,
  onLoss: (message: string) => void,
): Promise<DeliveryStore> {
  const since = await readSince(folder.store);
  const file = deliveryFile(folder);
  return openDeliveryFile({
    file,
    now: Date.now,
    since: () => since,
    onLoss: (reason, newName) => onLoss(`${file} could not be used (${reason}), and is now ${newName}.`),
  });
}

/** Undefined, where the store had no partner yet, or is damaged there. */
async function readSince(store: Pick<Store, 'setting'>): Promise<number | undefined> {
  const text = await unlessDamaged(store.setting(SINCE));
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}
