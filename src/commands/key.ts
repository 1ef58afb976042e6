import { OPTIONS, type ValuesOf } from '../config/options.ts';
import { rfc3339 } from '../lib/instant.ts';
import { createKey } from '../publish/api-keys.ts';
import { openDataFolder } from '../service/data-folder.ts';
import type { Store, StoredKey } from '../store/store.ts';
import { optionsHelp, readArguments, usage } from './arguments.ts';
import type { Command } from './command.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher key create --name NAME [--scope read|write]
       feed-publisher key list
       feed-publisher key revoke ID

Manages keys for the API. “key create” shows a key once; the store keeps only its hash. A running service knows every
change of keys at once.

${optionsHelp(OPTIONS.key)}`;

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(OPTIONS.key, { args, env: terminal.env, allowPositionals: true });
  const [action, id, ...others] = positionals;
  const [surplus] = action === 'revoke' || id === undefined ? others : [id];
  if (surplus !== undefined) throw usage(`Unexpected argument “${surplus}”.`);
  const { store } = openDataFolder(values.data);
  try {
    switch (action) {
      case 'create':
        return await create(store, values, terminal);
      case 'list':
        for (const key of await store.keys()) terminal.out(keyRow(key));
        return 0;
      case 'revoke':
        return await revoke(store, id, terminal);
      default:
        throw usage('“key” needs an action: create, list or revoke.');
    }
  } finally {
    await store.close();
  }
}

async function create(
  store: Store,
  { name, scope }: ValuesOf<typeof OPTIONS.key>,
  { out, err }: Terminal,
): Promise<number> {
  if (!name) throw usage('“key create” needs a --name, so that you can tell keys apart.');
  const { key } = await createKey(store, name, scope, Date.now());
  out(key);
  err('Save this key now. It is not shown again.');
  return 0;
}

async function revoke(store: Store, id: string | undefined, { err }: Terminal): Promise<number> {
  if (id === undefined) throw usage('“key revoke” needs the ID of a key. “key list” shows all IDs.');
  if (await store.revokeKey(id, Date.now())) return 0;
  err(`No active key “${id}”. “key list” shows all keys.`);
  return 1;
}

function keyRow({ id, scope, name, createdAt, revokedAt }: StoredKey): string {
  const state = revokedAt === undefined ? '' : `  revoked ${rfc3339(revokedAt)}`;
  return `${id}  ${scope.padEnd(5)}  created ${rfc3339(createdAt)}${state}  ${name}`;
}
