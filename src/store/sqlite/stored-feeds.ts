import type { Store } from '../store.ts';
import { createArchiveReader } from './archive-reader.ts';
import { createArchives } from './archives.ts';
import { SCHEMA, versionError, withSchemaErrors, withStoreErrors } from './database.ts';
import { createFeedReader } from './feed-reader.ts';
import { createFeedTotals } from './feed-totals.ts';
import { createLists } from './lists.ts';
import { openToRead } from './open-to-read.ts';
import { createReading } from './reading.ts';
import { createSettings } from './settings.ts';
import { createSnapshots } from './snapshot.ts';
import { schemaIn } from './store-file.ts';
import { createStoreRow } from './store-row.ts';

/** The feeds of a store, for a process that changes nothing. */
export type StoredFeeds = Pick<Store, 'listFeeds' | 'snapshot' | 'setting' | 'close'>;

/**
 * Opens a store to read its feeds as they are at one moment. No file changes, not even one beside the store, and a service may
 * use it meanwhile.
 *
 * @throws PublisherError `store_outdated`, `store_too_new`, `store_unavailable`, `store_damaged`
 */
export function openStoredFeeds(file: string): StoredFeeds {
  return withStoreErrors(withSchemaErrors(open))(file);
}

function open(file: string): StoredFeeds {
  const [db, close] = openToRead(file, false);
  try {
    const schema = schemaIn(db, file);
    if (schema !== SCHEMA) throw versionError(file, schema);
    db.exec('BEGIN'); // all that is read is of one moment
    const reading = createReading(db);
    const lists = createLists(db);
    const storeRow = createStoreRow(db, lists);
    const settings = createSettings(db);
    const feeds = createFeedReader(db, { lists, storeRow });
    const archive = createArchiveReader(db, { lists, archives: createArchives(db, { lists, settings }) });
    const snapshots = createSnapshots(db, { lists, feeds, archive });
    const { list } = createFeedTotals({ lists, feeds, reading });
    return {
      listFeeds: withStoreErrors(list),
      snapshot: withStoreErrors(async (key, at, options) => reading(() => snapshots.snapshot(key, at, options))),
      setting: withStoreErrors(async (name) => settings.get(name)),
      close: async () => close(),
    };
  } catch (error) {
    close();
    throw error;
  }
}
