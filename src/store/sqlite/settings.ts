import type { DatabaseSync } from 'node:sqlite';
import { rowChecksum } from './checksums.ts';
import { damaged } from './damage.ts';
import { NO_READERS, READERS } from './database.ts';

/** Longer values are read each time: the ones of many feeds are read at a start only, and would stay in memory. */
const MAX_KEPT = 512 * 1024;

export type Settings = ReturnType<typeof createSettings>;

/** Values by name that survive a restart. */
export function createSettings(db: DatabaseSync) {
  const select = db.prepare('SELECT name, value, checksum FROM setting WHERE name = ?');
  const upsert = db.prepare(`
    INSERT INTO setting (name, value, checksum) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, checksum = excluded.checksum`);
  const remove = db.prepare('DELETE FROM setting WHERE name = ? AND value = ?');
  const selectVersion = db.prepare('PRAGMA data_version');
  selectVersion.setReturnArrays(true);
  /** Once true, it stays true. */
  let served = false;
  /** Values as they were read last: each query also reads the other settings in its page, which can be megabytes. */
  const kept = new Map<string, string | undefined>();
  /** The version of the store that has these values. It moves when another connection commits. */
  let keptVersion: number | undefined;

  function get(name: string): string | undefined {
    const [version] = selectVersion.get() as unknown as [number];
    if (version !== keptVersion) kept.clear();
    keptVersion = version;
    if (kept.has(name)) return kept.get(name);
    const value = read(name);
    if (value === undefined || value.length <= MAX_KEPT) kept.set(name, value);
    return value;
  }

  function read(name: string): string | undefined {
    const row = select.get(name);
    if (row === undefined) return undefined;
    const value = String(row.value);
    if (row.name !== name || row.checksum !== rowChecksum([name, value]))
      throw damaged(`the setting “${name}” does not match its checksum`);
    return value;
  }

  function save(name: string, value: string): void {
    kept.delete(name);
    upsert.run(name, value, rowChecksum([name, value]));
  }

  /** Saves a value unless there is one. Returns the one that the setting has. */
  function keep(name: string, value: string): string {
    const known = get(name);
    if (known === undefined) save(name, value);
    return known ?? value;
  }

  /** Whether the store may have served a reader. */
  function wasServed(): boolean {
    served ||= get(READERS) !== NO_READERS;
    return served;
  }

  /** Removes a setting that still has this value. */
  function removeValue(name: string, value: string): void {
    kept.delete(name);
    remove.run(name, value);
  }

  return {
    get,
    save,
    keep,
    removeValue,
    wasServed,
    markServed: (): void => save(READERS, 'admitted'),
    /** Call this after a rollback: the values in memory may be those of the transaction. */
    forget: (): void => kept.clear(),
  };
}
