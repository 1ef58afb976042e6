import { open } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';

/** Bytes of a page of a store. */
const PAGE = 8192;

/** Damages the first page of each table and index of a closed store, so that it can be opened, but nothing in it can be read. */
export async function overwriteTables(file: string): Promise<void> {
  const db = new DatabaseSync(file);
  const roots = db.prepare('SELECT rootpage FROM sqlite_schema WHERE rootpage > 0').all();
  db.close();
  const handle = await open(file, 'r+');
  for (const { rootpage } of roots)
    await handle.write(Buffer.alloc(PAGE, 0xaa), 0, PAGE, (Number(rootpage) - 1) * PAGE);
  await handle.close();
}
