import type { DatabaseSync } from 'node:sqlite';
import { NO_READERS, READERS } from './database.ts';

/** The revision of the last erasure, as long as the files of the store may still have text of erased articles. */
export const ERASED = 'erased';

export type Settings = ReturnType<typeof createSettings>;

/** Values by name that survive a restart. */
export function createSettings(db: DatabaseSync) {
  const select = db.prepare('SELECT value FROM setting WHERE name = ?');
  const upsert = db.prepare(`
    INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`);
  /** Once true, it stays true. The query also reads the other settings in its page, which can be megabytes. */
  let served = false;

  const remove = db.prepare('DELETE FROM setting WHERE name = ? AND value = ?');

  function get(name: string): string | undefined {
    return (select.get(name) as { value: string } | undefined)?.value;
  }

  function save(name: string, value: string): void {
    upsert.run(name, value);
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
