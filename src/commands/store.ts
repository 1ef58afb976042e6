import { resolve } from 'node:path';
import { OPTIONS } from '../config/options.ts';
import { loadWithoutPartners } from '../config/publication.ts';
import { PublisherError } from '../errors.ts';
import { hasStore, storeFile } from '../service/data-folder.ts';
import { endSharing } from '../service/deliveries.ts';
import { optionsHelp, readArguments, usage } from './arguments.ts';
import type { Command } from './command.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher store move database|sqlite --database-url URL [options]

Moves the store of a newsroom. Stop the service first.

  store move database   brings the store into an empty database: this machine is the first replica
  store move sqlite     brings everything into the store of this machine, which needs no database afterwards

All feeds keep their bytes and their tags.

${optionsHelp(OPTIONS.store)}`;

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(OPTIONS.store, { args, env: terminal.env, allowPositionals: true });
  const [action, to, ...others] = positionals;
  if (action !== 'move' || others.length > 0 || (to !== 'database' && to !== 'sqlite'))
    throw usage('“store” needs to know what to do: store move database, or store move sqlite.');
  const { databaseUrl: url } = values;
  if (url === undefined) throw usage('“store move” needs the address of the database: --database-url (DATABASE_URL).');
  const folder = resolve(values.data);
  loadWithoutPartners(folder); // throws for a mistyped folder
  const place = { file: storeFile(folder), url };
  const { moveToDatabase, moveToFile } = await import('../store/postgres/move.ts');
  if (to === 'sqlite') {
    await moveToFile(place, (replica) => endSharing(folder, replica));
    terminal.out('The store is on this machine alone now. Start the service without --database-url.');
    terminal.err('The database still has its copy, and other replicas would go on with it: stop them, and remove it.');
    return 0;
  }
  if (!hasStore(folder)) throw noStore(folder);
  await moveToDatabase(place);
  terminal.out(
    'The store is in the database now, and this machine is a replica. Start the service with --database-url.',
  );
  return 0;
}

function noStore(folder: string): PublisherError {
  return new PublisherError('store_unavailable', `There is no store in ${folder}.`, {
    hint: 'A newsroom without a store needs no move: start the service with --database-url.',
  });
}
