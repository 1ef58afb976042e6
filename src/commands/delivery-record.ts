import { resolve } from 'node:path';
import { loadPublication, type Publication } from '../config/publication.ts';
import { didYouMean, meantWord } from '../lib/nearest-word.ts';
import { withoutKeys } from '../lib/redaction.ts';
import { hasStore, openDataFolder } from '../service/data-folder.ts';
import { openDeliveryRecord } from '../service/deliveries.ts';
import type { DeliveryStore } from '../store/delivery-store.ts';
import type { Store } from '../store/store.ts';
import type { Terminal } from './terminal.ts';

/** The record of a data folder, beside its store. */
export interface OpenRecord {
  readonly store: Store;
  readonly record: DeliveryStore;
}

/**
 * Opens the record of deliveries for one piece of work, whether a service runs or not. Where no service has used the data
 * folder yet, there is none.
 */
export async function withRecord<Result>(
  data: string,
  { err }: Terminal,
  work: (publication: Publication, opened: OpenRecord | undefined) => Promise<Result>,
): Promise<Result> {
  const path = resolve(data);
  const publication = loadPublication(path); // throws for a mistyped folder
  if (!hasStore(path)) return await work(publication, undefined);
  const folder = openDataFolder(path, { publication });
  const { store } = folder;
  try {
    const record = await openDeliveryRecord(folder, err);
    try {
      return await work(publication, { store, record });
    } finally {
      await record.close();
    }
  } finally {
    await store.close();
  }
}

/** What to say of a partner that has no file and no delivery. */
export function unknownPartner(id: string, known: readonly string[]): string {
  const nearest = didYouMean(meantWord(id, known)).replace(/^\. /, ' ');
  return `There is no partner “${withoutKeys(id)}”: partners/ has no file of that name.${nearest}`;
}
