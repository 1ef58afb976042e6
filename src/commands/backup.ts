import { resolve } from 'node:path';
import { OPTIONS } from '../config/options.ts';
import { loadWithoutPartners } from '../config/publication.ts';
import { PublisherError } from '../errors.ts';
import { backUp } from '../service/backup/back-up.ts';
import { hasStore } from '../service/data-folder.ts';
import { megabytes } from '../service/disk-room.ts';
import { optionsHelp, readArguments, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { counted, progressBars, type Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher backup FOLDER [options]

Backs up a data folder while the service runs: the store and the deliveries as they are at one moment, publication.yaml,
redirects.txt, partners/, articles/ and media/, and a list of all files with their SHA-256. FOLDER must not exist: it is there as soon
as the backup is whole. The signing key is not in it: keep a copy of the key in another place.

${optionsHelp(OPTIONS.backup)}`;

export const command: Command = { help: HELP, run };

/** Names of files that are listed. */
const MAX_LISTED = 10;

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { out, err, env, version, onStop } = terminal;
  const { values, positionals } = readArguments(OPTIONS.backup, { args, env, allowPositionals: true });
  const [name, surplus] = positionals;
  if (name === undefined || name === '') throw usage('“backup” needs the FOLDER of the new backup.');
  if (surplus !== undefined) throw usage(`Unexpected argument “${surplus}”: quote a FOLDER that has spaces.`);
  const folder = resolve(values.data);
  if (!hasStore(folder)) throw noStore(folder);
  const stop = new AbortController();
  onStop(() => stop.abort(stopped()));
  const target = resolve(name);
  const { files, bytes, leftOut } = await backUp({
    ...{ folder, target, version, stop: stop.signal },
    progress: progressBars(terminal),
  });
  for (const { path, reason } of leftOut.slice(0, MAX_LISTED)) err(`${path} is left out: ${reason}.`);
  if (leftOut.length > MAX_LISTED) err(`${leftOut.length - MAX_LISTED} more are left out.`);
  out(`The backup of ${folder} is ${target}: ${counted(files, 'file')}, ${megabytes(bytes)}.`);
  return 0;
}

/** @throws PublisherError for a mistyped folder */
function noStore(folder: string): PublisherError {
  loadWithoutPartners(folder);
  return new PublisherError('store_unavailable', `There is no store in ${folder}, so there is nothing to back up.`, {
    hint: 'Check --data. The first start of the service and the first import create a store.',
  });
}

function stopped(): PublisherError {
  return new PublisherError('unwritable_output', 'The backup was stopped: what was written of it is removed.');
}
