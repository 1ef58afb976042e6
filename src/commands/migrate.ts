import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { loadPublication } from '../config/publication.ts';
import { storeFile } from '../service/data-folder.ts';
import { migrateDatabase } from '../store/sqlite/database.ts';
import type { Command } from './command.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher migrate [options]

Brings the store of an earlier version to this version's schema. Make a copy of it first.

Options
  --data FOLDER     the data folder   (DATA_DIR, data)
`;

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { data: { type: 'string' } } });
  const dataFolder = resolve(values.data ?? (terminal.env.DATA_DIR || 'data'));
  loadPublication(dataFolder); // where there is none, there is no store to bring up to date
  const { from, to } = migrateDatabase(storeFile(dataFolder));
  terminal.out(
    from === to ? `The store has schema ${to} already.` : `The store was brought from schema ${from} to ${to}.`,
  );
  return 0;
}
