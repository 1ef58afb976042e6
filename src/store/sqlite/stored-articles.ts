import type { Store } from '../store.ts';
import { createArticleIndexes } from './article-indexes.ts';
import { SCHEMA, versionError, withSchemaErrors, withStoreErrors } from './database.ts';
import { createLists } from './lists.ts';
import { openToRead } from './open-to-read.ts';
import { createReading } from './reading.ts';
import { createRecords } from './records.ts';
import { createSettings } from './settings.ts';
import { createSources } from './sources.ts';
import { schemaIn } from './store-file.ts';
import { createStoreRow } from './store-row.ts';

/** What a store holds, for a process that changes nothing. */
export interface StoredArticles extends Pick<Store, 'count' | 'page' | 'find' | 'sources' | 'setting' | 'close'> {
  /** The id of the article that has a public id. */
  readonly ownerOf: (publicId: string) => Promise<string | undefined>;
}

/**
 * Opens a store to read its articles. No file changes, not even one beside the store, and a service may use it meanwhile.
 *
 * @throws PublisherError `store_outdated`, `store_too_new`, `store_unavailable`, `store_damaged`
 */
export function openStoredArticles(file: string): StoredArticles {
  const opened = withStoreErrors(withSchemaErrors(open))(file);
  const methods = Object.entries(opened).map(([name, method]) => [name, withStoreErrors(method)]);
  return Object.fromEntries(methods) as StoredArticles;
}

function open(file: string): StoredArticles {
  const [db, close] = openToRead(file, false);
  try {
    const schema = schemaIn(db, file);
    if (schema !== SCHEMA) throw versionError(file, schema);
    const reading = createReading(db);
    const storeRow = createStoreRow(db, createLists(db));
    const records = createRecords(db, createArticleIndexes(db, { storeRow, reading }));
    const sources = createSources(db, storeRow);
    const settings = createSettings(db);
    const owner = db.prepare('SELECT id FROM article WHERE public_id = ?');
    // What the row of the store was at the last look is old as soon as a service writes.
    const current = <Result>(read: () => Result) =>
      reading(() => {
        storeRow.forget();
        return read();
      });
    return {
      count: async () => current(storeRow.count),
      page: async (after, limit) => records.page(after, limit),
      find: async (id) => current(() => records.find(id)),
      sources: async () => current(sources.list),
      setting: async (name) => settings.get(name),
      ownerOf: async (publicId) => owner.get(publicId)?.id?.toString(),
      close: async () => close(),
    };
  } catch (error) {
    close();
    throw error;
  }
}
