import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { storeFile } from '../installation.ts';
import { migrateDatabase } from '../store/database.ts';
import type { Terminal } from './terminal.ts';

export const MIGRATE_HELP = `Usage: feed-publisher migrate [options]

Brings the store of an earlier version to this version's schema. Make a copy of it first.

Options
  --data FOLDER     the data folder   (DATA_DIR, data)
`;

export async function runMigrate(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { data: { type: 'string' } } });
  const { from, to } = migrateDatabase(storeFile(resolve(values.data ?? (terminal.env.DATA_DIR || 'data'))));
  terminal.out(
    from === to ? `The store has schema ${to} already.` : `The store was brought from schema ${from} to ${to}.`,
  );
  return 0;
}
