import type { DatabaseSync } from 'node:sqlite';
import { rowChecksum } from './checksums.ts';
import { damaged } from './damage.ts';
import { NO_READERS, READERS } from './database.ts';

export type Settings = ReturnType<typeof createSettings>;

/** Values by name that survive a restart. */
export function createSettings(db: DatabaseSync) {
  const select = db.prepare('SELECT name, value, checksum FROM setting WHERE name = ?');
  const upsert = db.prepare(`
    INSERT INTO setting (name, value, checksum) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, checksum = excluded.checksum`);
  /** Once true, it stays true. The query also reads the other settings in its page, which can be megabytes. */
  let served = false;

  const remove = db.prepare('DELETE FROM setting WHERE name = ? AND value = ?');

  function get(name: string): string | undefined {
    const row = select.get(name);
    if (row === undefined) return undefined;
    const value = String(row.value);
    if (row.name !== name || row.checksum !== rowChecksum([name, value]))
      throw damaged(`the setting “${name}” does not match its checksum`);
    return value;
  }

  function save(name: string, value: string): void {
    upsert.run(name, value, rowChecksum([name, value]));
  }

  /** Whether the store may have served a reader. */
  function wasServed(): boolean {
    served ||= get(READERS) !== NO_READERS;
    return served;
  }

  /** Removes a setting that still has this value. */
  function removeValue(name: string, value: string): void {
    remove.run(name, value);
  }

  return { get, save, removeValue, wasServed, markServed: (): void => save(READERS, 'admitted') };
}
