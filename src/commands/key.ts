import { parseArgs } from 'node:util';
import { rfc3339 } from '../lib/instant.ts';
import { createKey } from '../publish/api-keys.ts';
import { openDataFolder } from '../service/data-folder.ts';
import { SCOPES, type StoredKey } from '../store/store.ts';
import { usage } from './arguments.ts';
import type { Command } from './command.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher key create --name NAME [--scope read|write]
       feed-publisher key list
       feed-publisher key revoke ID

Keys for the API. A key is shown once, when it is created, and kept as a hash. A write key may read as well. A running
service knows of every change at once.

Options
  --name NAME       whose key it is, to tell them apart
  --scope SCOPE     read or write     (write)
  --data FOLDER     the data folder   (DATA_DIR, data)
`;

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { data: { type: 'string' }, name: { type: 'string' }, scope: { type: 'string' } },
  });
  const [action, id, ...others] = positionals;
  const [surplus] = action === 'revoke' || id === undefined ? others : [id];
  if (surplus !== undefined) throw usage(`“${surplus}” is too much.`);
  const { store } = openDataFolder(values.data ?? (terminal.env.DATA_DIR || 'data'));
  try {
    switch (action) {
      case 'create': {
        const scope = SCOPES.find((known) => known === (values.scope ?? 'write'));
        if (scope === undefined) throw usage(`The scope must be one of ${SCOPES.join(', ')}.`);
        if (!values.name) throw usage('A key needs a --name, to tell it from others.');
        const { key } = await createKey(store, values.name, scope, Date.now());
        terminal.out(key);
        terminal.err('Keep it now: it is not shown again.');
        return 0;
      }
      case 'list':
        for (const key of await store.keys()) terminal.out(line(key));
        return 0;
      case 'revoke':
        if (id === undefined) throw usage('Which key? “key list” shows their ids.');
        if (await store.revokeKey(id, Date.now())) return 0;
        terminal.err(`There is no key ${id} that was not revoked before.`);
        return 1;
      default:
        throw usage('What shall be done with keys: create, list or revoke?');
    }
  } finally {
    await store.close();
  }
}

function line({ id, scope, name, createdAt, revokedAt }: StoredKey): string {
  const state = revokedAt === undefined ? '' : `  revoked ${rfc3339(revokedAt)}`;
  return `${id}  ${scope.padEnd(5)}  created ${rfc3339(createdAt)}${state}  ${name}`;
}
