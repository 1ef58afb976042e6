import { type CheckedStore, type CheckParts, checkOutdated, checkStore } from './check-store.ts';
import { SCHEMA, unopenable, versionError } from './database.ts';
import { openToRead } from './open-to-read.ts';
import { isDamage } from './readable-rows.ts';
import { cutOff, realPath, schemaIn } from './store-file.ts';

export interface VerifiedStore extends CheckedStore {
  readonly schema: number;
  /** Only the pages and the articles of a store with an earlier schema are checked. */
  readonly isOutdated: boolean;
}

interface VerifyParts extends CheckParts {
  /** The file is a copy that nobody writes: no file may appear beside it. */
  readonly isBackup: boolean;
}

/**
 * Checks a store, which a service may use meanwhile, or a backup.
 *
 * @throws PublisherError `store_too_new`, and `store_unavailable` for a file that is not a store
 */
export async function verifyStore(file: string, { isBackup, ...parts }: VerifyParts): Promise<VerifiedStore> {
  let isFound = false;
  const onDamage: CheckParts['onDamage'] = (damage) => {
    isFound = true;
    parts.onDamage(damage);
  };
  const [db, close] = openToRead(file, isBackup);
  let schema = 0;
  try {
    schema = schemaIn(db, file);
    if (schema > SCHEMA) throw versionError(file, schema);
    const isOutdated = schema < SCHEMA;
    const checked = await (isOutdated ? checkOutdated : checkStore)(db, { ...parts, onDamage });
    return { ...checked, schema, isOutdated };
  } catch (error) {
    if (!isDamage(error)) throw unopenable(file, error);
    if (!isFound)
      parts.onDamage({ kind: 'file', name: '', problem: cutOff(realPath(file)) ?? (error as Error).message });
    return { articles: 0, feeds: 0, schema, isOutdated: false };
  } finally {
    close();
  }
}
