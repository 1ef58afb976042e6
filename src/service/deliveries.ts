import { setTimeout as sleep } from 'node:timers/promises';
import type { Publication } from '../config/publication.ts';
import type { Instant } from '../lib/instant.ts';
import { createDeliveryRecorder, type DeliveryRecorder } from '../partner/deliveries.ts';
import type { DeliveryStore } from '../store/delivery-store.ts';
import type { Replica } from '../store/replica.ts';
import { openDeliveryFile, type SharedDeliveryStore } from '../store/sqlite/delivery-file.ts';
import type { LocalSetting, Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';
import { type DataFolder, deliveryFile, storeFile } from './data-folder.ts';
import { type RunningExchange, startDeliveryExchange, takeShared } from './delivery-exchange.ts';
import { startPruning } from './pruning.ts';
import { unlessDamaged } from './unless-damaged.ts';

/** The setting that says since when deliveries are recorded. Without the file that has them, they are lost since then. */
const SINCE: LocalSetting = 'deliveries-since';

/** Milliseconds for which a start waits until the other replicas know that this one records. */
const FIRST_ROUND = 1000;

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
  const exchange = isWriter ? await exchangeOf(folder, record, { hasPartners, now, fail }) : undefined;
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
  const prune = async (before: Instant) => (await record.prune(before)) + (await pruneShared(folder, before));
  const days = () => publication().deliveryDays;
  const pruning = isWriter ? startPruning({ prune, days }, { now, fail }) : undefined;
  return {
    recorder,
    record,
    replaced: begin,
    async close() {
      await pruning?.close();
      await recorder.close();
      await exchange?.close();
      await record.close();
    },
  };
}

interface ExchangeOptions extends Pick<DeliveryParts, 'now' | 'fail'> {
  readonly hasPartners: () => boolean;
}

/** On a replica, shares what is delivered. The others know that this one records before it answers anybody. */
async function exchangeOf(
  { replica }: Pick<DataFolder, 'replica'>,
  record: SharedDeliveryStore,
  { hasPartners, now, fail }: ExchangeOptions,
): Promise<RunningExchange | undefined> {
  if (replica === undefined) return undefined;
  const running = startDeliveryExchange({ exchange: record.exchange, replica, isWanted: hasPartners, now, fail });
  if (hasPartners()) await record.add({ deliveries: [], through: now() });
  // A new replica may have to read years of deliveries: until it has them, receipts say “not recorded”.
  await Promise.race([running.round(), sleep(FIRST_ROUND)]);
  return running;
}

/** Takes what all replicas have delivered into the record of this machine, which shares nothing from then on. */
export async function endSharing(folder: string, replica: Replica): Promise<void> {
  const file = deliveryFile({ storeFile: storeFile(folder) });
  const record = openDeliveryFile({ file, now: Date.now, since: () => undefined, onLoss: () => {} });
  try {
    await takeShared({ exchange: record.exchange, replica, now: Date.now });
    await record.exchange.leave();
  } finally {
    await record.close();
  }
}

/** The owner removes what is older from the database. */
async function pruneShared({ replica }: Pick<DataFolder, 'replica'>, before: Instant): Promise<number> {
  const { isOwner, isConnected } = replica?.state() ?? {};
  return replica !== undefined && isOwner && isConnected ? await replica.deliveries.prune(before) : 0;
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
