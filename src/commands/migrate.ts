import { basename, resolve } from 'node:path';
import { OPTIONS } from '../config/options.ts';
import { loadWithoutPartners } from '../config/publication.ts';
import { hasStore, storeFile } from '../service/data-folder.ts';
import { requireRoom } from '../service/disk-room.ts';
import { type EarlierSchema, findEarlierSchema } from '../store/sqlite/copy-database.ts';
import { migrateDatabase, SCHEMA } from '../store/sqlite/database.ts';
import { optionsHelp, readArguments } from './arguments.ts';
import type { Command } from './command.ts';
import { progressBars, type Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher migrate [options]

Brings the store of an earlier version to the schema of this version. Stop the service first. The command makes a copy of the store
beside it, with the number of the earlier schema in its name: to go back, put it in the place of the store.

${optionsHelp(OPTIONS.migrate)}`;

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readArguments(OPTIONS.migrate, { args, env: terminal.env });
  const folder = resolve(values.data);
  loadWithoutPartners(folder); // throws for a mistyped folder
  if (values.databaseUrl !== undefined) {
    const { migrateLog } = await import('../store/postgres/move.ts');
    await migrateLog(values.databaseUrl);
    terminal.out(`Replicas of this version may follow the log in the database.`);
  }
  if (!hasStore(folder)) {
    terminal.out(`There is no store in ${folder}. The first start of the service creates one with schema ${SCHEMA}.`);
    return 0;
  }
  const file = storeFile(folder);
  const earlier = findEarlierSchema(file);
  if (earlier !== undefined && !values.noBackup) await keepCopy(earlier, file, terminal);
  const progress = progressBars(terminal);
  const { from, to } = migrateDatabase(file, (done, total) => progress('Adding checksums', done, total));
  terminal.out(
    from === to ? `The store already has schema ${to}.` : `The store now has schema ${to} (before: ${from}).`,
  );
  return 0;
}

async function keepCopy({ room, copy }: EarlierSchema, file: string, terminal: Terminal): Promise<void> {
  requireRoom(room(), {
    work: `A migration of ${file} with a copy before it`,
    hint: 'Make room on this disk. Or make a backup on another disk, then run migrate --no-backup. Nothing was changed.',
  });
  const progress = progressBars(terminal);
  const name = await copy((done, total) => progress('Copying the store', done, total));
  terminal.out(
    `A copy of the store is ${basename(name)}, beside it. Delete it when all is well: it keeps text of articles that you erase later.`,
  );
}
