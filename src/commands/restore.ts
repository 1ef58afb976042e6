import { resolve } from 'node:path';
import { OPTIONS } from '../config/options.ts';
import { restore } from '../service/backup/restore.ts';
import { megabytes } from '../service/disk-room.ts';
import { SCHEMA } from '../store/sqlite/database.ts';
import { optionsHelp, readArguments, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { counted, progressBars, type Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher restore FOLDER [options]

Restores a backup that the command backup made into a data folder that is missing or empty. Every file is compared with the list
of the backup. Nothing is overwritten. Stop the service first, and run the command as its user.

${optionsHelp(OPTIONS.restore)}`;

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { out, err, env } = terminal;
  const { values, positionals } = readArguments(OPTIONS.restore, { args, env, allowPositionals: true });
  const [name, surplus] = positionals;
  if (name === undefined || name === '') throw usage('“restore” needs the FOLDER of a backup.');
  if (surplus !== undefined) throw usage(`Unexpected argument “${surplus}”: quote a FOLDER that has spaces.`);
  const target = resolve(values.data);
  const progress = progressBars(terminal);
  const { at, schema, files } = await restore({ backup: resolve(name), target, progress });
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  out(`${target} is as it was at ${at}: ${counted(files.length, 'file')}, ${megabytes(bytes)}.`);
  if (schema < SCHEMA) err(`Its store has schema ${schema}: run migrate before you start the service.`);
  err('If you have erased an article since, erase it again: the backup had its text.');
  return 0;
}
