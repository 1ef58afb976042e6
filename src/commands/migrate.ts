import { resolve } from 'node:path';
import { OPTIONS } from '../config/options.ts';
import { loadWithoutPartners } from '../config/publication.ts';
import { hasStore, storeFile } from '../service/data-folder.ts';
import { migrateDatabase, SCHEMA } from '../store/sqlite/database.ts';
import { optionsHelp, readArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { progressBars, type Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher migrate [options]

Brings the store of an earlier version to the schema of this version. Back up the store first.

${optionsHelp(OPTIONS.migrate)}`;

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readArguments(OPTIONS.migrate, { args, env: terminal.env });
  const folder = resolve(values.data);
  loadWithoutPartners(folder); // throws for a mistyped folder
  if (!hasStore(folder)) {
    terminal.out(`There is no store in ${folder}. The first start of the service creates one with schema ${SCHEMA}.`);
    return 0;
  }
  const progress = progressBars(terminal);
  const { from, to } = migrateDatabase(storeFile(folder), (done, total) => progress('Adding checksums', done, total));
  terminal.out(
    from === to ? `The store already has schema ${to}.` : `The store now has schema ${to} (before: ${from}).`,
  );
  return 0;
}
